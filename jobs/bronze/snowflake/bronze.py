"""What a load, `status`, dbt and the pages ask of Bronze in Snowflake."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import TypeVar

from snowflake.connector import SnowflakeConnection, errors
from snowflake.connector.vendored.requests.exceptions import RequestException

from jobs.bronze.bronze import Answer, Log, Published
from jobs.bronze.snowflake import table
from jobs.bronze.snowflake.files import check_files
from jobs.bronze.snowflake.session import ABSENT, connect, explain_errors, make_dbt_login, open_connection
from jobs.bronze.snowflake.staged import SnowflakeStaged, copy, staging
from jobs.bronze.snowflake.table import SourceTable
from jobs.config.environment import Environment
from jobs.config.warehouses import SnowflakeWarehouse
from jobs.contracts.source import SourceContract
from jobs.errors import NotArrivedError
from jobs.ledger.manifest import Manifest, locate_landing
from jobs.masking import describe
from jobs.metadata import METADATA_COLUMNS

_Answer = TypeVar("_Answer")
_ONE_AT_A_TIME = Lock()  # days of a source are loaded side by side, and make the same table
_READING, _readers = Lock(), dict[SnowflakeWarehouse, SnowflakeConnection]()


@dataclass(frozen=True)
class SnowflakeBronze:
    """Bronze as a table a source in one schema, copied from the lake through an external stage."""

    warehouse: SnowflakeWarehouse
    environment: Environment

    def published(self, source: str, day: date | None = None, last: date | None = None) -> dict[date, Published]:
        """The rows counted in the table, and the run that they name. One session answers for all sources."""
        return self._ask(lambda connection: table.published(connection, self.warehouse, source, day, last))

    def count_rows(self, source: str, first: date, last: date) -> dict[date, int]:
        """By a query of the table."""
        return self._ask(lambda connection: table.count_rows(connection, self.warehouse, source, first, last))

    def _ask(self, question: Callable[[SnowflakeConnection], dict[date, _Answer]]) -> dict[date, _Answer]:
        """None: there is no such table."""
        with _READING, explain_errors(self.warehouse):
            if self.warehouse not in _readers:
                _readers[self.warehouse] = open_connection(self.warehouse, {"step": "status"})
            try:
                return question(_readers[self.warehouse])
            except errors.ProgrammingError as error:
                if error.errno == ABSENT:
                    return {}
                raise
            except (errors.Error, RequestException):
                _readers.pop(self.warehouse).close()
                raise

    @contextmanager
    def stage(self, contract: SourceContract, manifest: Manifest, log: Log) -> Iterator[SnowflakeStaged]:
        """The landing copied into a staging table, in a session of its own.

        Raises BalanceError where the landing's files are not those of the manifest.
        """
        lake, source, day, run_id = self.environment.lake, manifest.source, manifest.ingest_date, manifest.run_id
        columns = [*contract.columns.values(), *METADATA_COLUMNS]
        check_files(lake, manifest, columns)
        folder = str(locate_landing(lake, source, day, run_id)).removeprefix(str(lake)).strip("/")
        tag = {"step": "load", "source": source, "day": str(day), "run_id": run_id}
        with connect(self.warehouse, tag) as connection:
            target = SourceTable(connection, self.warehouse, source, columns, contract.personal_columns)
            with _ONE_AT_A_TIME:
                target.prepare()
            with staging(target, day) as name:
                copy(target, manifest, folder, name)
                log("staged")
                yield SnowflakeStaged(target, manifest, name, log)

    def dbt_variables(self, contracts: Iterable[SourceContract]) -> dict[str, str]:
        """A source that has not arrived yet is given its empty table."""
        with connect(self.warehouse, {"step": "dbt"}) as connection:
            for contract in contracts:
                columns = [*contract.columns.values(), *METADATA_COLUMNS]
                personal = contract.personal_columns
                SourceTable(connection, self.warehouse, contract.name, columns, personal).prepare()
        return {
            "CORETELECOMS_TARGET": "snowflake",
            "CORETELECOMS_PROJECT": self.warehouse.database,
            "CORETELECOMS_BRONZE_SCHEMA": self.warehouse.bronze,
            "CORETELECOMS_SILVER": self.warehouse.silver,
            "CORETELECOMS_GOLD": self.warehouse.gold,
            "CORETELECOMS_GOLD_PRIVATE": self.warehouse.private,
            "CORETELECOMS_GOLD_BUILD": self.warehouse.build,
            "CORETELECOMS_MASKING_POLICIES": self.warehouse.qualified_policies,
            **make_dbt_login(self.warehouse),
        }

    def dbt_renewal(self) -> dict[str, str]:
        """Nothing that ends while dbt runs."""
        return {}

    def query(self, queries: Mapping[str, str]) -> dict[str, Answer]:
        """Raises NotArrivedError where a table has not been built."""
        schemas = {"silver": self.warehouse.silver, "gold": self.warehouse.gold}
        named = {layer: f"{self.warehouse.database}.{schema}" for layer, schema in schemas.items()}
        with connect(self.warehouse, {"step": "pages"}) as connection:
            return {name: _answer_query(connection, text.format(**named)) for name, text in queries.items()}


def _answer_query(connection: SnowflakeConnection, query: str) -> Answer:
    with connection.cursor() as cursor:
        try:
            cursor.execute(query)
        except errors.ProgrammingError as error:
            if error.errno == ABSENT:
                raise NotArrivedError(describe(error)) from None
            raise
        return Answer([column.name.lower() for column in cursor.description], [*map(tuple, cursor.fetchall())])
