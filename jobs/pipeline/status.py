"""The ledger: per source and day what was delivered, landed, rejected and loaded, from manifests, reports, Bronze."""

from collections.abc import Sequence
from datetime import date

from jobs.bronze.bronze import Published
from jobs.bronze.choice import bronze_of
from jobs.config.environment import Environment
from jobs.contracts.source import SourceContract
from jobs.errors import BalanceError, NotArrivedError, PlatformError
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import Manifest
from jobs.ledger.outcome import Outcome, RunReport
from jobs.sources.source import source_of


def outcomes(
    environment: Environment, contracts: dict[str, SourceContract], days: Sequence[date], check: bool
) -> list[Outcome]:
    """One outcome a source and day, by day; `days` empty: all that are known. `check`: look at the sources too."""
    ledger, bronze = Ledger(environment.lake), bronze_of(environment)
    reported = {
        (outcome.source, outcome.ingest_date): (report, outcome)
        for report in ledger.reports()
        for outcome in report.outcomes
        if report.step != "load" or outcome.state != "not_arrived"  # `load` has not looked at the source
    }
    found = []
    for contract in contracts.values():
        held = bronze.published(contract.name)  # before the manifests: no landing is in Bronze before it has one
        newest = {manifest.ingest_date: manifest for manifest in ledger.manifests(contract.name)}
        known = {*newest, *(day for source, day in reported if source == contract.name)}
        for day in sorted(days or known):
            latest = reported.get((contract.name, day))
            outcome = _outcome(newest.get(day), latest, held.get(day))
            if check and (outcome is None or outcome.state not in ("landed", "loaded", "unchanged")):
                outcome = _looked_at(contract, environment, day, has_landed=bool(newest))
            if outcome:
                found.append(outcome)
    return sorted(found, key=lambda outcome: (outcome.ingest_date, outcome.source))


def reported(environment: Environment, key: str) -> list[Outcome]:
    """What the run that was given `key` reported. Raises NotArrivedError where it has not: killed, or still at work."""
    found = [outcome for report in Ledger(environment.lake).reports(key) for outcome in report.outcomes]
    if not found:
        raise NotArrivedError(f"no report of a run with the key {key}: it was killed, or is still at work")
    return found


def _outcome(
    manifest: Manifest | None, latest: tuple[RunReport, Outcome] | None, held: Published | None
) -> Outcome | None:
    """The newest of a landing and what a later run reported; None: nothing is known of the day."""
    if latest:
        report, reported = latest
        is_newer = manifest is None or report.run_id > manifest.run_id
        if is_newer and reported.state not in ("landed", "loaded"):
            return reported.model_copy(update={"rows_bronze": held and held.rows})
    if manifest is None:
        return None
    return of_manifest(manifest, held)


def of_manifest(manifest: Manifest, held: Published | None) -> Outcome:
    """The state a landing has: loaded where Bronze holds that very one; failed where what it holds cannot be right."""
    is_loaded = held is not None and held.run_id == manifest.run_id
    outcome = Outcome(
        source=manifest.source,
        ingest_date=manifest.ingest_date,
        state="loaded" if is_loaded else "landed",
        corrected=manifest.corrected,
        empty=manifest.rows_delivered == 0,
        run_id=manifest.run_id,
        bytes_delivered=sum(found.size for found in manifest.inputs),
        rows_delivered=manifest.rows_delivered,
        rows_landed=manifest.rows_landed,
        rows_rejected=manifest.rows_rejected,
        rows_bronze=held and held.rows,
        odd_volume=manifest.odd_volume,
        drift=manifest.drift,
    )
    if held and not "" < held.run_id <= manifest.run_id:
        what = f"{held.run_id}, which is newer than any landing" if held.run_id else "rows of several runs"
        return outcome.model_copy(update=_facts(BalanceError(f"Bronze holds {what}; replay that day")))
    return _with_imbalance(outcome) if outcome.imbalance else outcome


def _with_imbalance(outcome: Outcome) -> Outcome:
    """As an error, its counts beside it: whoever looks is told, `run` included."""
    error = BalanceError(
        f"{outcome.imbalance}: {outcome.rows_delivered:,} rows delivered, {outcome.rows_landed:,} landed, "
        f"{outcome.rows_rejected:,} rejected, {outcome.rows_bronze or 0:,} in Bronze; replay that day"
    )
    return outcome.model_copy(update=_facts(error))


def _looked_at(contract: SourceContract, environment: Environment, day: date, has_landed: bool) -> Outcome:
    """What the source itself says of a day that has not landed."""
    if contract.static and has_landed:
        return Outcome(source=contract.name, ingest_date=day, state="unchanged")
    try:
        found = source_of(contract, environment).look(day)
    except PlatformError as error:
        return failed(contract.name, day, error)
    if not found:
        return Outcome(source=contract.name, ingest_date=day, state="not_arrived")
    size = sum(one.size for one in found)
    return Outcome(source=contract.name, ingest_date=day, state="arrived", bytes_delivered=size)


def failed(source: str, day: date, error: PlatformError) -> Outcome:
    """The outcome that an error is, with what a retry would do about it."""
    return Outcome.model_validate({"source": source, "ingest_date": day, **_facts(error)})


def _facts(error: PlatformError) -> dict[str, object]:
    return {
        "state": error.state,
        "error": str(error),
        "error_kind": type(error).__name__,
        "retry_helps": error.retry_helps,
        "exit_code": error.exit_code,
    }
