"""A landing in a staging table of its own, counted there and published by one transaction."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from jobs.bronze.bigquery import sql
from jobs.bronze.bigquery.client import make_retry, query
from jobs.bronze.bigquery.table import SourceTable
from jobs.bronze.bronze import Count, Log, Published
from jobs.errors import ServiceError
from jobs.ledger.manifest import Manifest
from jobs.masking import describe

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

TRIES = 30  # of a transaction; each means that another one changed the same table in between
# BigQuery aborts one of two transactions that change a table, whatever the rows: threads of one run take turns.
_TURNS: dict[str, Lock] = defaultdict(Lock)


def make_staging(client: "Client", table: SourceTable, manifest: Manifest, log: Log) -> str:
    """An empty table of this attempt's own, by its name; BigQuery removes it if nobody else does."""
    run = manifest.run_id.replace("-", "_")
    name = f"{sql.STAGE}{manifest.source}_{manifest.ingest_date:%Y%m%d}_{run}_{time.time_ns()}"
    wanted = table.describe(name, manifest.columns_landed)
    wanted.time_partitioning = None
    wanted.expires = datetime.now(UTC) + timedelta(hours=table.warehouse.staging_hours)
    client.create_table(wanted, retry=make_retry())
    log("staging", table=name)
    return name


@contextmanager
def dropped_at_the_end(client: "Client", table: SourceTable, staging: str, log: Log) -> Iterator[None]:
    try:
        yield
    finally:
        client.delete_table(table.id(staging), not_found_ok=True, retry=make_retry())
    log("dropped", table=staging)


@dataclass(frozen=True)
class BigQueryStaged:
    """One landing in the table `staging`; `count_day`: what Bronze holds of a source's day."""

    client: "Client"
    table: SourceTable
    manifest: Manifest
    staging: str
    count_day: Callable[[str, date], Published]
    log: Log

    def count(self) -> list[Count]:
        rows, processed = self._query(sql.select_count(self.table.warehouse, self.staging))
        self.log("staged", table=self.staging, bytes_processed=processed)
        return [Count(self.staging, rows[0]["row_count"], self.manifest.rows_landed)]

    def publish(self) -> Published:
        """Replace the day by one transaction, and tell what Bronze then holds of it; a newer run's rows stay.

        Raises ServiceError where other transactions always came first.
        """
        from google.api_core.exceptions import GoogleAPIError

        name = sql.quote(self.table.warehouse, self.manifest.source)
        transaction = sql.publish(self.table.warehouse, self.manifest, self.staging)
        for number in range(1, TRIES + 1):
            with _TURNS[name]:
                try:
                    _, processed = self._query(transaction)
                except GoogleAPIError as error:
                    if "concurrent update" not in str(error):
                        raise
                    self.log("aborted", tried=number, error=describe(error))
                    time.sleep(min(0.2 * number, 5))
                    continue
            self.log("published", bytes_processed=processed)
            return self.count_day(self.manifest.source, self.manifest.ingest_date)
        raise ServiceError(f"{name}: {TRIES} times another transaction came first; is something else writing it?")

    def _query(self, statement: str) -> tuple[list[Any], int]:
        of = self.manifest
        labels = {"step": "load", "source": of.source, "day": of.ingest_date, "run": of.run_id}
        return query(self.client, self.table.warehouse, statement, **labels)
