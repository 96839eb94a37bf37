"""Days before those asked for of which Silver is behind Bronze: a run that looked back has loaded them anew."""

import json
import os
from datetime import date, timedelta

from errors import SOFTWARE, BuildError
from gold import Invoke
from told import passing, tell_operation

LOOK_BACK = 7  # days, where no source contract is asked
_SAID = "silver is behind from "


def find_first(invoke: Invoke, first: date) -> date:
    """The earliest of the days that a run looks back at which Silver has not as Bronze has; else `first` itself."""
    back = int(os.environ.get("CORETELECOMS_LOOK_BACK", LOOK_BACK))
    if not back:
        return first
    given = {"first": str(first - timedelta(days=back)), "last": str(first - timedelta(days=1))}
    said: list[str] = []
    done = invoke("run-operation", "tell_days_behind", "--args", json.dumps(given), "--no-write-json", said=said)
    if any(result.status == "error" for result in done.results):
        why = "\n".join(said)
        raise BuildError(f"Silver could not be held against Bronze: {tell_operation(why)}", passing(why) or SOFTWARE)
    found = [date.fromisoformat(text.partition(_SAID)[2][:10]) for text in said if text.startswith(_SAID)]
    return min(found, default=first)
