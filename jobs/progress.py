"""What a run is doing: a line a source on a terminal, redrawn; a plain line per finished day elsewhere."""

import shutil
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from jobs.ledger import Outcome
from jobs.session import Session

INTERVAL = 0.5  # seconds between two looks at Spark


@dataclass
class _Source:
    days: int = 0
    landed: int = 0  # rows of finished days
    doing: str = ""
    rows: int = 0  # of days in work, as the executors last reported
    bytes: int = 0


class Progress:
    """Follows a run from the side; knows nothing but what Spark reports and what has finished."""

    def __init__(self, session: Session, units: int) -> None:
        self._session, self._units = session, units
        self._sources: dict[str, _Source] = defaultdict(_Source)
        self._started = time.monotonic()
        self._live = sys.stderr.isatty()
        self._stop = threading.Event()
        self._drawn = 0
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> "Progress":
        if self._live:
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        if self._live:
            self._thread.join()
            self._draw()

    def finished(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Count a unit's outcomes in, and hand them on."""
        for outcome in outcomes:
            source = self._sources[outcome.source]
            source.days += 1
            source.landed += outcome.rows_landed or 0
            if not self._live and outcome.state != "unchanged":
                rows = "" if outcome.rows_landed is None else f", {outcome.rows_landed:,} rows"
                sys.stderr.write(f"{outcome.source} {outcome.ingest_date} {outcome.state}{rows}\n")
        return outcomes

    def _follow(self) -> None:
        while not self._stop.wait(INTERVAL):
            self._look()
            self._draw()

    def _look(self) -> None:
        """Rows and bytes of running stages, by the `source day` that the landing named its jobs."""
        spark = self._session.started
        if spark is None:
            return
        for source in self._sources.values():
            source.doing, source.rows, source.bytes = "", 0, 0
        try:
            active = spark.sparkContext._jsc.sc().statusStore().activeStages()
            for stage in [active.apply(position) for position in range(active.size())]:
                self._count(stage)
        except Exception:  # noqa: BLE001 - the display must never fail a run; Spark may be stopping
            return

    def _count(self, stage: Any) -> None:
        name, _, day = stage.description().getOrElse(None).partition(" ")
        source = self._sources[name]
        source.doing = f"{source.doing} {day}".strip()
        source.rows += max(stage.outputRecords(), stage.inputRecords())
        source.bytes += max(stage.outputBytes(), stage.inputBytes())

    def _draw(self) -> None:
        seconds = time.monotonic() - self._started
        width = shutil.get_terminal_size().columns
        lines = [
            f"{name:<14}{source.days:>3} done {source.landed + source.rows:>12,} rows "
            f"{source.bytes / 2**20:>8.1f} MB {(source.landed + source.rows) / seconds:>10,.0f} rows/s  {source.doing}"
            for name, source in sorted(self._sources.items())
        ]
        up = f"\033[{self._drawn}A" if self._drawn else ""
        sys.stderr.write(up + "".join(f"\033[2K{line[: width - 1]}\n" for line in lines))
        sys.stderr.flush()
        self._drawn = len(lines)
