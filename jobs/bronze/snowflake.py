"""Bronze in Snowflake: staged by COPY INTO from exactly the manifest's files, counted, published in one transaction.

Snowflake reads the lake itself, through an external stage: a load moves no row through this machine and starts no
JVM. DDL commits, so it all stands before the transaction (docs/snowflake.md).
"""

import json
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from threading import Lock
from typing import Any

import snowflake.connector
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from snowflake.connector import SnowflakeConnection, errors
from snowflake.connector.vendored.requests.exceptions import RequestException

from jobs.bronze import Answer
from jobs.clients import store
from jobs.clients.credentials import identifier, value
from jobs.clients.location import Location
from jobs.config.warehouses import SnowflakeWarehouse
from jobs.contracts.source import SourceContract
from jobs.errors import BalanceError, ConfigurationError, NotArrivedError, PlatformError, ServiceError
from jobs.ledger.manifest import DataFile, Manifest, landing_folder
from jobs.metadata import METADATA_COLUMNS

TRIES = 10  # each means that another run held the source's guard row for too long
MOST_FILES = 1000  # that one COPY INTO takes by name
STAGING, PUBLISH = "_staging_", "_publish"
STAGING_AGE = timedelta(days=1)  # after which a staging table's load must have been killed
_ONE_AT_A_TIME = Lock()  # days of a source are loaded side by side, and make the same table
_READING, _readers = Lock(), dict[SnowflakeWarehouse, SnowflakeConnection]()
_TYPES = {"_ingested_at": "timestamp_ntz", "ingest_date": "date"}
_ABSENT = 2003  # does not exist, or is not ours to see
_ABORTED = 625  # too many wait for the lock that this statement needs
_BROKEN_OFF = (603, 604, 630)  # internal error, cancelled, out of time: all may pass


def loaded(warehouse: SnowflakeWarehouse, source: str, day: date | None = None) -> dict[date, tuple[str, int]]:
    """Day -> (newest run that Bronze holds, its rows), or of one `day`. One session answers for all sources."""
    with _READING, _explained(warehouse):
        if warehouse not in _readers:
            _readers[warehouse] = _opened(warehouse, {"step": "status"})
        try:
            return _held(_readers[warehouse], warehouse, source, day)
        except errors.ProgrammingError as error:
            if error.errno == _ABSENT:
                return {}
            raise
        except (errors.Error, RequestException):
            _readers.pop(warehouse).close()
            raise


def for_dbt(warehouse: SnowflakeWarehouse, contracts: Iterable[SourceContract]) -> dict[str, str]:
    """What dbt/profiles.yml takes from variables; dbt masks key and token in its log by the variables' names.

    A source that has not arrived yet is given its empty table, which dbt reads like any other.
    """
    with connected(warehouse, {"step": "dbt"}) as connection:
        for contract in contracts:
            _Table(connection, warehouse, contract.name, [*contract.columns.values(), *METADATA_COLUMNS]).prepare()
    login = _login(warehouse)
    host = warehouse.host
    return {
        "CORETELECOMS_BRONZE_SCHEMA": warehouse.bronze,
        "CORETELECOMS_SILVER": warehouse.silver,
        "CORETELECOMS_GOLD": warehouse.gold,
        "CORETELECOMS_PROJECT": warehouse.database,
        "CORETELECOMS_SNOWFLAKE_ACCOUNT": identifier(warehouse.account),
        "CORETELECOMS_SNOWFLAKE_USER": warehouse.user,
        "CORETELECOMS_SNOWFLAKE_ROLE": warehouse.role,
        "CORETELECOMS_SNOWFLAKE_WAREHOUSE": warehouse.warehouse,
        "CORETELECOMS_SNOWFLAKE_AUTHENTICATOR": login["authenticator"].lower(),
        "CORETELECOMS_SNOWFLAKE_HOST": host.host if host else "",
        "CORETELECOMS_SNOWFLAKE_PORT": str(host.port) if host else "",
        "CORETELECOMS_SNOWFLAKE_PROTOCOL": host.protocol if host else "",
        "SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true",  # as in _opened
        "DBT_ENV_SECRET_SNOWFLAKE_KEY": b64encode(_der(login["private_key"])).decode()
        if "private_key" in login
        else "",
        "DBT_ENV_SECRET_SNOWFLAKE_TOKEN": login.get("token", ""),
    }


def answers(warehouse: SnowflakeWarehouse, queries: dict[str, str]) -> dict[str, Answer]:
    """What Silver and Gold answer. Raises NotArrivedError where a table has not been built."""
    found = {}
    with connected(warehouse, {"step": "pages"}) as connection, connection.cursor() as cursor:
        for name, query in queries.items():
            try:
                cursor.execute(query)
            except errors.ProgrammingError as error:
                if error.errno == _ABSENT:
                    raise NotArrivedError(str(error)) from None
                raise
            rows: Any = cursor.fetchall()
            found[name] = Answer([column.name.lower() for column in cursor.description], list(rows))
    return found


def load(
    warehouse: SnowflakeWarehouse, lake: Location, manifest: Manifest, columns: list[str], log: Callable[[str], None]
) -> tuple[str, int]:
    """Stage, audit and publish one landing. Returns the run and rows Bronze then holds of that day.

    A newer run's rows stay: then the answer names that run. Raises BalanceError where the files or what was staged of
    them are not what the manifest says.
    """
    names = [*columns, *METADATA_COLUMNS]
    _check_files(lake, manifest, names)
    tag = {"step": "load", "source": manifest.source, "day": str(manifest.ingest_date), "run_id": manifest.run_id}
    with connected(warehouse, tag) as connection:
        table = _Table(connection, warehouse, manifest.source, names)
        with _ONE_AT_A_TIME:
            table.prepare()
        with _staging(table, manifest.ingest_date) as staging:
            loading = _Load(table, manifest, staging)
            landing = landing_folder(lake, manifest.source, manifest.ingest_date, manifest.run_id)
            loading.stage(str(landing).removeprefix(str(lake)).strip("/"))
            log("staged")
            loading.audit()
            held = loading.publish()
            log("published")
    return held


@dataclass(frozen=True)
class _Table:
    """A source's table; `names`: its columns."""

    connection: SnowflakeConnection
    warehouse: SnowflakeWarehouse
    source: str
    names: list[str]

    @property
    def name(self) -> str:
        return _table(self.warehouse, self.source)

    @property
    def guard(self) -> str:
        """What is published: a row a source and day, and a row a source without a day.

        Whoever publishes updates the latter first, so that two publishers conflict even on a day that is new. The
        others remember the run of a day that has no rows.
        """
        return _table(self.warehouse, PUBLISH)

    @property
    def fields(self) -> str:
        return ", ".join(f"{name} {_TYPES.get(name, 'varchar')}" for name in self.names)

    def execute(self, statement: str, *values: object) -> list[Any]:
        return execute(self.connection, statement, *values)

    def prepare(self) -> None:
        """Table and guard row as the source contract wants them; what killed loads left in staging goes."""
        self.execute(f"create table if not exists {self.name} ({self.fields}) cluster by (ingest_date)")
        known = {name.lower() for name in self._known("columns", "column_name", "table_name = upper(%s)", self.source)}
        for name in (name for name in self.names if name not in known):
            self.execute(f"alter table {self.name} add column if not exists {name} {_TYPES.get(name, 'varchar')}")
        self.execute(f"create table if not exists {self.guard} (source varchar, ingest_date date, run_id varchar)")
        self.execute(
            f"merge into {self.guard} as known using (select %s as source) as wanted "
            "on known.source = wanted.source and known.ingest_date is null "
            "when not matched then insert (source) values (wanted.source)",
            self.source,
        )
        prefix = f"{STAGING}{self.source}_".upper()
        newest = f"{prefix}{datetime.now(UTC) - STAGING_AGE:%Y%m%dT%H%M%S}"
        for name in self._known("tables", "table_name", "startswith(table_name, %s)", prefix):
            if name < newest:
                self.execute(f"drop table if exists {_table(self.warehouse, name)}")

    def _known(self, view: str, column: str, which: str, value: str) -> list[str]:
        """Of the information schema, about Bronze."""
        view = f"{self.warehouse.database}.information_schema.{view}"
        query = f"select {column} from {view} where table_schema = upper(%s) and {which}"
        return [str(name) for (name,) in self.execute(query, self.warehouse.bronze, value)]


@contextmanager
def _staging(table: _Table, day: date) -> Iterator[str]:
    """The name of a table of this load's own, dropped at its end; it tells how old it is.

    Of its own, since Snowflake may still be at the COPY of a load that was killed, whose table goes a day later.
    """
    moment = f"{datetime.now(UTC):%Y%m%dT%H%M%S}_{secrets.token_hex(4)}"
    name = _table(table.warehouse, f"{STAGING}{table.source}_{moment}_{day:%Y%m%d}")
    try:
        yield name
    except (errors.ProgrammingError, PlatformError):  # the session still answers, if it is there
        if not table.connection.is_closed():
            table.execute(f"drop table if exists {name}")
        raise
    table.execute(f"drop table if exists {name}")


@dataclass(frozen=True)
class _Load:
    """One landing on its way into its table, by way of the table `staging`."""

    table: _Table
    manifest: Manifest
    staging: str

    def execute(self, statement: str, *values: object) -> list[Any]:
        return self.table.execute(statement, *values)

    def stage(self, folder: str) -> None:
        """A transient table with the rows of the manifest's files, in `folder` of the external stage."""
        self.execute(
            f"create or replace transient table {self.staging} ({self.table.fields}) data_retention_time_in_days = 0"
        )
        paths = [file.path for file in self.manifest.files]
        place = f"@{self.table.warehouse.database}.{self.table.warehouse.stage}/{folder}/"
        for first in range(0, len(paths), MOST_FILES):
            files = ", ".join(f"'{path}'" for path in paths[first : first + MOST_FILES])
            self.execute(
                f"copy into {self.staging} from {place} files = ({files}) "
                "file_format = (type = parquet use_logical_type = true) match_by_column_name = case_insensitive "
                "on_error = abort_statement"
            )

    def audit(self) -> None:
        query = f"select count(*), count(nullif(_run_id, %s)) from {self.staging}"
        ((rows, others),) = self.execute(query, self.manifest.run_id)
        if (rows, others) != (self.manifest.rows_landed, 0):
            raise BalanceError(
                f"{self.staging}: {rows} rows staged, {others} of them of other runs; the manifest says "
                f"{self.manifest.rows_landed}; nothing was published"
            )

    def publish(self) -> tuple[str, int]:
        """Swap the day; a transaction that Snowflake aborted is tried again."""
        for _ in range(TRIES):
            try:
                return self._swap()
            except errors.ProgrammingError as error:
                self._roll_back()
                if error.errno != _ABORTED:
                    raise
            time.sleep(0.2)
        raise ServiceError(f"{self.table.name}: other runs held its guard row {TRIES} times; run again")

    def _roll_back(self) -> None:
        """Or close the session, which rolls back too: the next DDL of an open one would commit half of the day."""
        try:
            self.execute("rollback")
        except errors.Error:
            self.table.connection.close(retry=False)
            raise

    def _swap(self) -> tuple[str, int]:
        source, day, run_id = self.manifest.source, self.manifest.ingest_date, self.manifest.run_id
        listed = ", ".join(self.table.names)
        self.execute("begin")
        self.execute(
            f"update {self.table.guard} set run_id = %s where source = %s and ingest_date is null", run_id, source
        )
        held = self._held()
        if held and held[0] > run_id:
            self.execute("rollback")
            return held
        self.execute(f"delete from {self.table.name} where ingest_date = %s", str(day))
        self.execute(f"insert into {self.table.name} ({listed}) select {listed} from {self.staging}")
        self.execute(f"delete from {self.table.guard} where source = %s and ingest_date = %s", source, str(day))
        self.execute(f"insert into {self.table.guard} values (%s, %s, %s)", source, str(day), run_id)
        self.execute("commit")
        published = self._held()
        assert published
        return published

    def _held(self) -> tuple[str, int] | None:
        day = self.manifest.ingest_date
        return _held(self.table.connection, self.table.warehouse, self.manifest.source, day).get(day)


def _table(warehouse: SnowflakeWarehouse, name: str) -> str:
    return f"{warehouse.database}.{warehouse.bronze}.{name}"


def _check_files(lake: Location, manifest: Manifest, names: list[str]) -> None:
    """The lake holds the manifest's files, no others beside them, with its rows and columns: COPY would not notice.

    MATCH_BY_COLUMN_NAME loads a file without one of the columns, or with one more, without a word.
    """
    folder = landing_folder(lake, manifest.source, manifest.ingest_date, manifest.run_id)
    listed = {file.path for file in manifest.files}
    for within in sorted({path.rpartition("/")[0] for path in listed}):
        there = {f"{within}/{file.name}" for file in store.listed(folder / within, "part-*.parquet")}
        wanted = {path for path in listed if path.startswith(f"{within}/")}
        if there != wanted:
            raise BalanceError(
                f"{folder}: vanished {sorted(wanted - there)}, not in the manifest {sorted(there - wanted)}; "
                "nothing was published"
            )
    for file in manifest.files:
        _check_file(folder / file.path, file, names)


def _check_file(at: Location, file: DataFile, names: list[str]) -> None:
    found = store.parquet(at)
    if sorted(found.columns) != sorted(names) or found.rows != file.rows:
        raise BalanceError(
            f"{at}: {found.rows} rows of {sorted(found.columns)}; by manifest and source contract {file.rows} "
            f"of {sorted(names)}; replay that day, nothing was published"
        )


def _held(
    connection: SnowflakeConnection, warehouse: SnowflakeWarehouse, source: str, day: date | None
) -> dict[date, tuple[str, int]]:
    """Day -> (run, rows counted in the table), of all days or one."""
    only, values = (" and ingest_date = %s", [str(day)]) if day else ("", [])
    query = f"""
        with rows_held as (
            select ingest_date, count(*) as number from {_table(warehouse, source)} where true{only} group by 1
        ), published as (
            select ingest_date, run_id from {_table(warehouse, PUBLISH)}
            where source = %s and ingest_date is not null{only}
        )
        select published.ingest_date, published.run_id, coalesce(rows_held.number, 0)
        from published left join rows_held on published.ingest_date = rows_held.ingest_date"""
    found = execute(connection, query, *values, source, *values)
    return {of_day: (run_id, rows) for of_day, run_id, rows in found}


def execute(connection: SnowflakeConnection, statement: str, *values: object) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall()) if cursor.description else []


@contextmanager
def connected(warehouse: SnowflakeWarehouse, tag: dict[str, str]) -> Iterator[SnowflakeConnection]:
    """A session whose statements bear the query tag. Raises ConfigurationError, ServiceError, PlatformError."""
    with _explained(warehouse), _opened(warehouse, tag) as connection:
        yield connection


def _opened(warehouse: SnowflakeWarehouse, tag: dict[str, str]) -> SnowflakeConnection:
    return snowflake.connector.connect(
        account=identifier(warehouse.account),
        user=warehouse.user,
        role=warehouse.role,
        warehouse=warehouse.warehouse,
        database=warehouse.database,
        schema=warehouse.bronze,
        application="coretelecoms",
        platform_detection_timeout_seconds=0.0,  # else each session asks three clouds where it is, AWS by its API
        login_timeout=warehouse.login_timeout,
        network_timeout=warehouse.statement_timeout,
        session_parameters={
            "QUERY_TAG": json.dumps(tag),
            "TIMEZONE": "UTC",
            "STATEMENT_TIMEOUT_IN_SECONDS": warehouse.statement_timeout,
        },
        **_login(warehouse),
        **(warehouse.host.model_dump() if warehouse.host else {}),
    )


def _login(warehouse: SnowflakeWarehouse) -> dict[str, Any]:
    """A key pair, or an OAuth token; never a password."""
    if warehouse.oauth_token:
        return {"authenticator": "oauth", "token": value(warehouse.oauth_token).get_secret_value()}
    assert warehouse.private_key
    return {"authenticator": "SNOWFLAKE_JWT", "private_key": _key(warehouse.private_key, warehouse.passphrase)}


@cache
def _key(private_key: str, passphrase: str | None) -> RSAPrivateKey:
    """Of references that a run resolves once: reading a key takes 50 ms of CPU, and each session needs it."""
    opened_by = passphrase and value(passphrase).get_secret_value().encode()
    try:
        key = serialization.load_pem_private_key(value(private_key).get_secret_value().encode(), opened_by or None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError(f"secret {private_key}: no private RSA key in PEM (PKCS#8) that the passphrase opens")
    return key


def _der(key: RSAPrivateKey) -> bytes:
    der, pkcs8 = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    return key.private_bytes(der, pkcs8, serialization.NoEncryption())


@contextmanager
def _explained(warehouse: SnowflakeWarehouse) -> Iterator[None]:
    """Snowflake's errors as ours."""
    try:
        yield
    except errors.Error as error:
        raise _as_ours(warehouse, error) from None
    except RequestException as error:  # an answer that breaks off: the client neither repeats nor names it
        raise ServiceError(f"Snowflake {identifier(warehouse.account)}: {type(error).__name__}: {error}") from None


def _as_ours(warehouse: SnowflakeWarehouse, error: errors.Error) -> PlatformError:
    text = f"Snowflake {identifier(warehouse.account)}: {str(error).partition(chr(10))[0]}"
    if isinstance(error, errors.ProgrammingError) and error.errno == _ABSENT:
        what = f"schema {warehouse.database}.{warehouse.bronze}, stage {warehouse.database}.{warehouse.stage}"
        return ConfigurationError(f"{text}; {what} must exist and role {warehouse.role} may use them")
    if 390100 <= (error.errno or 0) < 390500:
        return ConfigurationError(f"{text}; is the public key of {warehouse.user} the one of this private key?")
    is_down = isinstance(error, errors.OperationalError | errors.InternalServerError | errors.ServiceUnavailableError)
    if is_down or error.errno in _BROKEN_OFF:
        return ServiceError(text)
    return PlatformError(text)
