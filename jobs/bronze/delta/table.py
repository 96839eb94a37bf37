"""A source's Delta table: made, given the columns that its source contract gained, and asked what it holds."""

from datetime import date
from pathlib import Path

from deltalake import CommitProperties, DeltaTable, Field, Schema
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.schema import PrimitiveType

from jobs.bronze.bronze import Published
from jobs.clients import store
from jobs.clients.location import Location
from jobs.metadata import METADATA_COLUMNS

_TYPES = {"_ingested_at": "timestamp", "ingest_date": "date"}


def opened(path: Location) -> DeltaTable:
    """Raises TableNotFoundError."""
    return DeltaTable(str(path), storage_options=store.delta_options(path))


def published(path: Location, day: date | None = None) -> dict[date, Published]:
    """Of each day, or of one `day`. Raises TableNotFoundError."""
    return published_in(opened(path), path, day)


def published_in(table: DeltaTable, path: Location, day: date | None = None) -> dict[date, Published]:
    """The same, of the table's version that was opened."""
    by_day: dict[date, Published] = {}
    for uri in table.file_uris(file_pruning_predicate=[("ingest_date", "=", str(day))] if day else None):
        *_, folder, name = uri.split("/")
        of_day = date.fromisoformat(folder.removeprefix("ingest_date="))
        rows = store.parquet(path / folder / name).rows
        by_day[of_day] = Published(name.partition(".")[0], by_day[of_day].rows + rows if of_day in by_day else rows)
    return by_day


def opened_or_made(path: Location, columns: list[str]) -> DeltaTable:
    """With the metadata columns besides; one that is there stays as it is."""
    try:
        return opened(path)
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
        return opened(path)  # another run made it at the same moment


def evolve(table: DeltaTable, columns: list[str]) -> None:
    """Columns that the source contract gained since; rows from before read as null."""
    existing = {field.name for field in table.schema().fields}
    if new := [Field(name, PrimitiveType("string")) for name in columns if name not in existing]:
        table.alter.add_columns(new)
