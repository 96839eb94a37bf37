"""What a run will do, as data: one unit a source and day, with its action and the reason. Nothing here reads or writes.

What "static" means stands here alone: a static source lands once per content, on the first day asked for and never
before its newest landing; a replay of other days does not touch it; on other days it is unchanged.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from jobs.bronze.bronze import Published
from jobs.clients.store import Input
from jobs.config.environment import Environment
from jobs.contracts.source import SourceContract
from jobs.errors import ConfigurationError, NotArrivedError, PlatformError
from jobs.ledger.manifest import Manifest
from jobs.ledger.outcome import Outcome, parse_moment

Action = Literal["land", "load", "skip", "refuse", "withdraw"]


@dataclass(frozen=True)
class RunRequest:
    """What was asked for. `step`: ingest, load, or run for both; `replay`: anew, even where nothing changed.

    `engine`: who reads the deliveries, of `engines.ENGINES`; `broken`: contracts that cannot be read.
    `rebuilds`: Bronze anew from each landing that counts, of `days` or of all. `withdrawn_by`: who says that what is
    gone from its source does not count any more.
    """

    environment: Environment
    contracts: Mapping[str, SourceContract]
    days: Sequence[date]
    step: str
    replay: bool = False
    engine: str = "auto"
    broken: Mapping[str, ConfigurationError] = field(default_factory=dict)
    rebuilds: bool = False
    withdrawn_by: str = ""

    @property
    def lands(self) -> bool:
        return self.step in ("ingest", "run")

    @property
    def loads(self) -> bool:
        return self.step in ("load", "run")


@dataclass(frozen=True)
class Seen:
    """What is known of a source's day before a run.

    `known`: the landing that counts so far. `inputs`: the delivery as it is now; None: it was not looked at, and
    `unseen` says why. `place`: where it was looked for. `published`: run and rows that Bronze holds of the landing's
    day, or of the day where nothing landed. `error`: why Bronze could not be asked, where that has to be known.
    `attempted`: the latest run that attempted the day; `last`: what it told, read only of days that are looked back at.
    """

    contract: SourceContract
    day: date
    known: Manifest | None
    inputs: tuple[Input, ...] | None = None
    unseen: str = ""
    place: str = ""
    published: Published | None = None
    error: PlatformError | None = None
    attempted: str = ""
    is_looked_back: bool = False
    last: Outcome | None = None

    @property
    def is_gone(self) -> bool:
        """Whether its source has nothing any more of what landed and counts; a static one delivers once."""
        counts = self.known is not None and self.known.decided != "withdrawn" and not self.contract.static
        return counts and self.inputs == ()


@dataclass(frozen=True)
class Unit:
    """One source's day in a run; of a static source the day that a landing of it counts for.

    `error`: what it ends with, where there is nothing to do; `contract`: None where it cannot be read. `is_gone`: its
    source has nothing of it any more; `is_told_anew`: of a day that is looked back at the last attempt told otherwise.
    """

    source: str
    day: date
    action: Action
    why: str
    contract: SourceContract | None = None
    known: Manifest | None = None
    inputs: tuple[Input, ...] | None = None
    published: Published | None = None
    error: PlatformError | None = None
    attempted: str = ""
    is_looked_back: bool = False
    is_gone: bool = False
    is_told_anew: bool = False

    @property
    def bytes(self) -> int:
        """To be read, as far as a look tells."""
        return sum(found.size for found in self.inputs or ()) if self.action == "land" else 0


@dataclass(frozen=True)
class Plan:
    units: tuple[Unit, ...]

    @property
    def bytes(self) -> int:
        return sum(unit.bytes for unit in self.units)

    @property
    def newest_run(self) -> str:
        """The newest id known for what was asked, of what landed, was attempted, and is in Bronze; "": none is."""
        attempted = [unit.attempted for unit in self.units]
        known = [unit.known.run_id for unit in self.units if unit.known]
        held = [unit.published.version for unit in self.units if unit.published]
        return max((run_id for run_id in attempted + known + held if parse_moment(run_id)), default="")

    def count_by_source(self) -> dict[str, int]:
        """How many units a source has."""
        return Counter(unit.source for unit in self.units)


def plan(request: RunRequest, seen: Iterable[Seen]) -> Plan:
    """One unit for each that was seen, and for each day of a contract that cannot be read.

    Raises ConfigurationError where no day was named for such a contract.
    """
    broken = [
        Unit(source, day, "refuse", "its source contract cannot be read", error=error)
        for source, error in request.broken.items()
        for day in request.days
    ]
    if request.broken and not broken:  # a rebuild of all days, whichever they are
        raise ConfigurationError("\n".join(str(error) for error in request.broken.values()))
    units = [_make_unit(request, one) for one in seen]
    return Plan((*(unit for unit in units if not _is_quiet(unit)), *broken))


def _is_quiet(unit: Unit) -> bool:
    """Whether there is nothing to do for a day that nobody asked for, and nothing to tell of it."""
    is_news = unit.is_gone or unit.is_told_anew or (unit.error and not isinstance(unit.error, NotArrivedError))
    return unit.is_looked_back and unit.action == "skip" and not is_news


def choose_landing_day(request: RunRequest, contract: SourceContract, day: date, known: Manifest | None) -> date:
    """The day that a landing would count for."""
    if not contract.static or known is None:
        return day
    return known.ingest_date if _is_replayed(request, contract, known) else max(day, known.ingest_date)


def list_days(request: RunRequest, contract: SourceContract) -> Sequence[date]:
    """The days that are looked at, of those asked for: none after it is retired."""
    return [day for day in (request.days[:1] if contract.static else request.days) if not contract.is_retired(day)]


def list_retired(request: RunRequest, outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Of the days asked for those that have no outcome, their source being retired."""
    told = {(outcome.source, outcome.ingest_date) for outcome in outcomes}
    return [
        Outcome(source=name, ingest_date=day, state="retired")
        for name, contract in request.contracts.items()
        for day in request.days
        if contract.is_retired(day) and (name, day) not in told
    ]


def is_news(request: RunRequest, contract: SourceContract, known: Manifest | None, inputs: tuple[Input, ...]) -> bool:
    """Whether the delivery is to be landed."""
    if known is None or not inputs:
        return bool(inputs)
    newest = known.passed_over or known
    return _is_replayed(request, contract, known) or inputs not in (known.inputs, newest.inputs)


def is_behind(manifest: Manifest, published: Published | None) -> bool:
    """Whether Bronze holds nothing of that day, or an older landing; rows of several runs are no such, but an error."""
    return published is None or "" < published.version < manifest.version


def make_outcomes(request: RunRequest, unit: Unit, outcome: Outcome) -> list[Outcome]:
    """A unit's outcome; of a static source one for each day asked for, unchanged where it did not land."""
    if request.rebuilds or not (unit.contract and unit.contract.static) or (unit.known is None and outcome.exit_code):
        return [outcome]
    told = {"attempt": "unchanged", "attempt_run_id": outcome.attempt_run_id, "attempted_at": outcome.attempted_at}
    others = [Outcome(source=unit.source, ingest_date=day, state="unchanged", **told) for day in request.days]
    is_told = outcome.exit_code or outcome.attempt != "unchanged"
    shown = [outcome] if is_told or outcome.ingest_date in request.days else []
    return shown + [other for other in others if other.ingest_date != outcome.ingest_date]


def _make_unit(request: RunRequest, seen: Seen) -> Unit:
    facts = (seen.contract, seen.known, seen.inputs, seen.published, seen.error, seen.attempted)
    unit = Unit(
        seen.contract.name, seen.day, "skip", "", *facts, seen.is_looked_back, seen.is_gone, _is_told_anew(seen)
    )
    if seen.error:
        return replace(unit, why=f"cannot be told: {seen.error}")
    if seen.known is None and not request.lands:
        error = NotArrivedError("nothing has landed; `ingest` it first")
        return replace(unit, why="nothing has landed", error=error)
    if request.lands and seen.inputs is None:
        return replace(unit, action="land", why=seen.unseen)
    if seen.known is None and not seen.inputs:
        return replace(unit, why="not arrived", error=NotArrivedError(seen.place))
    if seen.is_gone and request.withdrawn_by:
        return replace(unit, action="withdraw", why="gone from the source, and to be withdrawn")
    if request.lands and is_news(request, seen.contract, seen.known, seen.inputs or ()):
        return replace(unit, action="land", why=_explain_landing(seen))
    return _load_or_skip(request, unit, seen)


def _is_told_anew(seen: Seen) -> bool:
    if seen.known is None or seen.last is None:
        return False
    return seen.last.has_failed or (seen.last.delivery == "gone") != seen.is_gone


def _load_or_skip(request: RunRequest, unit: Unit, seen: Seen) -> Unit:
    assert seen.known
    if seen.published and seen.published.version > seen.known.version:
        return replace(unit, why=f"Bronze holds {seen.published.version}, which is newer than {seen.known.version}")
    if request.rebuilds:
        return replace(unit, action="load", why=f"rebuilt from the landing of {seen.known.version}")
    if request.loads and is_behind(seen.known, seen.published):
        why = f"Bronze holds {seen.published.version}" if seen.published else "not in Bronze"
        return replace(unit, action="load", why=f"landed by {seen.known.version}; {why}")
    if request.step == "load" and _is_replayed(request, seen.contract, seen.known):
        return replace(unit, action="load", why="replay")
    if request.lands and not seen.inputs:
        why = "is withdrawn" if seen.known.decided == "withdrawn" else "stays until `run --withdraw`"
        return replace(unit, why=f"gone from the source; the landing of {seen.known.run_id} {why}")
    if seen.known.waiting:
        return replace(unit, why=f"{seen.known.waiting.run_id} waits for approval")
    return replace(unit, why=f"unchanged since {seen.known.run_id}")


def _explain_landing(seen: Seen) -> str:
    if seen.known is None:
        return "late: asked for before, and not there then" if seen.is_looked_back and seen.attempted else "new"
    if seen.known.inputs == seen.inputs:
        return "replay"
    before, now = (sum(found.size for found in inputs or ()) for inputs in (seen.known.inputs, seen.inputs))
    return f"corrected since {seen.known.run_id}: {before:,} bytes before, {now:,} now"


def _is_replayed(request: RunRequest, contract: SourceContract, known: Manifest) -> bool:
    return request.replay and (not contract.static or known.ingest_date in request.days)
