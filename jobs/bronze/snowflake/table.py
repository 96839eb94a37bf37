"""A source's table in Snowflake and the guard of its publishing: made, given new columns, asked what it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from snowflake.connector import SnowflakeConnection

from jobs.bronze.bronze import Published
from jobs.bronze.snowflake.session import execute
from jobs.config.warehouses import SnowflakeWarehouse

STAGING, PUBLISH = "_staging_", "_publish"
STAGING_AGE = timedelta(days=1)  # after which a staging table's load must have been killed
_TYPES = {"_ingested_at": "timestamp_ntz", "ingest_date": "date"}


def qualify_name(warehouse: SnowflakeWarehouse, table: str) -> str:
    """As it stands in a statement."""
    return f"{warehouse.database}.{warehouse.bronze}.{table}"


def published(
    connection: SnowflakeConnection,
    warehouse: SnowflakeWarehouse,
    source: str,
    day: date | None,
    last: date | None = None,
) -> dict[date, Published]:
    """Of each day, of one `day`, or of those from it to `last`: the rows counted, and the run that they name."""
    only = " and ingest_date between %s and %s" if day else ""
    values = [str(day), str(last or day)] if day else []
    query = f"""
        with rows_held as (
            select ingest_date, count(*) as number,
                min(coalesce(_run_id, '')) as first_run, max(coalesce(_run_id, '')) as last_run
            from {qualify_name(warehouse, source)} where true{only} group by 1
        ), published as (
            select ingest_date, run_id from {qualify_name(warehouse, PUBLISH)}
            where source = %s and ingest_date is not null{only}
        )
        select published.ingest_date, published.run_id, first_run, last_run, coalesce(rows_held.number, 0)
        from published left join rows_held on published.ingest_date = rows_held.ingest_date"""
    days = execute(connection, query, *values, source, *values)
    return {of_day: Published.of_rows(*held) for of_day, *held in days}


def count_rows(
    connection: SnowflakeConnection, warehouse: SnowflakeWarehouse, source: str, first: date, last: date
) -> dict[date, int]:
    """Of each day that has any."""
    query = f"""select ingest_date, count(*) from {qualify_name(warehouse, source)}
        where ingest_date between %s and %s group by ingest_date"""
    return {day: int(rows) for day, rows in execute(connection, query, str(first), str(last))}


@dataclass(frozen=True)
class SourceTable:
    """A source's table, in one session; `columns`: its names, metadata included; `personal`: their kinds."""

    connection: SnowflakeConnection
    warehouse: SnowflakeWarehouse
    source: str
    columns: list[str]
    personal: Mapping[str, str]

    @property
    def name(self) -> str:
        return qualify_name(self.warehouse, self.source)

    @property
    def guard(self) -> str:
        """What is published: a row a source and day, and a row a source without a day.

        Whoever publishes updates the latter first, so that two publishers conflict even on a day that is new. The
        others remember the version of what was published: the run, behind a dot its amendment.
        """
        return qualify_name(self.warehouse, PUBLISH)

    @property
    def fields(self) -> str:
        return ", ".join(f"{name} {_TYPES.get(name, 'varchar')}" for name in self.columns)

    def execute(self, statement: str, *values: object) -> list[Any]:
        return execute(self.connection, statement, *values)

    def prepare(self) -> None:
        """Table and guard row as the source contract wants them; what killed loads left in staging goes."""
        self._evolve()
        self._mask()
        self._make_guard()
        self._sweep()

    def _evolve(self) -> None:
        self.execute(f"create table if not exists {self.name} ({self.fields}) cluster by (ingest_date)")
        existing = {
            name.lower() for name in self._read_known("columns", "column_name", "table_name = upper(%s)", self.source)
        }
        for name in (name for name in self.columns if name not in existing):
            self.execute(f"alter table {self.name} add column if not exists {name} {_TYPES.get(name, 'varchar')}")

    def _mask(self) -> None:
        """Where the environment names policies, each personal column gets that of its kind: twice is as once."""
        policies = self.warehouse.qualified_policies
        for column, kind in self.personal.items() if policies else ():
            policy = f"{policies}.{kind}_text"
            self.execute(f"alter table {self.name} modify column {column} set masking policy {policy} force")

    def _make_guard(self) -> None:
        self.execute(f"create table if not exists {self.guard} (source varchar, ingest_date date, run_id varchar)")
        self.execute(
            f"merge into {self.guard} as known using (select %s as source) as wanted "
            "on known.source = wanted.source and known.ingest_date is null "
            "when not matched then insert (source) values (wanted.source)",
            self.source,
        )

    def _sweep(self) -> None:
        prefix = f"{STAGING}{self.source}_".upper()
        newest = f"{prefix}{datetime.now(UTC) - STAGING_AGE:%Y%m%dT%H%M%S}"
        for name in self._read_known("tables", "table_name", "startswith(table_name, %s)", prefix):
            if name < newest:
                self.execute(f"drop table if exists {qualify_name(self.warehouse, name)}")

    def _read_known(self, view: str, column: str, condition: str, value: str) -> list[str]:
        """Of the information schema, about Bronze."""
        view = f"{self.warehouse.database}.information_schema.{view}"
        query = f"select {column} from {view} where table_schema = upper(%s) and {condition}"
        return [str(name) for (name,) in self.execute(query, self.warehouse.bronze, value)]
