"""An amendment: what changed of a landing after its manifest, `_amendment-<number>.json` beside it."""

from collections.abc import Iterable
from datetime import date, datetime

from jobs.errors import BalanceError, PlatformError
from jobs.ledger.manifest import DataFile, Decided, Manifest, Record, count_rows, name_version

MOST = 9_999


class Change(Record):
    """Files that join a landing, or come in the place of those that `removed` names; and its counts from then on.

    A supplemented row was rejected and has landed since; a suppressed one was landed or rejected, and is gone.
    """

    removed: tuple[str, ...] = ()
    files: tuple[DataFile, ...] = ()
    rejected_files: tuple[DataFile, ...] = ()
    reject_reasons: dict[str, int] = {}
    rows_landed: int
    rows_rejected: int
    rows_suppressed: int
    rows_supplemented: int


class Decision(Record):
    """What a person decided of a landing. A discarded one does not count, of a withdrawn one no row does."""

    decided: Decided
    who: str


class Amendment(Record):
    """Of one landing, put once; either a change or a decision. `id`: as `amendment-0001`, in order."""

    source: str
    ingest_date: date
    run_id: str
    id: str
    made_at: datetime
    code_version: str
    why: str
    change: Change | None = None
    decision: Decision | None = None


def make_id(number: int) -> str:
    """Raises PlatformError above 9,999, where ids would no longer sort."""
    if number > MOST:
        raise PlatformError(f"{MOST} amendments of one landing are the most; replay that day")
    return f"amendment-{number:04}"


def make_version(run_id: str, number: int) -> str:
    """Of a landing and as many of its amendments."""
    return name_version(run_id, make_id(number) if number else None)


def parse_number(manifest: Manifest) -> int:
    """How many amendments of the landing it is the sum with."""
    return int(manifest.amendment.rpartition("-")[2] or 0)


def add_up(manifest: Manifest, amendments: Iterable[Amendment]) -> Manifest:
    """What a landing is, its amendments applied in their order."""
    for amendment in sorted(amendments, key=lambda one: one.id):
        change, decision = amendment.change, amendment.decision
        if change:
            manifest = _apply(manifest, change)
        if decision:
            manifest = manifest.model_copy(update={"decided": decision.decided})
        manifest = manifest.model_copy(update={"amendment": amendment.id})
    return _empty(manifest) if manifest.decided == "withdrawn" else manifest


def check_change(manifest: Manifest, change: Change) -> None:
    """Raises BalanceError where the landing would not add up; PlatformError where it has not what goes."""
    known = {file.path for file in (*manifest.files, *manifest.rejected_files)}
    if strange := {*change.removed} - known:
        raise PlatformError(f"{manifest.source} {manifest.ingest_date} {manifest.version}: no file {min(strange)}")
    after = _apply(manifest, change)
    counted, told = (
        (count_rows(after.files), count_rows(after.rejected_files)),
        (after.rows_landed, after.rows_rejected),
    )
    missing = after.rows_delivered - sum(told) - after.rows_suppressed
    if counted != told or missing:
        raise BalanceError(
            f"{manifest.source} {manifest.ingest_date} {manifest.version}: {after.rows_delivered} rows delivered, "
            f"{told[0]} would be landed ({counted[0]} in files), {told[1]} rejected ({counted[1]} in files), "
            f"{after.rows_suppressed} suppressed; nothing was amended"
        )


def _apply(manifest: Manifest, change: Change) -> Manifest:
    landed = (*(file for file in manifest.files if file.path not in change.removed), *change.files)
    kept = (file for file in manifest.rejected_files if file.path not in change.removed)
    facts = {
        "files": landed,
        "removed": (*manifest.removed, *change.removed),
        "bytes": sum(file.bytes for file in landed),
        "rejected_files": (*kept, *change.rejected_files),
        "reject_reasons": change.reject_reasons,
    }
    counts = ("rows_landed", "rows_rejected", "rows_suppressed", "rows_supplemented")
    return manifest.model_copy(update={**facts, **{name: getattr(change, name) for name in counts}})


def _empty(manifest: Manifest) -> Manifest:
    """Of a landing that was withdrawn nothing counts, not even that it was delivered."""
    counts = ("rows_delivered", "rows_landed", "rows_rejected", "rows_suppressed", "rows_supplemented", "bytes")
    files = {"files": (), "rejected_files": (), "reject_reasons": dict[str, int]()}
    return manifest.model_copy(update={**files, **dict.fromkeys(counts, 0)})
