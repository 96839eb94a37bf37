"""Bronze as BigQuery tables: Spark's BigQuery connector fills a staging table, one transaction swaps the day.

Google's client and Spark are imported only by who loads here (docs/decisions/0005).
"""

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from jobs import credentials, store, tokens
from jobs.bronze import Answer
from jobs.errors import BalanceError, ConfigurationError, NotArrivedError, PlatformError, ServiceError
from jobs.ledger import DataFile, Manifest, landing_folder
from jobs.settings import METADATA_COLUMNS, BigQueryWarehouse, Environment, SourceContract

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, Table

    from jobs.session import Session

MOST_BYTES = 256 * 2**20  # of Parquet in one write: with 75 KB a second it ends within its token's hour
TRIES = 30  # of a transaction; each means that another one changed the same table in between
_SCOPE = "https://www.googleapis.com/auth/bigquery"
_STAGE = "_stage_"
_REFUSED = "UNAUTHENTICATED"  # gRPC's word for a token that is not valid, or no longer
_TYPES = {"_ingested_at": "TIMESTAMP", "ingest_date": "DATE"}
_PATIENCE = 120.0  # seconds that a request is repeated for
# BigQuery aborts one of two transactions that change a table, whatever the rows: threads of one run take turns.
_TURNS: dict[str, Lock] = defaultdict(Lock)


def loaded(
    warehouse: BigQueryWarehouse, environment: Environment, source: str, day: date | None = None
) -> dict[date, tuple[str, int]]:
    """Day -> (run that Bronze holds, its rows), or of one `day`. Raises BalanceError where a day mixes runs."""
    from google.api_core.exceptions import NotFound

    with _explained(f"{warehouse.project}.{warehouse.bronze}.{source}"):
        # Of all days `status` asks, on the machine that dbt runs on.
        found = _of_load(warehouse, environment) if day else _of_dbt(warehouse, environment)
        client = _client(warehouse, found)
        try:
            labels = {"step": "held", "source": source, "day": day or "all"}
            rows, _ = _query(client, warehouse, _held(warehouse, source, day), **labels)
        except NotFound:
            return {}
    for row in rows:
        if row["row_count"] and not row["first_run"] == row["last_run"] == row["run_id"]:
            runs = [row["first_run"], row["last_run"]]
            raise BalanceError(f"{source} {row['ingest_date']}: published is {row['run_id']}, Bronze holds {runs}")
    return {row["ingest_date"]: (str(row["run_id"]), int(row["row_count"])) for row in rows}


def _held(warehouse: BigQueryWarehouse, source: str, day: date | None) -> str:
    """The runs published, with what the table holds: of one day its rows, of all days what BigQuery keeps count of."""
    table, guard = _name(warehouse, source), _name(warehouse, f"_publish_{source}")
    counted = f"""SELECT ingest_date, COUNT(*) AS row_count, MIN(_run_id) AS first_run, MAX(_run_id) AS last_run
        FROM {table} WHERE ingest_date = DATE '{day}' GROUP BY ingest_date"""
    if day is None:
        counted = f"""SELECT PARSE_DATE('%Y%m%d', partition_id) AS ingest_date, total_rows AS row_count,
            CAST(NULL AS STRING) AS first_run, CAST(NULL AS STRING) AS last_run
        FROM `{warehouse.project}`.`{warehouse.bronze}`.INFORMATION_SCHEMA.PARTITIONS
        WHERE table_name = '{source}' AND REGEXP_CONTAINS(partition_id, '^[0-9]+$')"""
    of_run = "held.run_id" if day is None else "counted.{}_run"
    first, last = (of_run.format(end) for end in ("first", "last"))
    return f"""SELECT held.ingest_date, held.run_id, COALESCE(counted.row_count, 0) AS row_count,
        {first} AS first_run, {last} AS last_run
    FROM (SELECT ingest_date, MAX(run_id) AS run_id FROM {guard} WHERE run_id IS NOT NULL
        {f"AND ingest_date = DATE '{day}'" if day else ""} GROUP BY ingest_date) AS held
    LEFT JOIN ({counted}) AS counted ON counted.ingest_date = held.ingest_date"""


def answers(warehouse: BigQueryWarehouse, environment: Environment, queries: dict[str, str]) -> dict[str, Answer]:
    """What Silver and Gold answer. Raises NotArrivedError where a table has not been built."""
    from google.api_core.exceptions import NotFound

    found = {}
    with _explained(f"{warehouse.project}.{warehouse.gold}"):
        client = _client(warehouse, _of_dbt(warehouse, environment))
        for name, query in queries.items():
            try:
                rows, _ = _query(client, warehouse, query, step="answers", query=name)
            except NotFound as error:
                raise NotArrivedError(_line(error)) from None
            found[name] = Answer(list(rows[0].keys()) if rows else [], [row.values() for row in rows])
    return found


@dataclass(frozen=True)
class _Bronze:
    """A source's table, as its contract and the columns that landed have it."""

    warehouse: BigQueryWarehouse
    contract: SourceContract
    landed: tuple[str, ...] = ()

    def is_there(self, client: "Client") -> bool:
        """With all its columns?"""
        from google.api_core.exceptions import NotFound

        try:
            found = client.get_table(self.id(self.contract.name), retry=_retry())
        except NotFound:
            return False
        return {field.name for field in found.schema} >= {*self._columns()}

    def prepare(self, client: "Client") -> None:
        """Make or evolve the source's table, and the one that guards its publishing."""
        from google.cloud.bigquery import SchemaField

        wanted = self.described(self.contract.name, self._columns())
        wanted.require_partition_filter = True
        wanted.clustering_fields = list(self.contract.key)[:4]
        found = client.create_table(wanted, exists_ok=True, retry=_retry())
        guard = self.described(f"_publish_{self.contract.name}", ())
        guard.schema = [
            SchemaField("ingest_date", "DATE", description="The day."),
            SchemaField("run_id", "STRING", description="The run whose rows the day holds."),
            SchemaField("published_at", "TIMESTAMP", description="When they were published."),
        ]
        guard.time_partitioning = None
        guard.description = f"Which run Bronze holds of each day of {self.contract.name}; who publishes changes it."
        client.create_table(guard, exists_ok=True, retry=_retry())
        self._check_table(found)
        new = [field for field in wanted.schema if field.name not in {known.name for known in found.schema}]
        if new:
            adding = ", ".join(
                f"ADD COLUMN IF NOT EXISTS {field.name} {field.field_type} OPTIONS (description={field.description!r})"
                for field in new
            )
            altered = f"ALTER TABLE {_name(self.warehouse, self.contract.name)} {adding}"
            _query(client, self.warehouse, altered, step="prepare", source=self.contract.name)

    def _columns(self) -> tuple[str, ...]:
        """What the contract says now, and what it said when this landing was made."""
        return tuple(dict.fromkeys([*self.contract.columns.values(), *self.landed, *METADATA_COLUMNS]))

    def described(self, name: str, columns: tuple[str, ...]) -> "Table":
        from google.cloud.bigquery import SchemaField, Table, TimePartitioning

        delivered = {landed: header for header, landed in self.contract.columns.items()}
        fields = [
            SchemaField(
                column,
                _TYPES.get(column, "STRING"),
                description=f"Delivered as '{delivered[column]}'." if column in delivered else "Ingestion metadata.",
            )
            for column in columns
        ]
        table = Table(self.id(name), schema=fields)
        table.time_partitioning = TimePartitioning(field="ingest_date")
        table.description = self.contract.description
        table.labels = {**self.warehouse.labels, "source": self.contract.name}
        return table

    def _check_table(self, found: "Table") -> None:
        """What BigQuery cannot change, and what the publishing counts on."""
        wrong = [
            f"{field.name} is {field.field_type}"
            for field in found.schema
            if field.name in self._columns() and field.field_type != _TYPES.get(field.name, "STRING")
        ]
        partition = found.time_partitioning and found.time_partitioning.field
        if wrong or partition != "ingest_date":
            what = [*wrong, *([] if partition == "ingest_date" else [f"partitioned by {partition}"])]
            raise ConfigurationError(
                f"table {self.id(self.contract.name)}: {', '.join(what)}; Bronze holds strings, partitioned by "
                "ingest_date: rename that table, the next load makes its own"
            )

    def id(self, name: str) -> str:
        return f"{self.warehouse.project}.{_dataset(self.warehouse, name)}.{name}"


@dataclass(frozen=True)
class Loading:
    """One landing on its way into Bronze."""

    warehouse: BigQueryWarehouse
    environment: Environment
    contract: SourceContract
    manifest: Manifest
    session: "Session"
    log: Callable[..., None]

    @property
    def _bronze(self) -> _Bronze:
        return _Bronze(self.warehouse, self.contract, self.manifest.columns_landed)

    def __call__(self) -> tuple[str, int]:
        """Stage, audit and publish. Returns the run and rows Bronze then holds of that day.

        A newer run's rows stay: then the answer names that run. Raises BalanceError where the staging table does not
        hold the manifest's rows, ConfigurationError where dataset or table are not as they have to be.
        """
        with _explained(f"{self.warehouse.project}.{self.warehouse.bronze}.{self.contract.name}"):
            client = _client(self.warehouse, _of_load(self.warehouse, self.environment))
            for dataset in filter(None, (self.warehouse.bronze, self.warehouse.staging)):
                _check_dataset(self.warehouse, client, dataset)
            self._bronze.prepare(client)
            staging = self._stage(client)
            try:
                self._audit(client, staging)
                self._publish(client, staging)
            finally:
                client.delete_table(self._bronze.id(staging), not_found_ok=True, retry=_retry())
            self.log("dropped", table=staging)
        return loaded(self.warehouse, self.environment, self.contract.name, self.manifest.ingest_date)[
            self.manifest.ingest_date
        ]

    @property
    def _labels(self) -> dict[str, object]:
        of = self.manifest
        return {"step": "load", "source": of.source, "day": of.ingest_date, "run": of.run_id}

    def _stage(self, client: "Client") -> str:
        """A table of this attempt's own with the landing's rows; BigQuery removes it if nobody else does."""
        run = self.manifest.run_id.replace("-", "_")
        name = f"{_STAGE}{self.contract.name}_{self.manifest.ingest_date:%Y%m%d}_{run}_{time.time_ns()}"
        table = self._bronze.described(name, self.manifest.columns_landed)
        table.time_partitioning = None
        table.expires = datetime.now(UTC) + timedelta(hours=self.warehouse.staging_hours)
        client.create_table(table, retry=_retry())
        self.log("staging", table=name)
        if self.manifest.rows_landed:
            self._append(name)
        self.log("appended", table=name)
        return name

    def _append(self, name: str) -> None:
        """In writes that end within their token's hour, each with a token of its own: the connector renews none.

        A write shows all of its rows or none. One that its token did not outlast is made again in halves.
        """
        waiting = _batches(self.manifest.files)
        while waiting:
            files = waiting.pop(0)
            try:
                self._write(name, files)
            except Exception as error:
                if _REFUSED not in str(error):
                    raise
                if len(files) == 1:
                    what = f"{self.contract.name} {files[0].path}: BigQuery no longer took the token"
                    raise ServiceError(f"{what}; a file that takes over an hour needs a faster way there") from error
                self.log("expired", files=len(files))
                half = len(files) // 2
                waiting[:0] = [files[:half], files[half:]]

    def _write(self, name: str, files: Sequence[DataFile]) -> None:
        landing = landing_folder(
            self.environment.lake, self.manifest.source, self.manifest.ingest_date, self.manifest.run_id
        )
        paths = [store.escaped(str(landing / file.path)) for file in files]
        schema = ", ".join(
            f"`{column}` {_TYPES.get(column, 'STRING').lower()}" for column in self.manifest.columns_landed
        )
        spark = self.session.describe(f"load {self.manifest.source} {self.manifest.ingest_date}")
        options = {
            "table": self._bronze.id(name),
            "parentProject": self.warehouse.project,
            "writeMethod": "direct",  # no bucket in between: docs/bigquery.md
            "gcpAccessToken": _of_load(self.warehouse, self.environment).token,
        }
        if self.warehouse.endpoint:
            options["bigQueryHttpEndpoint"] = credentials.address(self.warehouse.endpoint)
        if self.warehouse.storage_endpoint:
            options["bigQueryStorageGrpcEndpoint"] = self.warehouse.storage_endpoint
        spark.read.schema(schema).parquet(*paths).write.format("bigquery").options(**options).mode("append").save()

    def _audit(self, client: "Client", staging: str) -> None:
        counting = f"SELECT COUNT(*) AS row_count FROM {_name(self.warehouse, staging)}"
        rows, processed = _query(client, self.warehouse, counting, **self._labels)
        found = rows[0]["row_count"]
        if found != self.manifest.rows_landed:
            raise BalanceError(
                f"{staging}: {found} rows staged, the manifest says {self.manifest.rows_landed}; nothing was published"
            )
        self.log("staged", table=staging, bytes_processed=processed)

    def _publish(self, client: "Client", staging: str) -> None:
        table = _name(self.warehouse, self.contract.name)
        for number in range(1, TRIES + 1):
            with _TURNS[table]:
                try:
                    _, processed = _query(client, self.warehouse, self._transaction(staging), **self._labels)
                except Exception as error:
                    if "concurrent update" not in str(error):
                        raise
                    self.log("aborted", tried=number, error=str(error).partition("\n")[0])
                    time.sleep(min(0.2 * number, 5))
                    continue
            self.log("published", bytes_processed=processed)
            return
        raise ServiceError(f"{table}: {TRIES} times another transaction came first; is something else writing it?")

    def _transaction(self, staging: str) -> str:
        """All of the day or nothing, and nothing over a newer run.

        The guard's row is there before the transaction, so that two of them change the same row also where the day
        has no rows yet: DELETE and INSERT alone would then both pass.
        """
        table, guard = (
            _name(self.warehouse, self.contract.name),
            _name(self.warehouse, f"_publish_{self.contract.name}"),
        )
        day, run = f"DATE '{self.manifest.ingest_date}'", f"'{self.manifest.run_id}'"
        columns = ", ".join(self.manifest.columns_landed)
        return f"""DECLARE is_newest BOOL;
INSERT INTO {guard} (ingest_date) SELECT {day} FROM (SELECT 1 AS one)
    WHERE NOT EXISTS (SELECT 1 FROM {guard} WHERE ingest_date = {day});
BEGIN TRANSACTION;
UPDATE {guard} SET run_id = GREATEST(COALESCE(run_id, {run}), {run}), published_at = CURRENT_TIMESTAMP()
    WHERE ingest_date = {day};
SET is_newest = (SELECT MAX(run_id) = {run} FROM {guard} WHERE ingest_date = {day});
IF is_newest THEN
    DELETE FROM {table} WHERE ingest_date = {day};
    INSERT INTO {table} ({columns}) SELECT {columns} FROM {_name(self.warehouse, staging)};
END IF;
COMMIT TRANSACTION;"""


def for_dbt(
    warehouse: BigQueryWarehouse, environment: Environment, contracts: Iterable[SourceContract]
) -> dict[str, str]:
    """What dbt/profiles.yml takes from variables; dbt masks the token in its log by the variable's name.

    A source that has not arrived yet is given its empty table, which dbt reads like any other: that alone needs the
    account that loads, where dbt has one of its own.
    """
    with _explained(f"{warehouse.project}.{warehouse.bronze}"):
        found = _of_dbt(warehouse, environment)
        client = _client(warehouse, found)
        _check_dataset(warehouse, client, warehouse.bronze)
        tables = [_Bronze(warehouse, contract) for contract in contracts]
        if missing := [table for table in tables if not table.is_there(client)]:
            loader = _client(warehouse, _of_load(warehouse, environment))
            for table in missing:
                table.prepare(loader)
    return {
        "CORETELECOMS_PROJECT": warehouse.project,
        "CORETELECOMS_LOCATION": warehouse.location,
        "CORETELECOMS_BRONZE_SCHEMA": warehouse.bronze,
        "CORETELECOMS_SILVER": warehouse.silver,
        "CORETELECOMS_GOLD": warehouse.gold,
        "CORETELECOMS_MAXIMUM_BYTES_BILLED": str(warehouse.maximum_bytes_billed),
        "CORETELECOMS_ENDPOINT": credentials.address(warehouse.endpoint) if warehouse.endpoint else "",
        "DBT_ENV_SECRET_GOOGLE_TOKEN": found.token,
    }


def renewal(warehouse: BigQueryWarehouse, environment: Environment) -> dict[str, str]:
    """Where dbt gets the tokens after its first, while it runs: variables of dbt/profiles.yml, too."""

    def mint() -> tuple[str, datetime]:
        found = _of_dbt(warehouse, environment)
        return found.token, found.expiry

    address, word = tokens.serve(mint)
    return {"CORETELECOMS_TOKEN_URI": address, "DBT_ENV_SECRET_GOOGLE_RENEWAL": word}


def _batches(files: Sequence[DataFile]) -> list[list[DataFile]]:
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


def _name(warehouse: BigQueryWarehouse, table: str) -> str:
    return f"`{warehouse.project}`.`{_dataset(warehouse, table)}`.`{table}`"


def _dataset(warehouse: BigQueryWarehouse, table: str) -> str:
    return warehouse.staging if warehouse.staging and table.startswith(_STAGE) else warehouse.bronze


def _check_dataset(warehouse: BigQueryWarehouse, client: "Client", dataset: str) -> None:
    """It is there, and in the warehouse's location. Raises ConfigurationError."""
    from google.api_core.exceptions import NotFound

    name = f"{warehouse.project}.{dataset}"
    try:
        found = str(client.get_dataset(name, retry=_retry()).location)
    except NotFound:
        raise ConfigurationError(f"dataset {name}: not there; make it in {warehouse.location}") from None
    if found.lower() != warehouse.location.lower():
        raise ConfigurationError(f"dataset {name}: is in {found}, warehouse.location says {warehouse.location}")


def _of_load(warehouse: BigQueryWarehouse, environment: Environment) -> Any:
    """Credentials of the account that loads Bronze."""
    return credentials.google(environment.secrets[warehouse.secret], _SCOPE)


def _of_dbt(warehouse: BigQueryWarehouse, environment: Environment) -> Any:
    """Credentials of the account that builds Silver and Gold."""
    return credentials.google(environment.secrets[warehouse.dbt_secret or warehouse.secret], _SCOPE)


def _client(warehouse: BigQueryWarehouse, found: Any) -> "Client":
    """With the credentials `found`."""
    from google.cloud.bigquery import Client

    options = {"api_endpoint": credentials.address(warehouse.endpoint)} if warehouse.endpoint else None
    return Client(project=warehouse.project, location=warehouse.location, credentials=found, client_options=options)


def _query(client: "Client", warehouse: BigQueryWarehouse, sql: str, **labels: object) -> tuple[list[Any], int]:
    """The rows of a query, and the bytes that BigQuery processed for it. `labels`: of the job, any text."""
    from google.cloud.bigquery import QueryJobConfig

    found = {**warehouse.labels, **{name: _label(text) for name, text in labels.items()}}
    options = QueryJobConfig(maximum_bytes_billed=warehouse.maximum_bytes_billed, labels=found)
    job = client.query(sql, job_config=options, retry=_retry(), job_retry=None)
    rows = list(job.result(retry=_retry(), job_retry=None))
    return rows, int(job.total_bytes_processed or 0)


def _label(text: object) -> str:
    """As BigQuery takes it: small letters, digits, _ and -, at most 63."""
    return re.sub("[^a-z0-9_-]", "-", str(text).lower())[:63]


def _retry() -> Any:
    from google.cloud.bigquery import DEFAULT_RETRY

    return DEFAULT_RETRY.with_timeout(_PATIENCE)


@contextmanager
def _explained(where: str) -> Iterator[None]:
    """Google's errors as ours."""
    from google.api_core.exceptions import Forbidden, GoogleAPIError, RetryError, ServerError, Unauthorized
    from requests.exceptions import ConnectionError as Unreachable

    try:
        yield
    except (Forbidden, Unauthorized) as error:
        raise ConfigurationError(f"{where}: {_line(error)}") from error
    except (ServerError, RetryError, Unreachable) as error:
        raise ServiceError(f"{where}: {_line(error)}") from error
    except GoogleAPIError as error:
        raise PlatformError(f"{where}: {_line(error)}") from error


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0][:500]
