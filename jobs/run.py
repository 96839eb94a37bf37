"""A run: all sources and days asked for side by side in one application, each landed and loaded on its own."""

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from jobs import deliveries
from jobs.errors import NotArrivedError
from jobs.ingest import land, steadily
from jobs.ledger import Ledger, Manifest, Outcome, RunReport
from jobs.load import load, loaded
from jobs.location import Location
from jobs.logs import unexpected
from jobs.progress import Progress
from jobs.reading import Request
from jobs.session import Session, explained
from jobs.settings import Environment, SourceContract
from jobs.status import failed, of_manifest
from jobs.store import Input

THREADS = 8  # landings in flight; Spark's cores decide how much of them runs at a time
# The code of the error that needs a person first, when several things went wrong.
GRAVITY = (70, 65, 78, 69, 75)


@dataclass(frozen=True)
class Run:
    """What was asked for. `lands`, `loads`: the steps; `replay`: anew, even where nothing changed."""

    environment: Environment
    contracts: dict[str, SourceContract]
    days: Sequence[date]
    run_id: str
    step: str
    replay: bool

    @property
    def scratch(self) -> Location:
        """Where Spark's executors find what the driver prepares for them."""
        return self.environment.lake / "work" / self.run_id

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


def execute(run: Run, session: Session) -> RunReport:
    """Do it, put the run report, and return it; no error of one source stops another."""
    started = datetime.now(UTC)
    units: list[Callable[[], list[Outcome]]] = []
    for contract in run.contracts.values():
        if contract.static:
            units.append(partial(_static, run, session, contract))
        else:
            units.extend(partial(_daily, run, session, contract, day) for day in run.days)
    expected = {name: 1 if contract.static else len(run.days) for name, contract in run.contracts.items()}
    with Progress(expected) as progress, ThreadPoolExecutor(THREADS) as pool:
        outcomes = [outcome for done in pool.map(lambda unit: progress.finished(unit()), units) for outcome in done]
    shutil.rmtree(run.work, ignore_errors=True)
    codes = {outcome.exit_code for outcome in outcomes}
    report = RunReport(
        run_id=run.run_id,
        step=run.step,
        started_at=started,
        finished_at=datetime.now(UTC),
        exit_code=next((code for code in GRAVITY if code in codes), 0),
        outcomes=tuple(sorted(outcomes, key=lambda outcome: (outcome.ingest_date, outcome.source))),
    )
    Ledger(run.environment.lake).report(report)
    return report


def _daily(run: Run, session: Session, contract: SourceContract, day: date) -> list[Outcome]:
    return [_bring(run, session, contract, day, Ledger(run.environment.lake).newest(contract.name, day))]


def _static(run: Run, session: Session, contract: SourceContract) -> list[Outcome]:
    """A static source lands once per content: on the first day asked for, never before its newest landing."""
    newest = Ledger(run.environment.lake).newest(contract.name)
    day = max(run.days[0], newest.ingest_date) if newest else run.days[0]
    if newest and newest.ingest_date in run.days:
        day = newest.ingest_date if run.replay else day
    elif newest:
        run = replace(run, replay=False)  # a replay of other days does not touch it
    outcome = _bring(run, session, contract, day, newest)
    unchanged = [Outcome(source=contract.name, ingest_date=other, state="unchanged") for other in run.days]
    if newest is None and outcome.exit_code:
        return [outcome]
    is_news = newest is None or outcome.run_id != newest.run_id
    shown = [outcome] if is_news or outcome.ingest_date in run.days else []
    return shown + [other for other in unchanged if other.ingest_date != outcome.ingest_date]


def _bring(run: Run, session: Session, contract: SourceContract, day: date, known: Manifest | None) -> Outcome:
    """Land what is missing or corrected, load what Bronze does not hold; `known` is the landing that counts so far."""
    started = time.monotonic()
    try:
        manifest = _landed(run, session, contract, day, known) if run.lands else known
        if manifest is None:
            raise NotArrivedError("nothing has landed; `ingest` it first")
        bronze = loaded(run.environment, contract.name, manifest.ingest_date).get(manifest.ingest_date)
        is_behind = bronze is None or bronze[0] < manifest.run_id
        if run.loads and (is_behind or (run.step == "load" and run.replay)):
            bronze = load(run.environment, contract, manifest, session)
        outcome = of_manifest(manifest, bronze)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other sources go on and this one is reported
        unexpected(contract.name, day, run.run_id)
        outcome = failed(contract.name, day, explained(error))
    return outcome.model_copy(update={"seconds": round(time.monotonic() - started, 1)})


def _landed(run: Run, session: Session, contract: SourceContract, day: date, known: Manifest | None) -> Manifest:
    """The landing that counts after this run looked at the source: a new one, or `known`."""
    within = f"{contract.name}/{day}"
    request = Request(contract, run.environment, day, run.run_id, session, run.work / within, run.scratch / within)
    inputs: tuple[Input, ...] = ()
    if known or not deliveries.is_fetched(contract.delivery):
        inputs = steadily(request, lambda _: deliveries.look(contract, run.environment, day))
        if not inputs and known is None:
            raise NotArrivedError(deliveries.place(contract, run.environment, day))
        if known and (not inputs or (known.inputs == inputs and not run.replay)):
            return known
    return land(request, Ledger(run.environment.lake), inputs)
