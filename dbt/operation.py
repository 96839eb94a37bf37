"""A macro run by itself: what it logs, or why it failed."""

import json
from collections.abc import Callable
from typing import Any

from errors import BuildError
from told import passing, tell_operation

Invoke = Callable[..., Any]  # one dbt command, with a list for what its macro logs


def run_macro(invoke: Invoke, macro: str, otherwise: str, code: int, **given: Any) -> list[str]:
    """What the macro logs. Raises BuildError: `otherwise` and why; `code`: not of what may pass."""
    said: list[str] = []
    done = invoke("run-operation", macro, "--args", json.dumps(given), "--no-write-json", said=said)
    if any(result.status == "error" for result in done.results):
        why = "\n".join(said)
        raise BuildError(f"{otherwise}: {tell_operation(why)}", passing(why) or code)
    return said
