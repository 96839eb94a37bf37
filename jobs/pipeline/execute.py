"""A run: the units of a plan side by side in one application, each landed and loaded on its own."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from logging import WARNING
from pathlib import Path

from jobs.bronze.bronze import Bronze, Published
from jobs.bronze.choice import make_bronze
from jobs.clients.location import Location
from jobs.contracts.source import SourceContract
from jobs.engines.choice import choose_engine
from jobs.engines.in_process import InProcess
from jobs.engines.session import Session, explain_error
from jobs.engines.spark import OnSpark
from jobs.errors import BalanceError, HeldError, NotArrivedError, PlatformError, ServiceError, SupersededError
from jobs.ledger.amendment import Decision
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import Manifest
from jobs.ledger.outcome import Attempt, Outcome, RunReport, choose_attempts
from jobs.logs import log_fact, log_unexpected
from jobs.pipeline.load import load
from jobs.pipeline.plan import Plan, RunRequest, Unit, is_behind, is_news, list_retired, make_outcomes
from jobs.pipeline.progress import Progress
from jobs.pipeline.scratch import held, sweep
from jobs.pipeline.status import make_failed_outcome, make_outcome

THREADS = 8  # landings in flight; Spark's cores decide how much of them runs at a time
# The code of the error that needs a person first, when several things went wrong.
GRAVITY = (70, 65, 78, 69, 75)


@dataclass(frozen=True)
class Run:
    """A request on its way: under which id, and by which engine."""

    request: RunRequest
    run_id: str
    session: Session
    engine: InProcess | OnSpark

    @property
    def scratch(self) -> Location:
        """Where tasks find what the driver prepares for them."""
        return self.request.environment.lake / "scratch" / self.run_id

    @property
    def work(self) -> Path:
        """The same as a folder of this machine; goes with the run."""
        return self.scratch if isinstance(self.scratch, Path) else Path(tempfile.gettempdir(), self.run_id)

    def held(self, plan: Plan) -> AbstractContextManager[None]:
        """The folder of a run that lands something, for as long as it lasts."""
        lands = any(unit.action == "land" for unit in plan.units)
        return held(self.work, is_shared=self.work == self.scratch) if lands else nullcontext()


def execute(request: RunRequest, plan: Plan, run_id: str, session: Session) -> RunReport:
    """Do what is planned, put the run report, and return it; no error of one unit stops another."""
    started = datetime.now(UTC)
    session.bytes_to_read = plan.bytes
    engine, why = choose_engine(request.engine, plan.bytes, request.environment.engine.spark_above_gb, session)
    run = Run(request, run_id, session, engine)
    sweep(request.environment.lake, run.work, run_id)
    with run.held(plan), Progress(plan.count_by_source()) as progress, ThreadPoolExecutor(THREADS) as pool:
        if request.lands:
            progress.say(f"engine: {engine}; {why}")
        done = pool.map(lambda unit: progress.finish(unit.source, _attempted(run, unit)), plan.units)
        outcomes = [outcome for of_unit in done for outcome in of_unit]
    outcomes += list_retired(request, outcomes)
    codes = {outcome.code_of_run for outcome in outcomes}
    report = RunReport(
        run_id=run_id,
        step=request.step,
        started_at=started,
        finished_at=datetime.now(UTC),
        engine=engine.name,
        exit_code=next((code for code in GRAVITY if code in codes), max(codes, default=0)),
        outcomes=tuple(sorted(outcomes, key=lambda outcome: (outcome.ingest_date, outcome.source))),
        puts_attempts=True,
    )
    Ledger(request.environment.lake).put_report(report)
    return report


def _attempted(run: Run, unit: Unit) -> list[Outcome]:
    """Each attempt is put by itself too: whoever asks for a day need not read the report of every run."""
    if unit.is_looked_back and unit.error:
        log_fact("not_looked_at", unit.source, unit.day, run.run_id, level=WARNING, error=str(unit.error))
        return []
    outcomes = make_outcomes(run.request, unit, _settle(run, unit))
    if unit.is_looked_back and outcomes[0].attempt in ("unchanged", "not_arrived") and not unit.is_told_anew:
        return outcomes if unit.is_gone else []
    try:
        attempts = choose_attempts(run.request.step, outcomes) or _mend_attempt(run, unit, outcomes)
        for outcome in attempts:
            Ledger(run.request.environment.lake).put_attempt(outcome)
    except Exception as error:  # noqa: BLE001 - the report tells of it, and that has to be put
        log_unexpected(unit.source, unit.day, run.run_id)
        reason = ServiceError(f"what was attempted could not be put into the lake: {explain_error(error)}")
        return [
            one if one.exit_code else make_failed_outcome(one.source, one.ingest_date, reason, one) for one in outcomes
        ]
    return outcomes


def _mend_attempt(run: Run, unit: Unit, outcomes: list[Outcome]) -> list[Outcome]:
    """A load with nothing to do is told all the same where the last attempt had failed to load what Bronze holds.

    Its answer was lost, say: else that day's last attempt would stay a failure until something new is to be done.
    """
    if run.request.step != "load" or not unit.attempted:
        return []
    last = Ledger(run.request.environment.lake).read_attempt(unit.source, unit.day, unit.attempted)
    if not last.has_failed_to_load:
        return []
    return [one for one in outcomes if one.attempt == "unchanged" and one.is_complete]


def _settle(run: Run, unit: Unit) -> Outcome:
    started = time.monotonic()
    try:
        outcome = _process(run, unit)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other units go on and this one is reported
        log_unexpected(unit.source, unit.day, run.run_id)
        reason = explain_error(error)
        outcome = make_failed_outcome(unit.source, unit.day, reason, _read_state(run, unit, reason))
    when = {"attempted_at": datetime.now(UTC), "attempt_run_id": run.run_id, "attempt_step": run.request.step}
    is_gone = unit.is_gone and outcome.state != "withdrawn"
    what = {"delivery": "gone" if is_gone else None, "looked_back": unit.is_looked_back}
    return outcome.model_copy(update={"seconds": round(time.monotonic() - started, 1), **when, **what})


def _read_state(run: Run, unit: Unit, reason: PlatformError) -> Outcome | None:
    """The state of the unit's data beside an attempt that failed; None: nothing of it has landed, or none can tell."""
    environment = run.request.environment
    try:
        manifest, held = Ledger(environment.lake).find_newest(unit.source, unit.day), unit.published
        if manifest and isinstance(reason, SupersededError):
            held = make_bronze(environment, run.session).published(unit.source, unit.day).get(unit.day)
    except PlatformError:  # for which the attempt failed
        return None
    if manifest:
        return make_outcome(manifest, held)
    is_elsewhere = unit.known is not None  # a static source's landing, of another day
    return Outcome(source=unit.source, ingest_date=unit.day, state="unchanged") if is_elsewhere else None


def _process(run: Run, unit: Unit) -> Outcome:
    """Land what is missing or corrected, load what Bronze does not hold."""
    if unit.error:
        raise unit.error
    assert unit.contract
    bronze, manifest, published = make_bronze(run.request.environment, run.session), unit.known, unit.published
    is_due = unit.action == "load"
    if unit.action == "withdraw":
        manifest, is_due = _withdraw(run, unit), run.request.loads
    if unit.action == "land":
        manifest = _land(run, unit)
        if not manifest.counts:
            raise HeldError(_describe_waiting(manifest))
        is_due = manifest.run_id == run.run_id
        if not (is_due and run.request.loads):
            published = _ask_bronze(run, bronze, manifest)
    assert manifest
    attempt: Attempt = "landed" if manifest.run_id == run.run_id else "unchanged"
    if run.request.loads and (is_due or is_behind(manifest, published)):
        published, attempt = _load(bronze, unit.contract, manifest), "loaded"
    _refuse_if_superseded(run, manifest, published)
    if run.request.lands and manifest.waiting:
        raise HeldError(_describe_waiting(manifest.waiting))
    return _end_attempt(make_outcome(manifest, published), attempt)


def _describe_waiting(held: Manifest) -> str:
    which = f"--date {held.ingest_date} --source {held.source}"
    return f"the correction of {held.run_id} waits: look at `diff {which}`, then `approve` or `discard {which}`"


def _ask_bronze(run: Run, bronze: Bronze, manifest: Manifest) -> Published | None:
    """What it holds of a landing's day; where nothing is to be loaded, a warehouse that is down is no failure."""
    try:
        return _find_published(bronze, manifest)
    except ServiceError as error:
        if run.request.loads:
            raise
        log_fact("bronze", manifest.source, manifest.ingest_date, run.run_id, level=WARNING, error=str(error))
        return None


def _find_published(bronze: Bronze, manifest: Manifest) -> Published | None:
    return bronze.published(manifest.source, manifest.ingest_date).get(manifest.ingest_date)


def _load(bronze: Bronze, contract: SourceContract, manifest: Manifest) -> Published:
    """A load that failed has succeeded where Bronze holds that very landing: only its answer was lost."""
    try:
        return load(bronze, contract, manifest)
    except BalanceError:
        raise
    except Exception:
        with suppress(Exception):  # what ended the load is told, not that it could not be asked for
            published = _find_published(bronze, manifest)
            if published == (manifest.version, manifest.rows_landed):
                log_fact("answer_lost", manifest.source, manifest.ingest_date, manifest.run_id, level=WARNING)
                return published
        raise


def _end_attempt(outcome: Outcome, attempt: Attempt) -> Outcome:
    """What does not add up is a failure of whoever meets it."""
    how = {"attempt": "failed", "attempt_error": outcome.error} if outcome.exit_code else {"attempt": attempt}
    return outcome.model_copy(update=how)


def _refuse_if_superseded(run: Run, manifest: Manifest, published: Published | None) -> None:
    """Raises SupersededError where Bronze holds a newer landing; one that the lake does not know is no such."""
    if published is None or published.version <= manifest.version:
        return
    newest = Ledger(run.request.environment.lake).find_newest(manifest.source, manifest.ingest_date)
    if newest and newest.version > manifest.version:
        raise SupersededError(f"{manifest.version} is the landing; the newer {published.version} was published")


def _withdraw(run: Run, unit: Unit) -> Manifest:
    """The landing that counts, of which no row does any more. Raises SupersededError where it is another one by now."""
    assert unit.known
    decision = Decision(decided="withdrawn", who=run.request.withdrawn_by)
    return Ledger(run.request.environment.lake).amend(unit.known, "gone from its source", decision)


def _land(run: Run, unit: Unit) -> Manifest:
    """The landing that counts after this run looked at the source: a new one, or the one that is known."""
    # Only here: a load that lands nothing need not wait for these imports.
    from jobs.pipeline.ingest import land, retry
    from jobs.sources.reading import Request
    from jobs.sources.source import make_source

    assert unit.contract
    environment, contract, day = run.request.environment, unit.contract, unit.day
    source, within = make_source(contract, environment), f"{unit.source}/{day}"
    request = Request(contract, environment, day, run.run_id, run.engine, run.work / within, run.scratch / within)
    inputs = unit.inputs
    if inputs is None and (unit.known or not source.is_fetched):
        inputs = retry(request, source.pauses, lambda _: source.look(day))
        if unit.known and not is_news(run.request, contract, unit.known, inputs):
            return unit.known
        if not inputs:
            raise NotArrivedError(source.describe_place(day))
    return land(request, source, Ledger(environment.lake), inputs or ())
