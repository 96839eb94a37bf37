"""A landing in a staging table of its own, counted there and published by one transaction."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

from snowflake.connector import errors

from jobs.bronze.bronze import Count, Log, Published
from jobs.bronze.snowflake.session import ABORTED
from jobs.bronze.snowflake.table import STAGING, SourceTable, published, qualify_name
from jobs.errors import PlatformError, ServiceError
from jobs.ledger.manifest import Manifest

TRIES = 10  # each means that another run held the source's guard row for too long
MOST_FILES = 1000  # that one COPY INTO takes by name


@contextmanager
def staging(table: SourceTable, day: date) -> Iterator[str]:
    """The name of a table of this load's own, dropped at its end; it tells how old it is.

    Of its own, since Snowflake may still be at the COPY of a load that was killed, whose table goes a day later.
    """
    moment = f"{datetime.now(UTC):%Y%m%dT%H%M%S}_{secrets.token_hex(4)}"
    name = qualify_name(table.warehouse, f"{STAGING}{table.source}_{moment}_{day:%Y%m%d}")
    try:
        yield name
    except (errors.ProgrammingError, PlatformError):  # the session still answers, if it is there
        if not table.connection.is_closed():
            table.execute(f"drop table if exists {name}")
        raise
    table.execute(f"drop table if exists {name}")


def copy(table: SourceTable, manifest: Manifest, folder: str, staging: str) -> None:
    """Make the transient table `staging` with the rows of the manifest's files, in `folder` of the external stage."""
    table.execute(f"create or replace transient table {staging} ({table.fields}) data_retention_time_in_days = 0")
    paths = [file.path for file in manifest.files]
    stage_folder = f"@{table.warehouse.database}.{table.warehouse.stage}/{folder}/"
    for first in range(0, len(paths), MOST_FILES):
        files = ", ".join(f"'{path}'" for path in paths[first : first + MOST_FILES])
        table.execute(
            f"copy into {staging} from {stage_folder} files = ({files}) "
            "file_format = (type = parquet use_logical_type = true) match_by_column_name = case_insensitive "
            "on_error = abort_statement"
        )


@dataclass(frozen=True)
class SnowflakeStaged:
    """One landing in the table `staging`."""

    table: SourceTable
    manifest: Manifest
    staging: str
    log: Log

    def count(self) -> list[Count]:
        """Of other runs too: COPY takes a file as it lies there."""
        query = f"select count(*), count(nullif(_run_id, %s)) from {self.staging}"
        ((rows, others),) = self.table.execute(query, self.manifest.run_id)
        return [Count(self.staging, rows, self.manifest.rows_landed, others)]

    def publish(self) -> Published:
        """Replace the day by one transaction, and tell what Bronze then holds of it; a newer run's rows stay.

        One that Snowflake aborted is tried again. Raises ServiceError where other transactions always came first.
        """
        for _ in range(TRIES):
            try:
                published = self._swap()
            except errors.ProgrammingError as error:
                self._roll_back()
                if error.errno != ABORTED:
                    raise
                time.sleep(0.2)
                continue
            self.log("published")
            return published
        raise ServiceError(f"{self.table.name}: other runs held its guard row {TRIES} times; run again")

    def _roll_back(self) -> None:
        """Or close the session, which rolls back too: the next DDL of an open one would commit half of the day."""
        try:
            self.table.execute("rollback")
        except errors.Error:
            self.table.connection.close(retry=False)
            raise

    def _swap(self) -> Published:
        execute = self.table.execute
        source, day, version = self.manifest.source, self.manifest.ingest_date, self.manifest.version
        listed = ", ".join(self.table.columns)
        execute("begin")
        execute(f"update {self.table.guard} set run_id = %s where source = %s and ingest_date is null", version, source)
        published = self._read_published()
        if published and published.version > version:
            execute("rollback")
            return published
        execute(f"delete from {self.table.name} where ingest_date = %s", str(day))
        execute(f"insert into {self.table.name} ({listed}) select {listed} from {self.staging}")
        execute(f"delete from {self.table.guard} where source = %s and ingest_date = %s", source, str(day))
        execute(f"insert into {self.table.guard} values (%s, %s, %s)", source, str(day), version)
        execute("commit")
        now_published = self._read_published()
        assert now_published
        return now_published

    def _read_published(self) -> Published | None:
        day = self.manifest.ingest_date
        return published(self.table.connection, self.table.warehouse, self.manifest.source, day).get(day)
