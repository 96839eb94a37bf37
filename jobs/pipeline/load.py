"""Loading: a landing is staged, audited against its manifest, and published in Bronze."""

from collections.abc import Iterable
from logging import INFO

from jobs.bronze.bronze import Bronze, Count, Log, Published
from jobs.contracts.source import SourceContract
from jobs.errors import BalanceError
from jobs.ledger.manifest import Manifest
from jobs.logs import log_fact


def load(bronze: Bronze, contract: SourceContract, manifest: Manifest) -> Published:
    """Publish a landing, and log each step; returns what Bronze then holds of its day.

    A newer run is never replaced by an older one: its rows stay, and the answer names it. Raises BalanceError where
    staging or Bronze does not hold the manifest's rows.
    """

    def log(event: str, **facts: object) -> None:
        known: dict[str, object] = {"rows": manifest.rows_landed, **facts}
        log_fact(event, manifest.source, manifest.ingest_date, manifest.run_id, level=INFO, **known)

    return stage_audit_publish(bronze, contract, manifest, log)


def stage_audit_publish(bronze: Bronze, contract: SourceContract, manifest: Manifest, log: Log) -> Published:
    """The same, with its events told to `log`."""
    with bronze.stage(contract, manifest, log) as staged:
        _audit(staged.count())
        held = staged.publish()
    if held.version < manifest.version:
        raise BalanceError(f"{manifest.version} was published, Bronze holds {held.version or 'rows of several runs'}")
    if held.version == manifest.version and held.rows != manifest.rows_landed:
        raise BalanceError(f"{manifest.rows_landed} rows landed, {held.rows} in Bronze")
    return held


def _audit(counts: Iterable[Count]) -> None:
    for count in counts:
        if count.rows != count.landed or count.of_other_runs:
            others = "" if count.of_other_runs is None else f" {count.of_other_runs} of them of other runs;"
            raise BalanceError(
                f"{count.place}: {count.rows} rows staged,{others} the manifest says {count.landed}; "
                "nothing was published"
            )
