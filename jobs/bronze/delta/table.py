"""A source's Delta table: made, given the columns that its source contract gained, and asked what it holds."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from deltalake import CommitProperties, DeltaTable, Field, Schema
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.schema import PrimitiveType

from jobs.bronze.bronze import Published
from jobs.bronze.delta.bounds import Bounds, bounds
from jobs.clients import store
from jobs.clients.location import Location
from jobs.ledger.amendment import make_version
from jobs.metadata import METADATA_COLUMNS

_TYPES = {"_ingested_at": "timestamp", "ingest_date": "date"}


def open_table(path: Location) -> DeltaTable:
    """Raises TableNotFoundError."""
    return DeltaTable(str(path), storage_options=store.make_delta_options(path))


def published(path: Location, day: date | None = None, last: date | None = None) -> dict[date, Published]:
    """Of each day, of one `day`, or of those from it to `last`. Raises TableNotFoundError."""
    return published_in(open_table(path), path, day, last)


def published_in(
    table: DeltaTable, path: Location, day: date | None = None, last: date | None = None
) -> dict[date, Published]:
    """The same, of the table's version that was opened.

    The run is read from the rows: files that Delta's own DELETE or OPTIMIZE wrote bear names of its own.
    """
    files: dict[date, dict[str, Bounds]] = {}
    for of_day, at in _list_files(table, path, day, last):
        files.setdefault(of_day, {})[at.name] = bounds(at, "_run_id")
    return {of_day: _make_published(table, of_day, of_files) for of_day, of_files in files.items()}


def count_rows(path: Location, first: date, last: date) -> dict[date, int]:
    """Of each day, by what its live files hold, not by what their footers say. Raises TableNotFoundError."""
    rows: dict[date, int] = {}
    for day, at in _list_files(open_table(path), path, first, last):
        with store.open_parquet(at) as file:
            rows[day] = rows.get(day, 0) + sum(len(batch) for batch in file.iter_batches(columns=["_run_id"]))
    return rows


def _list_files(
    table: DeltaTable, path: Location, day: date | None, last: date | None
) -> Iterator[tuple[date, Location]]:
    """The live files of all days, of one `day`, or of those from it to `last`."""
    within = [("ingest_date", ">=", str(day)), ("ingest_date", "<=", str(last or day))] if day else None
    for uri in table.file_uris(file_pruning_predicate=within):
        *_, folder, name = uri.split("/")
        yield date.fromisoformat(folder.removeprefix("ingest_date=")), path / folder / name


def _make_published(table: DeltaTable, day: date, files: dict[str, Bounds]) -> Published:
    """By the files' names: where there are no rows, a name of ours is all that tells the version.

    Where there are, the table's log tells which amendment of their run's landing was published.
    """
    ends = [end for bounds in files.values() for end in (bounds.first, bounds.last) if end is not None]
    version, is_ours, _ = max(files).partition(".part-")
    recorded, first, last = version if is_ours else "", min(ends, default=None), max(ends, default=None)
    if last and recorded != last:
        recorded = make_version(last, table.transaction_version(name_transaction(day, last)) or 0)
    return Published.of_rows(recorded, first, last, sum(bounds.rows for bounds in files.values()))


def name_transaction(day: date, run_id: str) -> str:
    """Whose version in the table's log is the number of the amendment that was published of a landing."""
    return f"{day}/{run_id}"


def opened_or_made(path: Location, columns: list[str]) -> DeltaTable:
    """With the metadata columns besides; one that is there stays as it is."""
    try:
        return open_table(path)
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
            storage_options=store.make_delta_options(path),
            commit_properties=CommitProperties(max_commit_retries=0),  # a retry would lay a second metadata on top
        )
    except CommitFailedError:
        return open_table(path)  # another run made it at the same moment


def evolve(table: DeltaTable, columns: list[str]) -> None:
    """Columns that the source contract gained since; rows from before read as null."""
    existing = {field.name for field in table.schema().fields}
    if new := [Field(name, PrimitiveType("string")) for name in columns if name not in existing]:
        table.alter.add_columns(new)
