"""Python imports this at start when its folder is on PYTHONPATH: holds a run still at one line of its log.

HOLD_AT: "EVENT SOURCE" or a line's number. HOLD_FOLDER: `held` appears there; the run goes on once `go` does.
"""

import logging
import os
import time
from itertools import count
from pathlib import Path


class Hold(logging.Handler):
    def __init__(self, at: str, folder: Path) -> None:
        super().__init__()
        self._at, self._folder, self._lines = at, folder, count(1)

    def createLock(self) -> None:  # noqa: N802 - as logging names it
        """None: the run's other threads go on while one is held."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        line = next(self._lines)
        if self._at not in (str(line), f"{record.getMessage()} {getattr(record, 'facts', {}).get('source')}"):
            return
        (self._folder / "held").touch()
        while not (self._folder / "go").exists():
            time.sleep(0.01)


if "HOLD_AT" in os.environ:
    logging.getLogger("jobs").addHandler(Hold(os.environ["HOLD_AT"], Path(os.environ["HOLD_FOLDER"])))
