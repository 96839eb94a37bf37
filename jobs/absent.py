"""numpy and pandas as if they were not installed: no row here needs them, but Spark asks for them.

Wherever they are, pyarrow imports both to know their types: a third of a small day's CPU.
"""

import sys
from types import ModuleType
from typing import cast

_NAMES = ("numpy", "pandas")


def hide() -> None:
    """To be called before pyarrow is imported; what is imported already stays."""
    for name in _NAMES:
        sys.modules.setdefault(name, cast(ModuleType, None))  # how Python is told that there is no such module


def show() -> None:
    """Undo `hide`, for what is imported from now on."""
    for name in _NAMES:
        if sys.modules.get(name, sys) is None:
            del sys.modules[name]
