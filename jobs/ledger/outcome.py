"""What a run did, a source and day: outcomes, and the run report that holds them."""

import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

State = Literal["not_arrived", "arrived", "landed", "loaded", "unchanged", "superseded", "refused", "failed"]

_MOMENT = "%Y%m%dT%H%M%S%fZ"  # that a run's id begins with


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Outcome(_Record):
    """What a run did for one source's day, as its report and its table show it."""

    source: str
    ingest_date: date
    state: State
    corrected: bool = False
    empty: bool = False
    run_id: str | None = None
    bytes_delivered: int | None = None
    rows_delivered: int | None = None
    rows_landed: int | None = None
    rows_rejected: int | None = None
    rows_bronze: int | None = None
    seconds: float | None = None
    error: str | None = None
    error_kind: str | None = None
    retry_helps: bool | None = None
    exit_code: int = 0
    odd_volume: str | None = None
    drift: dict[str, list[str]] = {}

    @property
    def imbalance(self) -> str:
        """By how much its counts differ, in words; "": they add up, as far as they are known.

        Delivered = landed + rejected, and what is loaded is what landed.
        """
        if self.rows_delivered is None or self.rows_landed is None or self.rows_rejected is None:
            return ""
        if missing := self.rows_delivered - self.rows_landed - self.rows_rejected:
            return f"off by {missing:,} on landing"
        if self.state in ("loaded", "failed") and (missing := self.rows_landed - (self.rows_bronze or 0)):
            return f"off by {missing:,} in Bronze"
        return ""

    @property
    def is_complete(self) -> bool:
        """Whether its rows are in Bronze, each of them accounted for, or nothing new was there to load."""
        counts = (self.rows_delivered, self.rows_landed, self.rows_rejected, self.rows_bronze)
        return self.state == "unchanged" or (self.state == "loaded" and None not in counts and not self.imbalance)


class RunReport(_Record):
    """`runs/<run_id>.json`, put once at the end; a run without one was killed."""

    run_id: str
    step: str
    started_at: datetime
    finished_at: datetime
    exit_code: int
    engine: str = ""  # who read the deliveries: in-process, spark
    outcomes: tuple[Outcome, ...]


def new_run_id(key: str | None = None, newest: str = "") -> str:
    """Sorts by time, and after `newest`, the newest id known for what is asked: a clock may be behind another's.

    The tail keeps two runs of one microsecond apart, or is the key that the caller knows it by.
    """
    moment, known = datetime.now(UTC), moment_of(newest)
    if known:
        moment = max(moment, known + timedelta(microseconds=1))
    return f"{moment:{_MOMENT}}-{key or secrets.token_hex(2)}"


def moment_of(run_id: str) -> datetime | None:
    """When an id was made, by its maker's clock; None: it is none of ours."""
    try:
        return datetime.strptime(run_id.partition("-")[0], _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return None
