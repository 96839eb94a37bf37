"""The statements that BigQuery is sent, and the names in them; pure."""

from collections.abc import Sequence
from datetime import date

from jobs.config.warehouses import BigQueryWarehouse
from jobs.ledger.manifest import Manifest

STAGE = "_stage_"


def name_dataset(warehouse: BigQueryWarehouse, table: str) -> str:
    """The one that a table is in: a staging table's may be another one."""
    return warehouse.staging if warehouse.staging and table.startswith(STAGE) else warehouse.bronze


def name_table(warehouse: BigQueryWarehouse, table: str) -> str:
    """A table's name as the client takes it."""
    return f"{warehouse.project}.{name_dataset(warehouse, table)}.{table}"


def quote(warehouse: BigQueryWarehouse, table: str) -> str:
    """A table's name as it stands in a statement."""
    return f"`{warehouse.project}`.`{name_dataset(warehouse, table)}`.`{table}`"


def name_guard(source: str) -> str:
    """The table whose rows say which run Bronze holds of each day; who publishes changes it."""
    return f"_publish_{source}"


def select_count(warehouse: BigQueryWarehouse, table: str) -> str:
    return f"SELECT COUNT(*) AS row_count FROM {quote(warehouse, table)}"


def count_days(warehouse: BigQueryWarehouse, source: str, first: date, last: date) -> str:
    return f"""SELECT ingest_date, COUNT(*) AS row_count FROM {quote(warehouse, source)}
        WHERE ingest_date BETWEEN DATE '{first}' AND DATE '{last}' GROUP BY ingest_date"""


def select_published(warehouse: BigQueryWarehouse, source: str, day: date | None, last: date | None) -> str:
    """The runs published, with what the table holds: of named days its rows, of all what BigQuery keeps count of."""
    one, many = f"ingest_date = DATE '{day}'", f"ingest_date BETWEEN DATE '{day}' AND DATE '{last}'"
    asked = "" if day is None else one if last in (None, day) else many
    counted = _select_rows(warehouse, source, asked) if asked else _select_partitions(warehouse, source)
    return f"""SELECT held.ingest_date, held.run_id, COALESCE(counted.row_count, 0) AS row_count,
        counted.first_run, counted.last_run
    FROM (SELECT ingest_date, MAX(run_id) AS run_id FROM {quote(warehouse, name_guard(source))} WHERE run_id IS NOT NULL
        {f"AND {asked}" if asked else ""} GROUP BY ingest_date) AS held
    LEFT JOIN ({counted}) AS counted ON counted.ingest_date = held.ingest_date"""


def _select_rows(warehouse: BigQueryWarehouse, source: str, asked: str) -> str:
    return f"""SELECT ingest_date, COUNT(*) AS row_count, MIN(COALESCE(_run_id, '')) AS first_run,
            MAX(COALESCE(_run_id, '')) AS last_run
        FROM {quote(warehouse, source)} WHERE {asked} GROUP BY ingest_date"""


def _select_partitions(warehouse: BigQueryWarehouse, source: str) -> str:
    return f"""SELECT PARSE_DATE('%Y%m%d', partition_id) AS ingest_date, total_rows AS row_count,
            CAST(NULL AS STRING) AS first_run, CAST(NULL AS STRING) AS last_run
        FROM `{warehouse.project}`.`{warehouse.bronze}`.INFORMATION_SCHEMA.PARTITIONS
        WHERE table_name = '{source}' AND REGEXP_CONTAINS(partition_id, '^[0-9]+$')"""


def publish(warehouse: BigQueryWarehouse, manifest: Manifest, staging: str) -> str:
    """All of the day or nothing, and nothing over a newer run.

    The guard's row is there before the transaction, so that two of them change the same row also where the day
    has no rows yet: DELETE and INSERT alone would then both pass.
    """
    table, of_days = quote(warehouse, manifest.source), quote(warehouse, name_guard(manifest.source))
    day, run = f"DATE '{manifest.ingest_date}'", f"'{manifest.version}'"
    columns = ", ".join(manifest.columns_landed)
    return f"""DECLARE is_newest BOOL;
INSERT INTO {of_days} (ingest_date) SELECT {day} FROM (SELECT 1 AS one)
    WHERE NOT EXISTS (SELECT 1 FROM {of_days} WHERE ingest_date = {day});
BEGIN TRANSACTION;
UPDATE {of_days} SET run_id = GREATEST(COALESCE(run_id, {run}), {run}), published_at = CURRENT_TIMESTAMP()
    WHERE ingest_date = {day};
SET is_newest = (SELECT MAX(run_id) = {run} FROM {of_days} WHERE ingest_date = {day});
IF is_newest THEN
    DELETE FROM {table} WHERE ingest_date = {day};
    INSERT INTO {table} ({columns}) SELECT {columns} FROM {quote(warehouse, staging)};
END IF;
COMMIT TRANSACTION;"""


def add_columns(warehouse: BigQueryWarehouse, source: str, columns: Sequence[tuple[str, str, str]]) -> str:
    """`columns`: name, type and description of each."""
    adding = ", ".join(
        f"ADD COLUMN IF NOT EXISTS {name} {kind} OPTIONS (description={description!r})"
        for name, kind, description in columns
    )
    return f"ALTER TABLE {quote(warehouse, source)} {adding}"
