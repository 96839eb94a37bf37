"""Whether the lake holds what a manifest says: Snowflake reads the files itself, and would not notice."""

from jobs.clients import store
from jobs.clients.location import Location
from jobs.errors import BalanceError
from jobs.ledger.manifest import DataFile, Manifest, locate_landing


def check_files(lake: Location, manifest: Manifest, columns: list[str]) -> None:
    """The lake holds the manifest's files, no others beside them, with its rows and columns. Raises BalanceError.

    MATCH_BY_COLUMN_NAME loads a file without one of the columns, or with one more, without a word.
    """
    folder = locate_landing(lake, manifest.source, manifest.ingest_date, manifest.run_id)
    listed = {file.path for file in manifest.files}
    for within in sorted({path.rpartition("/")[0] for path in listed}):
        in_lake = {f"{within}/{file.name}" for file in store.list_objects(folder / within, "part-*.parquet")}
        in_lake -= {*manifest.removed}
        in_manifest = {path for path in listed if path.startswith(f"{within}/")}
        if in_lake != in_manifest:
            raise BalanceError(
                f"{folder}: vanished {sorted(in_manifest - in_lake)}, "
                f"not in the manifest {sorted(in_lake - in_manifest)}; nothing was published"
            )
    for file in manifest.files:
        _check_file(folder / file.path, file, columns)


def _check_file(at: Location, file: DataFile, columns: list[str]) -> None:
    footer = store.read_footer(at)
    if sorted(footer.columns) != sorted(columns) or footer.rows != file.rows:
        raise BalanceError(
            f"{at}: {footer.rows} rows of {sorted(footer.columns)}; by manifest and source contract {file.rows} "
            f"of {sorted(columns)}; replay that day, nothing was published"
        )
