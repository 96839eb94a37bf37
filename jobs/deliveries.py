"""What is delivered for a day, without landing it and without Spark: objects, a table's rows and size, an answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import assert_never

import psycopg2
from psycopg2 import errorcodes, sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import make_dsn

from jobs import store
from jobs.credentials import Database, database
from jobs.errors import ConfigurationError, DeliveryChangedError, NotArrivedError, PlatformError, ServiceError
from jobs.settings import (
    CsvDelivery,
    Delivery,
    Environment,
    JsonDelivery,
    PostgresAccess,
    PostgresDelivery,
    RestDelivery,
    SheetDelivery,
    SourceContract,
)
from jobs.store import Input

# Of libpq's messages, which carry no code: a person has to change something, trying again does not help.
_NOT_PASSING = {
    "certificate verify failed": "the server's certificate is not of the authority in postgres.sslrootcert",
    "signature": "the server's certificate is not of the authority in postgres.sslrootcert",
    "does not match host name": "verify-full wants the name in the server's certificate as db_host",
    "root certificate file": "postgres.sslrootcert in conf/env names the authority's certificate (PEM)",
    "does not support SSL": "the server has no TLS; postgres.sslmode in conf/env can say so",
    "authentication failed": "check db_username and db_password",
    "does not exist": "check db_name and db_username",
    "permission denied": "the role needs CONNECT on the database",
}


def look(contract: SourceContract, environment: Environment, day: date) -> tuple[Input, ...]:
    """The delivery's inputs; none: it has not arrived. Equal inputs are the same delivery."""
    match contract.delivery:
        case CsvDelivery() | JsonDelivery() as delivery:
            return store.look_any(environment.sources, delivery.paths, day)
        case PostgresDelivery() as delivery:
            secret = database(environment.secrets[delivery.secret])
            with connected(secret, environment.postgres) as connection:
                return look_at_table(connection, secret.table_schema_name, delivery.table.format(date=day))
        case SheetDelivery() as delivery:
            from jobs import sheets

            return (sheets.fetch(delivery, environment, day).input,)
        case RestDelivery() as delivery:
            from jobs import api

            try:
                return (api.fetch(delivery, environment, day).input,)
            except NotArrivedError:
                return ()
        case _ as unknown:
            assert_never(unknown)


def place(contract: SourceContract, environment: Environment, day: date) -> str:
    """Where the delivery was looked for, for messages."""
    match contract.delivery:
        case CsvDelivery() | JsonDelivery() as delivery:
            wanted = " nor ".join(template.format(date=day) for template in delivery.paths)
            return f"no {wanted} in {environment.sources}"
        case PostgresDelivery() as delivery:
            return f"no table {delivery.table.format(date=day)}"
        case SheetDelivery() as delivery:
            return f"no worksheet {delivery.worksheet.format(date=day)}"
        case RestDelivery() as delivery:
            return f"nothing at {delivery.path.format(date=day)} of {delivery.service}"
        case _ as unknown:
            assert_never(unknown)


def look_at_table(connection: Connection, schema: str, table: str) -> tuple[Input, ...]:
    """Rows and size (bytes) of a table as the connection's transaction sees it."""
    name = sql.Identifier(schema, table)
    text = name.as_string(connection)
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass(%s)", [text])
        if cursor.fetchone() == (None,):
            return ()
        cursor.execute(sql.SQL("select count(*), pg_relation_size(%s::regclass) from {}").format(name), [text])
        rows, size = cursor.fetchone() or (0, 0)
    return (Input(uri=f"{schema}.{table}", size=size, etag=f"{rows}-{size}"),)


def rows_of(table: Input) -> int:
    """The rows that `look_at_table` counted."""
    return int(table.etag.partition("-")[0])


def is_fetched(delivery: Delivery) -> bool:
    """Whether a look costs as much as a landing, because it reads everything."""
    return isinstance(delivery, SheetDelivery | RestDelivery)


@contextmanager
def connected(secret: Database, access: PostgresAccess, application: str = "coretelecoms") -> Iterator[Connection]:
    """A connection that is closed again, where nothing waits for ever.

    Raises ServiceError where trying again may help, ConfigurationError where it does not; the password is in neither.
    """
    try:
        connection = psycopg2.connect(conninfo(secret, access, application))
    except psycopg2.OperationalError as error:
        raise unreachable(secret, str(error)) from None
    try:
        with connection.cursor() as cursor:
            cursor.execute(session_limits(access))
        connection.commit()
        yield connection
    except psycopg2.Error as error:
        raise explained(secret, str(error), error.pgcode) from error
    finally:
        connection.close()


def conninfo(secret: Database, access: PostgresAccess, application: str) -> str:
    """What libpq connects by, whichever driver calls it; the password stands in it."""
    return make_dsn(
        host=secret.db_host,
        port=secret.db_port,
        user=secret.db_username,
        password=secret.db_password.get_secret_value(),
        dbname=secret.db_name,
        connect_timeout=10,
        application_name=application,
        sslmode=access.sslmode,
        sslrootcert=access.sslrootcert and str(access.sslrootcert),  # None: as if it were not given
        keepalives_idle=30,
        tcp_user_timeout=120_000,
    )


def session_limits(access: PostgresAccess) -> str:
    """Statements any role may run. Idle without limit: a snapshot's holder waits while others read."""
    return (
        f"SET statement_timeout = {int(access.statement_timeout * 1000)}; "
        f"SET lock_timeout = {int(access.lock_timeout * 1000)}; SET idle_in_transaction_session_timeout = 0"
    )


def explained(secret: Database, message: str, code: str | None) -> PlatformError:
    """A statement's error by its SQLSTATE, whichever driver brought it."""
    said = f"Postgres: {message.strip()}"
    match code:
        case errorcodes.INSUFFICIENT_PRIVILEGE:
            grants = (
                f"GRANT USAGE ON SCHEMA {secret.table_schema_name} and SELECT on its tables to {secret.db_username}"
            )
            return ConfigurationError(f"{said}; {grants}")
        case errorcodes.UNDEFINED_TABLE:
            return DeliveryChangedError(f"{said}: dropped while it was read")
        case _:
            return ServiceError(said)


def unreachable(secret: Database, message: str) -> PlatformError:
    """Why libpq got no connection, and what to do about it."""
    message = message.strip()
    place = f"Postgres at {secret.db_host}:{secret.db_port}/{secret.db_name}"
    for part, what_to_do in _NOT_PASSING.items():
        if part in message:
            return ConfigurationError(f"{place}: {message}; {what_to_do}")
    return ServiceError(f"{place} cannot be reached: {message}")
