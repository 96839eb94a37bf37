"""The ledger: per source and day the state of the data and the last attempt, from manifests, reports and Bronze."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from jobs.bronze.bronze import Published
from jobs.bronze.choice import make_bronze
from jobs.config.environment import Environment
from jobs.contracts.source import SourceContract
from jobs.errors import BalanceError, NotArrivedError, PlatformError
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import Manifest
from jobs.ledger.outcome import Outcome, State
from jobs.pipeline.late import name_missing
from jobs.pipeline.look_back import compare_delivery
from jobs.sources.source import look_closely, make_source

_NO_ERROR = {"error": None, "error_kind": None, "retry_helps": None, "exit_code": 0}
# Of a day of which nothing landed, by how its attempt ended; a landing that superseded it is yet to be seen.
_STATES: dict[str, State] = {
    "refused": "refused",
    "failed": "failed",
    "not_arrived": "not_arrived",
    "superseded": "failed",
    "held": "held",
}


def read_outcomes(
    environment: Environment, contracts: dict[str, SourceContract], days: Sequence[date], check: bool
) -> list[Outcome]:
    """One outcome a source and day, by day; `days` empty: all that are known. `check`: look at the sources too."""
    ledger, bronze = Ledger(environment.lake), make_bronze(environment)
    attempts = _read_attempts(ledger, contracts, days)
    found = []
    for contract in contracts.values():
        # Before the manifests: no landing is in Bronze before it has one.
        held = bronze.published(contract.name, *((min(days), max(days)) if days else ()))
        newest, last = ledger.read_landings(contract.name, days), attempts[contract.name]
        for day in days or sorted({*newest, *last}):
            outcome = choose_state(newest.get(day), last.get(day), held.get(day))
            if day not in newest and contract.is_retired(day):
                outcome = Outcome(source=contract.name, ingest_date=day, state="retired")
            elif check and outcome and day in newest and contract.is_looked_at_again:
                outcome = _look_again(contract, environment, newest[day], outcome)
            elif check and day not in newest and (outcome is None or outcome.state != "unchanged"):
                has_landed = contract.static and ledger.find_newest_of_all(contract.name) is not None
                outcome = _add_attempt(_look_at_source(contract, environment, day, has_landed), outcome)
            if outcome:
                found.append(name_missing(contract, outcome, datetime.now(UTC)))
    return sorted(found, key=lambda outcome: (outcome.ingest_date, outcome.source))


def _read_attempts(ledger: Ledger, contracts: Iterable[str], days: Sequence[date]) -> dict[str, dict[date, Outcome]]:
    """By source and day the last attempt; of days of which none was put, what runs of older versions reported."""
    found = {source: ledger.read_attempts(source, days) for source in contracts}
    if days and all(day in of_source for of_source in found.values() for day in days):
        return found
    first = min(days) - timedelta(days=1) if days else None  # no run is for a day that has not begun anywhere
    older: dict[str, dict[date, Outcome]] = {source: {} for source in found}
    for one in ledger.read_older_attempts(first):
        if one.source in older:
            older[one.source][one.ingest_date] = one
    return {source: older[source] | found[source] for source in found}


def read_reported(environment: Environment, key: str) -> list[Outcome]:
    """What the run that was given `key` reported. Raises NotArrivedError where it has not: killed, or still at work."""
    ledger, week = Ledger(environment.lake), datetime.now(UTC).date() - timedelta(days=7)
    found = [one for report in ledger.read_reports(key, week) for one in report.outcomes]
    found = found or [one for report in ledger.read_reports(key) for one in report.outcomes]
    if not found:
        raise NotArrivedError(f"no report of a run with the key {key}: it was killed, or is still at work")
    return found


def choose_state(manifest: Manifest | None, attempt: Outcome | None, held: Published | None) -> Outcome | None:
    """The state of a day's data, and beside it its last attempt; None: nothing is known of the day.

    Of a day of which nothing landed, how the attempt ended is the state. An attempt before the newest landing is not
    the last one, though no later one left word: its run was killed.
    """
    if manifest:
        outcome = make_outcome(manifest, held)
        is_later = attempt and (attempt.attempt_run_id or "") >= manifest.run_id
        return _add_attempt(outcome, attempt if is_later else _make_attempt(manifest, held))
    if attempt is None or attempt.state in ("landed", "loaded", "withdrawn"):
        return None
    is_fine = attempt.state == "unchanged"
    return attempt.model_copy(update={"rows_bronze": held and held.rows, **(_NO_ERROR if is_fine else {})})


def _make_attempt(manifest: Manifest, held: Published | None) -> Outcome:
    """The attempt that a landing itself is the proof of."""
    is_loaded = held is not None and held.version == manifest.version
    return Outcome(
        source=manifest.source,
        ingest_date=manifest.ingest_date,
        state="landed",
        attempt="loaded" if is_loaded else "landed",
        attempted_at=manifest.finished_at,
        attempt_run_id=manifest.run_id,
    )


def _add_attempt(outcome: Outcome, attempt: Outcome | None) -> Outcome:
    names = ("attempt", "attempt_error", "attempted_at", "attempt_run_id", "delivery")
    return outcome.model_copy(update={name: getattr(attempt, name) for name in names}) if attempt else outcome


def make_outcome(manifest: Manifest, held: Published | None) -> Outcome:
    """The state a landing has: loaded where Bronze holds that very one; failed where what it holds cannot be right."""
    is_loaded = held is not None and held.version == manifest.version
    published: State = "withdrawn" if manifest.decided == "withdrawn" else "loaded"
    outcome = Outcome(
        source=manifest.source,
        ingest_date=manifest.ingest_date,
        state="held" if manifest.waiting else published if is_loaded else "landed",
        waits=manifest.waiting.run_id if manifest.waiting else None,
        corrected=manifest.corrected,
        empty=manifest.rows_delivered == 0 and manifest.decided != "withdrawn",
        run_id=manifest.run_id,
        bytes_delivered=sum(found.size for found in manifest.inputs),
        rows_delivered=manifest.rows_delivered,
        rows_landed=manifest.rows_landed,
        rows_rejected=manifest.rows_rejected,
        rows_suppressed=manifest.rows_suppressed,
        rows_supplemented=manifest.rows_supplemented,
        rows_bronze=held and held.rows,
        lines_apart=manifest.lines_apart,
        amendment=manifest.amendment or None,
        odd_volume=manifest.odd_volume,
        drift=manifest.drift,
        since=manifest.finished_at,
    )
    if held and not "" < held.version <= manifest.version:
        what = f"{held.version}, which is newer than any landing" if held.version else "rows of several runs"
        error = BalanceError(f"Bronze holds {what}; replay that day")
        return outcome.model_copy(update={"state": "failed", **_describe_error(error)})
    return _add_imbalance(outcome) if outcome.imbalance else outcome


def _add_imbalance(outcome: Outcome) -> Outcome:
    """As an error, its counts beside it: whoever looks is told, `run` included."""
    error = BalanceError(
        f"{outcome.imbalance}: {outcome.rows_delivered:,} rows delivered, {outcome.rows_landed:,} landed, "
        f"{outcome.rows_rejected:,} rejected, {_describe_suppressed(outcome)}{outcome.rows_bronze or 0:,} in Bronze; "
        "replay that day"
    )
    return outcome.model_copy(update={"state": "failed", **_describe_error(error)})


def _describe_suppressed(outcome: Outcome) -> str:
    return f"{outcome.rows_suppressed:,} suppressed, " if outcome.rows_suppressed else ""


def _look_at_source(contract: SourceContract, environment: Environment, day: date, has_landed: bool) -> Outcome:
    """What the source itself says of a day that has not landed."""
    if contract.static and has_landed:
        return Outcome(source=contract.name, ingest_date=day, state="unchanged")
    try:
        inputs = make_source(contract, environment).look(day)
    except PlatformError as error:
        return Outcome(source=contract.name, ingest_date=day, state="failed").model_copy(update=_describe_error(error))
    if not inputs:
        return Outcome(source=contract.name, ingest_date=day, state="not_arrived")
    size = sum(seen.size for seen in inputs)
    return Outcome(source=contract.name, ingest_date=day, state="arrived", bytes_delivered=size)


def _look_again(contract: SourceContract, environment: Environment, known: Manifest, outcome: Outcome) -> Outcome:
    """What has landed, and what became of its delivery since."""
    try:
        inputs = look_closely(make_source(contract, environment), known.ingest_date, known.inputs)
    except PlatformError as error:
        return outcome if outcome.error else outcome.model_copy(update=_describe_error(error))
    return outcome.model_copy(update={"delivery": compare_delivery(known, inputs)})


def make_failed_outcome(source: str, day: date, error: PlatformError, data: Outcome | None = None) -> Outcome:
    """The outcome of an attempt that an error ended, with what a retry would do about it.

    `data`: the state of the day's data, which an attempt that failed leaves as it is.
    """
    outcome = data or Outcome(source=source, ingest_date=day, state=_STATES[error.attempt])
    return outcome.model_copy(update={"attempt": error.attempt, "attempt_error": str(error), **_describe_error(error)})


def _describe_error(error: PlatformError) -> dict[str, object]:
    return {
        "error": str(error),
        "error_kind": type(error).__name__,
        "retry_helps": error.retry_helps,
        "exit_code": error.exit_code,
    }
