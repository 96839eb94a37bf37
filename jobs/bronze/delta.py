"""Bronze as Delta tables: a landing's Parquet files are taken over as they are, by one commit of the Delta log.

Not by Spark: the files already are what Bronze holds (docs/decisions/0002).
"""

import json
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from deltalake import CommitProperties, DeltaTable, Field, Schema
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.schema import PrimitiveType
from deltalake.transaction import AddAction, RemoveAction

from jobs import store
from jobs.errors import BalanceError, ServiceError
from jobs.ledger import Manifest, landing_folder
from jobs.location import Location
from jobs.settings import METADATA_COLUMNS, DeltaWarehouse

TRIES = 50  # each means that another run committed to the same table in between
_TYPES = {"_ingested_at": "timestamp", "ingest_date": "date"}


def loaded(warehouse: DeltaWarehouse, source: str, day: date | None = None) -> dict[date, tuple[str, int]]:
    """Day -> (run that Bronze holds, its rows as the footers of the table's live files say), or of one `day`."""
    try:
        return _held(_open(warehouse.path / source), warehouse.path / source, day)
    except TableNotFoundError:
        return {}


def _held(table: DeltaTable, path: Location, day: date | None = None) -> dict[date, tuple[str, int]]:
    found: dict[date, tuple[str, int]] = {}
    for uri in table.file_uris(file_pruning_predicate=[("ingest_date", "=", str(day))] if day else None):
        *_, folder, name = uri.split("/")
        of_day = date.fromisoformat(folder.removeprefix("ingest_date="))
        rows = found.get(of_day, ("", 0))[1] + store.parquet(path / folder / name).rows
        found[of_day] = (name.partition(".")[0], rows)
    return found


def load(
    warehouse: DeltaWarehouse, lake: Location, manifest: Manifest, columns: list[str], log: Callable[[str], None]
) -> tuple[str, int]:
    """Stage, audit and publish one landing. Returns the run and rows Bronze then holds of that day.

    A newer run's rows stay: then the answer names that run. Raises BalanceError where a staged file does not
    hold the manifest's rows.
    """
    path = warehouse.path / manifest.source
    actions = _stage(path, lake, manifest)
    log("staged")
    for _ in range(TRIES):
        table = _opened_or_made(path, columns)
        held = _held(table, path, manifest.ingest_date).get(manifest.ingest_date)
        if held and held[0] > manifest.run_id:
            return held
        try:
            _evolve(table, columns)
            table.create_write_transaction(
                actions,
                "overwrite",
                table.schema(),
                ["ingest_date"],
                [("ingest_date", "=", str(manifest.ingest_date))],
                # No retries inside: one would publish on top of rows that were not looked at.
                commit_properties=CommitProperties({"run_id": manifest.run_id}, max_commit_retries=0),
            )
        except CommitFailedError:
            time.sleep(0.05)
            continue
        log("published")
        table.update_incremental()
        return _held(table, path, manifest.ingest_date)[manifest.ingest_date]
    raise ServiceError(f"{path}: {TRIES} other commits came first; is something else writing this table?")


def _open(path: Location) -> DeltaTable:
    return DeltaTable(str(path), storage_options=store.delta_options(path))


def _opened_or_made(path: Location, columns: list[str]) -> DeltaTable:
    try:
        return _open(path)
    except TableNotFoundError:
        return _made(path, columns)


def _made(path: Location, columns: list[str]) -> DeltaTable:
    fields = [Field(name, PrimitiveType(_TYPES.get(name, "string"))) for name in [*columns, *METADATA_COLUMNS]]
    if isinstance(path, Path):
        path.mkdir(parents=True, exist_ok=True)
    try:
        return DeltaTable.create(
            str(path),
            Schema(fields),
            mode="ignore",
            partition_by=["ingest_date"],
            storage_options=store.delta_options(path),
            commit_properties=CommitProperties(max_commit_retries=0),  # a retry would lay a second metadata on top
        )
    except CommitFailedError:
        return _open(path)  # another run made it at the same moment


def _evolve(table: DeltaTable, columns: list[str]) -> None:
    """Columns that the source contract gained since; rows from before read as null."""
    known = {field.name for field in table.schema().fields}
    if new := [Field(name, PrimitiveType("string")) for name in columns if name not in known]:
        table.alter.add_columns(new)


def _stage(path: Location, lake: Location, manifest: Manifest) -> list[AddAction | RemoveAction]:
    """Copy the manifest's files beside the table's own, where no reader sees them yet, and count them there."""
    landing = landing_folder(lake, manifest.source, manifest.ingest_date, manifest.run_id)
    folder = f"ingest_date={manifest.ingest_date}"
    actions: list[AddAction | RemoveAction] = []
    for number, file in enumerate(manifest.files):
        target = path / folder / f"{manifest.run_id}.part-{number:05}.parquet"
        store.copy(landing / file.path, target)
        rows, size, *_ = store.parquet(target)
        if rows != file.rows:
            raise BalanceError(f"{target}: {rows} rows staged, the manifest says {file.rows}; nothing was published")
        actions.append(
            AddAction(
                f"{folder}/{target.name}",
                size,
                {"ingest_date": str(manifest.ingest_date)},
                int(time.time() * 1000),
                True,
                json.dumps({"numRecords": rows}),
            )
        )
    return actions
