"""Days before those asked for of which Silver is behind Bronze: a run that looked back has loaded them anew."""

import os
from datetime import date, timedelta

from errors import SOFTWARE
from operation import Invoke, run_macro

LOOK_BACK = 7  # days, where no source contract is asked
_SAID = "silver is behind from "


def find_first(invoke: Invoke, first: date) -> date:
    """The earliest of the days that a run looks back at which Silver has not as Bronze has; else `first` itself."""
    back = int(os.environ.get("CORETELECOMS_LOOK_BACK", LOOK_BACK))
    if not back:
        return first
    given = {"first": str(first - timedelta(days=back)), "last": str(first - timedelta(days=1))}
    said = run_macro(invoke, "tell_days_behind", "Silver could not be held against Bronze", SOFTWARE, **given)
    found = [date.fromisoformat(text.partition(_SAID)[2][:10]) for text in said if text.startswith(_SAID)]
    return min(found, default=first)
