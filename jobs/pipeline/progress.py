"""What a run is doing: a line a source on a terminal, redrawn; elsewhere a plain line per finished day or retry."""

import logging
import shutil
import sys
import threading
import time
from dataclasses import dataclass
from datetime import date
from types import TracebackType

from jobs.ledger.outcome import Outcome

INTERVAL = 0.5  # seconds between two drawings
_DOING = {
    "retry": "waiting",
    "read": "reading",
    "written": "checking",
    "manifest": "loading",
    "staged": "loading",
    "published": "",
}


@dataclass
class _Day:
    """A source's day in work: what it is at, the bytes of its inputs, and its rows landed."""

    doing: str = "reading"
    bytes: int = 0
    landed: int = 0


class Progress(logging.Handler):
    """Follows a run by the facts that it logs; draws only where a person looks."""

    def __init__(self, units: dict[str, int]) -> None:
        """`units`: by source, how many days are to be looked at."""
        super().__init__()
        self._units = units
        self._days: dict[tuple[str, date], _Day] = {}
        self._finished = dict.fromkeys(units, 0)
        self._started = time.monotonic()
        self._is_live = sys.stderr.isatty()
        self._stop = threading.Event()
        self._drawn = 0
        self._lock = threading.Lock()  # of the terminal
        self._thread = threading.Thread(target=self._keep_drawing, daemon=True)

    def __enter__(self) -> "Progress":
        logging.getLogger("jobs").addHandler(self)
        if self._is_live:
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._is_live:
            self._stop.set()
            self._thread.join()
            self._draw()
        logging.getLogger("jobs").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take in one fact of the log."""
        facts = getattr(record, "facts", {})
        day = self._days.setdefault((facts["source"], facts["day"]), _Day())
        day.doing = _DOING.get(record.getMessage(), day.doing)
        if record.getMessage() == "read":
            day.bytes = facts["bytes"]
        if record.getMessage() == "written":
            day.landed = facts["rows"]
        if record.getMessage() == "retry" and not self._is_live:
            why = " ".join(facts["error"].split())
            sys.stderr.write(f"{facts['source']} {facts['day']} again in {facts['pause']:g} s: {why}\n")

    def finish(self, source: str, outcomes: list[Outcome]) -> list[Outcome]:
        """Count the outcomes of a source's unit in, and hand them on."""
        self._finished[source] += 1
        for outcome in outcomes:
            if (found := self._days.get((outcome.source, outcome.ingest_date))) is not None:
                found.doing = ""
            if not self._is_live and outcome.attempt != "unchanged":
                has_rows = outcome.attempt in ("landed", "loaded") and outcome.rows_landed is not None
                rows = f", {outcome.rows_landed:,} rows" if has_rows else ""
                sys.stderr.write(f"{outcome.source} {outcome.ingest_date} {outcome.attempt}{rows}\n")
        return outcomes

    def say(self, text: str) -> None:
        """A line that stays, above what is redrawn."""
        with self._lock:
            up = f"\033[{self._drawn}A\033[J" if self._drawn else ""
            sys.stderr.write(f"{up}{text}\n")
            self._drawn = 0

    def _keep_drawing(self) -> None:
        while not self._stop.wait(INTERVAL):
            self._draw()

    def _draw(self) -> None:
        width = shutil.get_terminal_size().columns - 1
        lines = [self._make_line(source)[:width] for source in self._units]
        with self._lock:
            up = f"\033[{self._drawn}A" if self._drawn else ""
            sys.stderr.write(up + "".join(f"\033[2K{line}\n" for line in lines))
            sys.stderr.flush()
            self._drawn = len(lines)

    def _make_line(self, source: str) -> str:
        days = {day: at for (name, day), at in list(self._days.items()) if name == source}
        landed = sum(at.landed for at in days.values())
        size = sum(at.bytes for at in days.values()) / 2**20
        rate = landed / (time.monotonic() - self._started)
        doing = ", ".join(f"{at.doing} {day:%m-%d}" for day, at in days.items() if at.doing)
        return (
            f"{source:<13}{self._finished[source]}/{self._units[source]}{landed:>11,} rows"
            f"{size:>8.1f} MB {rate:>7,.0f} rows/s  {doing}"
        )
