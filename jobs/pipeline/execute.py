"""A run: all sources and days asked for side by side in one application, each landed and loaded on its own."""

import shutil
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from jobs.bronze.choice import bronze_of
from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.config.environment import Environment
from jobs.contracts.source import SourceContract
from jobs.engines.choice import chosen
from jobs.engines.in_process import InProcess
from jobs.engines.session import Session, explained
from jobs.engines.spark import OnSpark
from jobs.errors import NotArrivedError
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import Manifest
from jobs.ledger.outcome import Outcome, RunReport
from jobs.logs import unexpected
from jobs.pipeline.load import load
from jobs.pipeline.progress import Progress
from jobs.pipeline.status import failed, of_manifest
from jobs.sources import look as deliveries

THREADS = 8  # landings in flight; Spark's cores decide how much of them runs at a time
# The code of the error that needs a person first, when several things went wrong.
GRAVITY = (70, 65, 78, 69, 75)


@dataclass(frozen=True)
class Run:
    """What was asked for. `lands`, `loads`: the steps; `replay`: anew, even where nothing changed.

    `engine`: who reads the deliveries, of `settings.ENGINES`.
    """

    environment: Environment
    contracts: dict[str, SourceContract]
    days: Sequence[date]
    run_id: str
    step: str
    replay: bool
    engine: str = "auto"

    @property
    def scratch(self) -> Location:
        """Where tasks find what the driver prepares for them."""
        return self.environment.lake / "scratch" / self.run_id

    @property
    def work(self) -> Path:
        """The same as a folder of this machine; goes with the run."""
        return self.scratch if isinstance(self.scratch, Path) else Path(tempfile.gettempdir(), self.run_id)

    @property
    def lands(self) -> bool:
        return self.step in ("ingest", "run")

    @property
    def loads(self) -> bool:
        return self.step in ("load", "run")


@dataclass(frozen=True)
class _Unit:
    """One source's day; of a static source the day that a landing of it would count for.

    `known`: the landing that counts so far.
    """

    contract: SourceContract
    day: date
    known: Manifest | None
    replay: bool


def execute(run: Run, session: Session) -> RunReport:
    """Do it, put the run report, and return it; no error of one source stops another."""
    started = datetime.now(UTC)
    asked = [
        (contract, day)
        for contract in run.contracts.values()
        for day in (run.days[:1] if contract.static else run.days)
    ]
    expected = {name: 1 if contract.static else len(run.days) for name, contract in run.contracts.items()}
    with Progress(expected) as progress, ThreadPoolExecutor(THREADS) as pool:
        units = list(pool.map(lambda one: _unit(run, *one), asked))
        session.bytes_to_read = sum(pool.map(lambda unit: _bytes_to_read(run, unit), units))
        engine, why = chosen(run.engine, session.bytes_to_read, run.environment.engine.spark_above_gb, session)
        if run.lands:
            progress.say(f"engine: {engine}; {why}")
        found = pool.map(lambda unit: progress.finished(_outcomes(run, session, engine, unit)), units)
        outcomes = [outcome for done in found for outcome in done]
    shutil.rmtree(run.work, ignore_errors=True)
    codes = {outcome.exit_code for outcome in outcomes}
    report = RunReport(
        run_id=run.run_id,
        step=run.step,
        started_at=started,
        finished_at=datetime.now(UTC),
        engine=engine.name,
        exit_code=next((code for code in GRAVITY if code in codes), 0),
        outcomes=tuple(sorted(outcomes, key=lambda outcome: (outcome.ingest_date, outcome.source))),
    )
    Ledger(run.environment.lake).report(report)
    return report


def _unit(run: Run, contract: SourceContract, day: date) -> _Unit:
    """A static source lands once per content: on the first day asked for, never before its newest landing."""
    known = Ledger(run.environment.lake).newest(contract.name, None if contract.static else day)
    if not contract.static or known is None:
        return _Unit(contract, day, known, run.replay)
    if run.replay and known.ingest_date in run.days:
        return _Unit(contract, known.ingest_date, known, True)
    return _Unit(contract, max(day, known.ingest_date), known, False)  # a replay of other days does not touch it


def _bytes_to_read(run: Run, unit: _Unit) -> int:
    """Of a delivery that would land; 0 where it cannot be told at little cost, or at all: landing it says why."""
    if not run.lands or deliveries.is_fetched(unit.contract.delivery):
        return 0
    try:
        inputs = deliveries.look(unit.contract, run.environment, unit.day)
    except Exception:  # noqa: BLE001 - a size is all that is asked for
        return 0
    return sum(found.size for found in inputs) if _is_news(unit, inputs) else 0


def _is_news(unit: _Unit, inputs: tuple[Input, ...]) -> bool:
    return unit.known is None or bool(inputs and (unit.replay or unit.known.inputs != inputs))


def _outcomes(run: Run, session: Session, engine: InProcess | OnSpark, unit: _Unit) -> list[Outcome]:
    """Of a static source one for each day asked for."""
    outcome, name, known = _bring(run, session, engine, unit), unit.contract.name, unit.known
    if not unit.contract.static or (known is None and outcome.exit_code):
        return [outcome]
    unchanged = [Outcome(source=name, ingest_date=other, state="unchanged") for other in run.days]
    is_news = known is None or outcome.run_id != known.run_id
    shown = [outcome] if is_news or outcome.ingest_date in run.days else []
    return shown + [other for other in unchanged if other.ingest_date != outcome.ingest_date]


def _bring(run: Run, session: Session, engine: InProcess | OnSpark, unit: _Unit) -> Outcome:
    """Land what is missing or corrected, load what Bronze does not hold."""
    started = time.monotonic()
    contract, day = unit.contract, unit.day
    try:
        manifest = _landed(run, engine, unit) if run.lands else unit.known
        if manifest is None:
            raise NotArrivedError("nothing has landed; `ingest` it first")
        bronze = bronze_of(run.environment, session)
        held = bronze.published(contract.name, manifest.ingest_date).get(manifest.ingest_date)
        is_behind = held is None or held.run_id < manifest.run_id
        if run.loads and (is_behind or (run.step == "load" and unit.replay)):
            held = load(bronze, contract, manifest)
        outcome = of_manifest(manifest, held)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other sources go on and this one is reported
        unexpected(contract.name, day, run.run_id)
        outcome = failed(contract.name, day, explained(error))
    return outcome.model_copy(update={"seconds": round(time.monotonic() - started, 1)})


def _landed(run: Run, engine: InProcess | OnSpark, unit: _Unit) -> Manifest:
    """The landing that counts after this run looked at the source: a new one, or the one that is known."""
    # Only here: a load that needs no Spark need not wait for its import.
    from jobs.pipeline.ingest import land, steadily
    from jobs.sources.reading import Request

    contract, day = unit.contract, unit.day
    within = f"{contract.name}/{day}"
    request = Request(contract, run.environment, day, run.run_id, engine, run.work / within, run.scratch / within)
    inputs: tuple[Input, ...] = ()
    if unit.known or not deliveries.is_fetched(contract.delivery):
        inputs = steadily(request, lambda _: deliveries.look(contract, run.environment, day))
        if unit.known and not _is_news(unit, inputs):
            return unit.known
        if not inputs:
            raise NotArrivedError(deliveries.place(contract, run.environment, day))
    return land(request, Ledger(run.environment.lake), inputs)
