"""A landing's files into a staging table by Spark's BigQuery connector, whose token lives for an hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.bronze.bigquery import sql
from jobs.bronze.bigquery.client import get_load_credentials
from jobs.bronze.bigquery.table import choose_type
from jobs.bronze.bronze import Log
from jobs.clients import credentials, store
from jobs.config.environment import Environment
from jobs.config.warehouses import BigQueryWarehouse
from jobs.errors import ServiceError
from jobs.ledger.manifest import DataFile, Manifest, locate_landing

if TYPE_CHECKING:
    from jobs.engines.session import Session

MOST_BYTES = 256 * 2**20  # of Parquet in one write: with 75 KB a second it ends within its token's hour
_REFUSED = "UNAUTHENTICATED"  # gRPC's word for a token that is not valid, or no longer


@dataclass(frozen=True)
class Append:
    """Of one landing's files, by one Spark session."""

    warehouse: BigQueryWarehouse
    environment: Environment
    manifest: Manifest
    session: "Session"
    log: Log

    def append_to(self, table: str) -> None:
        """In writes that end within their token's hour, each with a token of its own: the connector renews none.

        A write shows all of its rows or none. One that its token did not outlast is made again in halves. Raises
        ServiceError where that was a single file's.
        """
        from py4j.protocol import Py4JJavaError  # only here: to ask what is in Bronze needs no Spark

        waiting = cut_batches(self.manifest.files)
        while waiting:
            files = waiting.pop(0)
            try:
                self._write(table, files)
            except Py4JJavaError as error:
                if _REFUSED not in str(error):
                    raise
                waiting[:0] = self._halve(files, error)

    def _halve(self, files: list[DataFile], error: Exception) -> list[list[DataFile]]:
        if len(files) == 1:
            what = f"{self.manifest.source} {files[0].path}: BigQuery no longer took the token"
            raise ServiceError(f"{what}; a file that takes over an hour needs a faster way there") from error
        self.log("expired", files=len(files))
        half = len(files) // 2
        return [files[:half], files[half:]]

    def _write(self, table: str, files: Sequence[DataFile]) -> None:
        manifest = self.manifest
        landing = locate_landing(self.environment.lake, manifest.source, manifest.ingest_date, manifest.run_id)
        paths = [store.escape_glob(str(landing / file.path)) for file in files]
        schema = ", ".join(f"`{column}` {choose_type(column).lower()}" for column in manifest.columns_landed)
        rows = self.session.describe(f"load {manifest.source} {manifest.ingest_date}").read.schema(schema)
        rows.parquet(*paths).write.format("bigquery").options(**self._make_options(table)).mode("append").save()

    def _make_options(self, table: str) -> dict[str, str]:
        """Of the connector; a token is made for each write."""
        options = {
            "table": sql.name_table(self.warehouse, table),
            "parentProject": self.warehouse.project,
            "writeMethod": "direct",  # no bucket in between: docs/bigquery.md
            "gcpAccessToken": get_load_credentials(self.warehouse, self.environment).token,
        }
        if self.warehouse.endpoint:
            options["bigQueryHttpEndpoint"] = credentials.resolve_address(self.warehouse.endpoint)
        if self.warehouse.storage_endpoint:
            options["bigQueryStorageGrpcEndpoint"] = self.warehouse.storage_endpoint
        return options


def cut_batches(files: Sequence[DataFile]) -> list[list[DataFile]]:
    """In their order, of at most MOST_BYTES each, or of one file."""
    found: list[list[DataFile]] = []
    room = 0
    for file in files:
        if not found or file.bytes > room:
            found.append([])
            room = MOST_BYTES
        found[-1].append(file)
        room -= file.bytes
    return found
