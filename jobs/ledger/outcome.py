"""The state of a source's day and its last attempt, two facts; and the run report, which holds both of a run."""

import secrets
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from jobs.errors import ContractError
from jobs.ledger.manifest import Record, name_version

# Of the data; the last two are of days of which nothing landed, `failed` also of those that do not add up, and
# `retired` of days after the last one that the source delivers for.
State = Literal[
    "not_arrived",
    "not_due",
    "late",
    "arrived",
    "landed",
    "loaded",
    "held",
    "unchanged",
    "withdrawn",
    "retired",
    "refused",
    "failed",
]
# What nothing has come of: by its due time, or where its source contract has none.
MISSING = ("not_arrived", "not_due", "late")
# How what a run did for a source's day ended.
Attempt = Literal["landed", "loaded", "unchanged", "held", "superseded", "refused", "failed", "not_arrived"]
Notice = Literal["late", "recovered"]  # told once
Delivery = Literal["changed", "gone"]  # what became of it at its source since it landed

_MOMENT = "%Y%m%dT%H%M%S%fZ"  # that a run's id begins with


class Outcome(Record):
    """One source's day: the state of its data, with counts, and the last attempt, as `status` and reports show it.

    `run_id`, `amendment`, `since`: whose landing it is, what amended it last, and when it landed. `error` and what
    follows is the state's, in a run's report the attempt's. Reports of older versions have no attempt: there the state
    was both. `delivery`: as far as anybody looked; `looked_back`: by a run that was asked for other days.
    """

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
    rows_suppressed: int = 0
    rows_supplemented: int = 0
    rows_bronze: int | None = None
    lines_apart: dict[str, int] = {}
    amendment: str | None = None
    seconds: float | None = None
    error: str | None = None
    error_kind: str | None = None
    retry_helps: bool | None = None
    exit_code: int = 0
    odd_volume: str | None = None
    drift: dict[str, list[str]] = {}
    since: datetime | None = None
    attempt: Attempt | None = None
    attempt_error: str | None = None
    attempted_at: datetime | None = None
    attempt_run_id: str | None = None
    attempt_step: str | None = None  # ingest, load or run; older versions did not say
    delivery: Delivery | None = None
    due: datetime | None = None
    waits: str | None = None  # the run whose landing is held
    notice: Notice | None = None
    looked_back: bool = False

    @property
    def version(self) -> str | None:
        """Of the landing that it tells of, as Bronze knows it."""
        return self.run_id and name_version(self.run_id, self.amendment)

    @property
    def code_of_run(self) -> int:
        """What it makes of a run's exit code: a day that nobody asked for only counts where its data are wrong."""
        return 0 if self.looked_back and self.exit_code != ContractError.exit_code else self.exit_code

    @property
    def has_failed(self) -> bool:
        """Whether the last attempt ended with what a person has to mend, whatever there is of the data."""
        return self.attempt in ("refused", "failed")

    @property
    def has_failed_to_load(self) -> bool:
        """Whether what the last attempt failed at was loading: it had landed the day itself, or was to load only."""
        return self.attempt == "failed" and (self.attempt_step == "load" or self.run_id == self.attempt_run_id)

    def describe_amendment(self) -> list[str]:
        """What was amended of its landing, in words; none: nothing was."""
        counts = {"suppressed": self.rows_suppressed, "supplemented": self.rows_supplemented}
        found = [f"{count:,} {name}" for name, count in counts.items() if count]
        return found or ["amended"] * bool(self.amendment)

    @property
    def imbalance(self) -> str:
        """By how much its counts differ, in words; "": they add up, as far as they are known.

        Delivered = landed + rejected + suppressed, and what is loaded is what landed.
        """
        if self.rows_delivered is None or self.rows_landed is None or self.rows_rejected is None:
            return ""
        if missing := self.rows_delivered - self.rows_landed - self.rows_rejected - self.rows_suppressed:
            return f"off by {missing:,} on landing"
        if self.state in ("loaded", "withdrawn", "failed") and (missing := self.rows_landed - (self.rows_bronze or 0)):
            return f"off by {missing:,} in Bronze"
        return ""

    @property
    def is_complete(self) -> bool:
        """Whether its rows are in Bronze, each of them accounted for, or there was nothing new, or nothing any more."""
        counts = (self.rows_delivered, self.rows_landed, self.rows_rejected, self.rows_bronze)
        is_held = self.state in ("loaded", "withdrawn") and None not in counts and not self.imbalance
        return self.state in ("unchanged", "retired") or is_held


class RunReport(Record):
    """`runs/<run_id>.json`, put once at the end; a run without one was killed."""

    run_id: str
    step: str
    started_at: datetime
    finished_at: datetime
    exit_code: int
    engine: str = ""  # who read the deliveries: in-process, spark
    outcomes: tuple[Outcome, ...]
    puts_attempts: bool = False  # each besides, where it is found by its source and day; older versions did not

    def attempts(self) -> list[Outcome]:
        """What it attempted, how that ended and when; of reports of older versions too, where the state was both."""
        return [
            one.model_copy(
                update={
                    "attempt": one.attempt or one.state,
                    "attempt_error": one.attempt_error or one.error,
                    "attempted_at": one.attempted_at or self.finished_at,
                    "attempt_run_id": self.run_id,
                }
            )
            for one in choose_attempts(self.step, self.outcomes)
        ]


def choose_attempts(step: str, outcomes: Iterable[Outcome]) -> list[Outcome]:
    """A `load` that found nothing to do has attempted nothing: it does not look at the source."""
    nothing = ("not_arrived", "unchanged") if step == "load" else ()
    return [one for one in outcomes if (one.attempt or one.state) not in nothing]


def make_run_id(key: str | None = None, newest: str = "") -> str:
    """Sorts by time, and after `newest`, the newest id known for what is asked: a clock may be behind another's.

    The tail keeps two runs of one microsecond apart, or is the key that the caller knows it by.
    """
    moment, known = datetime.now(UTC), parse_moment(newest)
    if known:
        moment = max(moment, known + timedelta(microseconds=1))
    return f"{moment:{_MOMENT}}-{key or secrets.token_hex(2)}"


def parse_moment(run_id: str) -> datetime | None:
    """When an id was made, by its maker's clock; None: it is none of ours."""
    try:
        return datetime.strptime(run_id.partition("-")[0], _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return None
