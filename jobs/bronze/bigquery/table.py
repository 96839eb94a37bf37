"""A source's table in BigQuery and the one that guards its publishing: made, checked, given new columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.bronze.bigquery import sql
from jobs.bronze.bigquery.client import make_retry, query
from jobs.config.warehouses import BigQueryWarehouse
from jobs.contracts.source import SourceContract
from jobs.errors import ConfigurationError
from jobs.metadata import METADATA_COLUMNS

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, SchemaField, Table

_TYPES = {"_ingested_at": "TIMESTAMP", "ingest_date": "DATE"}


def choose_type(column: str) -> str:
    """Text, but for the metadata."""
    return _TYPES.get(column, "STRING")


@dataclass(frozen=True)
class SourceTable:
    """A source's table, as its contract and the columns that landed have it."""

    warehouse: BigQueryWarehouse
    contract: SourceContract
    landed: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """What the contract says now, and what it said when this landing was made."""
        return tuple(dict.fromkeys([*self.contract.columns.values(), *self.landed, *METADATA_COLUMNS]))

    def is_there(self, client: "Client") -> bool:
        """With all its columns?"""
        from google.api_core.exceptions import NotFound

        try:
            found = client.get_table(self.id(self.contract.name), retry=make_retry())
        except NotFound:
            return False
        return {field.name for field in found.schema} >= {*self.columns}

    def prepare(self, client: "Client") -> None:
        """Make or evolve the source's table, and the one that guards its publishing."""
        wanted = self.describe(self.contract.name, self.columns)
        wanted.require_partition_filter = True
        wanted.clustering_fields = list(self.contract.key)[:4]
        wanted.schema = self._tag(wanted.schema)
        found = client.create_table(wanted, exists_ok=True, retry=make_retry())
        client.create_table(self._make_guard(), exists_ok=True, retry=make_retry())
        self._check(found)
        known = {field.name for field in found.schema}
        new = [(field.name, field.field_type, field.description) for field in wanted.schema if field.name not in known]
        if new:
            altering = sql.add_columns(self.warehouse, self.contract.name, new)
            query(client, self.warehouse, altering, step="prepare", source=self.contract.name)
        if self.warehouse.policy_tags:
            self._attach(client)

    def describe(self, name: str, columns: Sequence[str]) -> "Table":
        """A table of the source, not made yet: columns, days as partitions, description, labels."""
        from google.cloud.bigquery import Table, TimePartitioning

        table = Table(self.id(name), schema=self._make_fields(columns))
        table.time_partitioning = TimePartitioning(field="ingest_date")
        table.description = self.contract.description
        table.labels = {**self.warehouse.labels, "source": self.contract.name}
        return table

    def id(self, name: str) -> str:
        return sql.name_table(self.warehouse, name)

    def _make_fields(self, columns: Sequence[str]) -> list["SchemaField"]:
        from google.cloud.bigquery import SchemaField

        delivered = {landed: header for header, landed in self.contract.columns.items()}
        return [
            SchemaField(
                column,
                choose_type(column),
                description=f"Delivered as '{delivered[column]}'." if column in delivered else "Ingestion metadata.",
            )
            for column in columns
        ]

    def _tag(self, fields: "Sequence[SchemaField]") -> "list[SchemaField]":
        """With the tags that the environment names for what the columns tell of persons; other columns keep theirs."""
        from google.cloud.bigquery import SchemaField

        tags = self.warehouse.policy_tags
        wanted = {column: tags[kind] for column, kind in self.contract.personal_columns.items() if tags}
        return [
            SchemaField.from_api_repr(field.to_api_repr() | {"policyTags": {"names": [wanted[field.name]]}})
            if field.name in wanted
            else field
            for field in fields
        ]

    def _attach(self, client: "Client") -> None:
        """To a table that was made before, or whose columns came later."""
        from google.cloud.bigquery import Table

        found = client.get_table(self.id(self.contract.name), retry=make_retry()).schema
        if (tagged := self._tag(found)) != found:
            client.update_table(Table(self.id(self.contract.name), schema=tagged), ["schema"], retry=make_retry())

    def _make_guard(self) -> "Table":
        from google.cloud.bigquery import SchemaField

        guard = self.describe(sql.name_guard(self.contract.name), ())
        guard.schema = [
            SchemaField("ingest_date", "DATE", description="The day."),
            SchemaField(
                "run_id",
                "STRING",
                description="The run whose rows the day holds, and its landing's amendment.",
            ),
            SchemaField("published_at", "TIMESTAMP", description="When they were published."),
        ]
        guard.time_partitioning = None
        guard.description = f"Which run Bronze holds of each day of {self.contract.name}; who publishes changes it."
        return guard

    def _check(self, found: "Table") -> None:
        """What BigQuery cannot change, and what the publishing counts on."""
        wrong = [
            f"{field.name} is {field.field_type}"
            for field in found.schema
            if field.name in self.columns and field.field_type != choose_type(field.name)
        ]
        partition = found.time_partitioning and found.time_partitioning.field
        if wrong or partition != "ingest_date":
            what = [*wrong, *([] if partition == "ingest_date" else [f"partitioned by {partition}"])]
            raise ConfigurationError(
                f"table {self.id(self.contract.name)}: {', '.join(what)}; Bronze holds strings, partitioned by "
                "ingest_date: rename that table, the next load makes its own"
            )
