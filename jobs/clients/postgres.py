"""Postgres by libpq: one way to connect, limits on every session, and its errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2 import errorcodes
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import make_dsn

from jobs.clients.credentials import Database
from jobs.clients.options import PostgresAccess
from jobs.errors import ConfigurationError, DeliveryChangedError, PlatformError, ServiceError
from jobs.masking import tell

# Of libpq's messages, which carry no code: a person has to change something, trying again does not help.
_NOT_PASSING = {
    "certificate verify failed": "the server's certificate is not of the authority in postgres.sslrootcert",
    "signature": "the server's certificate is not of the authority in postgres.sslrootcert",
    "does not match host name": "verify-full wants the name in the server's certificate as db_host",
    "root certificate file": "postgres.sslrootcert in conf/env names the authority's certificate (PEM)",
    "does not support SSL": "the server has no TLS; postgres.sslmode in conf/env can say so",
    "authentication failed": "check db_username and db_password",
    "does not exist": "check db_name and db_username",
    "not permitted to log in": "ALTER ROLE ... LOGIN, or db_username names another role",
    "permission denied": "the role needs CONNECT on the database",
}

# What a view, or SQL of a source contract, asks for and is not there.
_OF_DEFINITIONS = (
    errorcodes.SYNTAX_ERROR,
    errorcodes.UNDEFINED_COLUMN,
    errorcodes.UNDEFINED_FUNCTION,
    errorcodes.AMBIGUOUS_COLUMN,
    errorcodes.DATATYPE_MISMATCH,
    errorcodes.GROUPING_ERROR,
)
_OF_SNAPSHOTS = (errorcodes.INVALID_PARAMETER_VALUE,)  # until Postgres 16 of one whose holder is gone

# Else a role's or a database's own settings decide how dates, intervals, fractions and bytes are written, and which day
# a moment is of; and a policy would show some of the rows as if they were all.
_ONE_MEANING = (
    "SET client_encoding = 'UTF8'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; "
    "SET extra_float_digits = 3; SET bytea_output = 'hex'; SET quote_all_identifiers = off; SET row_security = off"
)


@contextmanager
def connect(secret: Database, access: PostgresAccess, application: str = "coretelecoms") -> Iterator[Connection]:
    """A connection that is closed again, where nothing waits for ever.

    Raises ServiceError where trying again may help, ConfigurationError where it does not; the password is in neither.
    """
    try:
        connection = psycopg2.connect(make_conninfo(secret, access, application))
    except psycopg2.OperationalError as error:
        raise explain_no_connection(secret, str(error)) from None
    try:
        with connection.cursor() as cursor:
            cursor.execute(prepare_session(access))
        connection.commit()
        yield connection
    except psycopg2.Error as error:
        # What a server says as it ends a connection comes with no statement, so as a notice.
        message = connection.notices[-1] if connection.closed and connection.notices else str(error)
        raise explain_error(secret, message.removeprefix("FATAL:"), error.pgcode) from error
    finally:
        connection.close()


def make_conninfo(secret: Database, access: PostgresAccess, application: str) -> str:
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


def prepare_session(access: PostgresAccess) -> str:
    """Statements any role may run, for every session that counts or reads, by whichever driver.

    Idle without limit: a snapshot's holder waits while others read.
    """
    return (
        f"SET statement_timeout = {int(access.statement_timeout * 1000)}; "
        f"SET lock_timeout = {int(access.lock_timeout * 1000)}; SET idle_in_transaction_session_timeout = 0; "
        f"{_ONE_MEANING}"
    )


def explain_error(secret: Database, message: str, code: str | None) -> PlatformError:
    """A statement's error by its SQLSTATE, whichever driver brought it."""
    text = f"Postgres: {tell(message, code)}"
    match code:
        case errorcodes.INSUFFICIENT_PRIVILEGE if "row-level security" in message:
            return ConfigurationError(f"{text}; {see_all_rows(secret)}")
        case errorcodes.INSUFFICIENT_PRIVILEGE:
            grants = (
                f"GRANT USAGE ON SCHEMA {secret.table_schema_name} and SELECT on its tables to {secret.db_username}"
            )
            return ConfigurationError(f"{text}; {grants}")
        case errorcodes.UNDEFINED_TABLE:
            return DeliveryChangedError(f"{text}: dropped while it was read")
        case str() if code in _OF_DEFINITIONS or (code.startswith("22") and code not in _OF_SNAPSHOTS):
            return ConfigurationError(f"{text}; it cannot be read as it is defined, trying again will not help")
        case _:
            return ServiceError(text)


def see_all_rows(secret: Database) -> str:
    """What to do where row level security shows a role a part of a table."""
    return (
        f"row level security shows {secret.db_username} some rows only, and a part never lands as the whole: "
        f"ALTER ROLE {secret.db_username} BYPASSRLS"
    )


def explain_no_connection(secret: Database, message: str) -> PlatformError:
    """Why libpq got no connection, and what to do about it."""
    message = message.strip()
    server = f"Postgres at {secret.db_host}:{secret.db_port}/{secret.db_name}"
    for part, what_to_do in _NOT_PASSING.items():
        if part in message:
            return ConfigurationError(f"{server}: {message}; {what_to_do}")
    return ServiceError(f"{server} cannot be reached: {message}")
