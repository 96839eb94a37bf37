"""What a load, `status`, dbt and the pages ask of Bronze in Delta tables."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from deltalake.exceptions import TableNotFoundError

from jobs.bronze.bronze import Answer, Log, Published
from jobs.bronze.delta import table
from jobs.bronze.delta.staged import DeltaStaged, stage_files
from jobs.config.environment import Environment
from jobs.config.warehouses import DeltaWarehouse
from jobs.contracts.source import SourceContract
from jobs.ledger.manifest import Manifest


@dataclass(frozen=True)
class DeltaBronze:
    """Bronze as a Delta table a source, in a folder or on S3."""

    warehouse: DeltaWarehouse
    environment: Environment

    def published(self, source: str, day: date | None = None, last: date | None = None) -> dict[date, Published]:
        """The rows that the footers of the table's live files say."""
        try:
            return table.published(self.warehouse.path / source, day, last)
        except TableNotFoundError:
            return {}

    def count_rows(self, source: str, first: date, last: date) -> dict[date, int]:
        """Of the table's live files."""
        try:
            return table.count_rows(self.warehouse.path / source, first, last)
        except TableNotFoundError:
            return {}

    @contextmanager
    def stage(self, contract: SourceContract, manifest: Manifest, log: Log) -> Iterator[DeltaStaged]:
        """The landing's files beside the table's own; those that are not published stay there, unseen."""
        path, columns = self.warehouse.path / manifest.source, list(contract.columns.values())
        files = stage_files(path, self.environment.lake, manifest)
        log("staged")
        yield DeltaStaged(path, manifest, columns, files, log)

    def dbt_variables(self, contracts: Iterable[SourceContract]) -> dict[str, str]:  # noqa: ARG002 - dbt reads them itself
        """dbt reads tables and source contracts itself, from where they are."""
        return {
            "CORETELECOMS_TARGET": "local",
            "CORETELECOMS_BRONZE": str(self.warehouse.path),
            "CORETELECOMS_CONTRACTS": str(self.environment.contracts),
        }

    def dbt_renewal(self) -> dict[str, str]:
        """Nothing that ends while dbt runs."""
        return {}

    def query(self, queries: Mapping[str, str]) -> dict[str, Answer]:
        """Of the DuckDB file that dbt builds Silver and Gold in. Raises GoldIsMissingError, GoldIsHeldError too."""
        from jobs.bronze.delta import gold  # only here: DuckDB is installed where pages are written

        return gold.query(queries, self.environment.name, self.warehouse.path)
