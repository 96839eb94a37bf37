"""What a load, `status`, dbt and the pages ask of Bronze in BigQuery."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from jobs.bronze.bigquery import sql
from jobs.bronze.bigquery.append import Append
from jobs.bronze.bigquery.client import (
    check_dataset,
    explain_errors,
    get_dbt_credentials,
    get_load_credentials,
    make_client,
    query,
)
from jobs.bronze.bigquery.staged import BigQueryStaged, dropped_at_the_end, make_staging
from jobs.bronze.bigquery.table import SourceTable
from jobs.bronze.bronze import Answer, Log, Published
from jobs.clients import credentials, tokens
from jobs.config.environment import Environment
from jobs.config.warehouses import BigQueryWarehouse
from jobs.contracts.source import SourceContract
from jobs.errors import NotArrivedError
from jobs.ledger.manifest import Manifest
from jobs.masking import describe

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

    from jobs.engines.session import Session


@dataclass(frozen=True)
class BigQueryBronze:
    """Bronze as a table a source in one dataset; `session`: Spark's, for who loads."""

    warehouse: BigQueryWarehouse
    environment: Environment
    session: "Session | None" = None

    def published(self, source: str, day: date | None = None, last: date | None = None) -> dict[date, Published]:
        """Of the days named counted, their run read from the rows; of all days as BigQuery keeps count."""
        from google.api_core.exceptions import NotFound

        with explain_errors(f"{self.warehouse.project}.{self.warehouse.bronze}.{source}"):
            # Of a day alone a load asks; of all, or of a range, `status` does, on the machine that dbt runs on.
            client = self._make_load_client() if day and not last else self._make_dbt_client()
            try:
                labels = {"step": "held", "source": source, "day": day or "all"}
                rows, _ = query(
                    client, self.warehouse, sql.select_published(self.warehouse, source, day, last), **labels
                )
            except NotFound:
                return {}
        names = ("run_id", "first_run", "last_run", "row_count")
        return {row["ingest_date"]: Published.of_rows(*(row[name] for name in names)) for row in rows}

    def count_rows(self, source: str, first: date, last: date) -> dict[date, int]:
        """By a query of the table."""
        from google.api_core.exceptions import NotFound

        with explain_errors(f"{self.warehouse.project}.{self.warehouse.bronze}.{source}"):
            statement = sql.count_days(self.warehouse, source, first, last)
            try:
                rows, _ = query(self._make_dbt_client(), self.warehouse, statement, step="recount", source=source)
            except NotFound:
                return {}
        return {row["ingest_date"]: row["row_count"] for row in rows}

    @contextmanager
    def stage(self, contract: SourceContract, manifest: Manifest, log: Log) -> Iterator[BigQueryStaged]:
        """The landing in a staging table, appended by Spark.

        Raises ConfigurationError where dataset or table are not as they have to be.
        """
        table = SourceTable(self.warehouse, contract, manifest.columns_landed)
        with explain_errors(f"{self.warehouse.project}.{self.warehouse.bronze}.{contract.name}"):
            client = self._make_load_client()
            for dataset in filter(None, (self.warehouse.bronze, self.warehouse.staging)):
                check_dataset(self.warehouse, client, dataset)
            table.prepare(client)
            staging = make_staging(client, table, manifest, log)
            self._append(manifest, staging, log)
            with dropped_at_the_end(client, table, staging, log):
                yield BigQueryStaged(client, table, manifest, staging, self._count_day, log)

    def dbt_variables(self, contracts: Iterable[SourceContract]) -> dict[str, str]:
        """dbt masks the token in its log by the variable's name.

        The empty table of a source that has not arrived yet alone needs the account that loads, where dbt has one of
        its own.
        """
        with explain_errors(f"{self.warehouse.project}.{self.warehouse.bronze}"):
            found = get_dbt_credentials(self.warehouse, self.environment)
            client = make_client(self.warehouse, found)
            check_dataset(self.warehouse, client, self.warehouse.bronze)
            tables = [SourceTable(self.warehouse, contract) for contract in contracts]
            self._prepare([table for table in tables if not table.is_there(client)])
        endpoint = self.warehouse.endpoint
        return {
            "CORETELECOMS_TARGET": "bigquery",
            "CORETELECOMS_PROJECT": self.warehouse.project,
            "CORETELECOMS_LOCATION": self.warehouse.location,
            "CORETELECOMS_BRONZE_SCHEMA": self.warehouse.bronze,
            "CORETELECOMS_SILVER": self.warehouse.silver,
            "CORETELECOMS_GOLD": self.warehouse.gold,
            "CORETELECOMS_GOLD_PRIVATE": self.warehouse.private,
            "CORETELECOMS_GOLD_BUILD": self.warehouse.build,
            "CORETELECOMS_POLICY_TAGS": json.dumps(self.warehouse.policy_tags),
            "CORETELECOMS_MAXIMUM_BYTES_BILLED": str(self.warehouse.maximum_bytes_billed),
            "CORETELECOMS_ENDPOINT": credentials.resolve_address(endpoint) if endpoint else "",
            "DBT_ENV_SECRET_GOOGLE_TOKEN": found.token,
        }

    def dbt_renewal(self) -> dict[str, str]:
        """dbt's own token lives an hour."""

        def mint() -> tuple[str, datetime]:
            found = get_dbt_credentials(self.warehouse, self.environment)
            return found.token, found.expiry

        address, word = tokens.serve(mint)
        return {"CORETELECOMS_TOKEN_URI": address, "DBT_ENV_SECRET_GOOGLE_RENEWAL": word}

    def query(self, queries: Mapping[str, str]) -> dict[str, Answer]:
        """Raises NotArrivedError where a table has not been built."""
        datasets = {"silver": self.warehouse.silver, "gold": self.warehouse.gold}
        named = {layer: f"`{self.warehouse.project}`.{dataset}" for layer, dataset in datasets.items()}
        with explain_errors(f"{self.warehouse.project}.{self.warehouse.gold}"):
            client = self._make_dbt_client()
            return {name: self._answer_query(client, name, text.format(**named)) for name, text in queries.items()}

    def _make_load_client(self) -> "Client":
        return make_client(self.warehouse, get_load_credentials(self.warehouse, self.environment))

    def _make_dbt_client(self) -> "Client":
        return make_client(self.warehouse, get_dbt_credentials(self.warehouse, self.environment))

    def _append(self, manifest: Manifest, staging: str, log: Log) -> None:
        if manifest.rows_landed:
            assert self.session  # who loads has one
            Append(self.warehouse, self.environment, manifest, self.session, log).append_to(staging)
        log("appended", table=staging)

    def _count_day(self, source: str, day: date) -> Published:
        return self.published(source, day)[day]

    def _prepare(self, tables: list[SourceTable]) -> None:
        if tables:
            loader = self._make_load_client()
            for table in tables:
                table.prepare(loader)

    def _answer_query(self, client: "Client", name: str, text: str) -> Answer:
        from google.api_core.exceptions import NotFound

        try:
            rows, _ = query(client, self.warehouse, text, step="answers", query=name)
        except NotFound as error:
            raise NotArrivedError(describe(error)) from None
        return Answer(list(rows[0].keys()) if rows else [], [row.values() for row in rows])
