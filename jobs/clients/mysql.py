"""Connections to MySQL and MariaDB: their session's settings, and what their errors mean."""

import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pymysql
from pymysql.converters import encoders

from jobs.clients.credentials import Database
from jobs.clients.options import MysqlAccess
from jobs.errors import ConfigurationError, PlatformError, ServiceError

_TO_SQL: dict[Any, Any] = {**encoders}  # and nothing of what comes is made something else than text
_CONNECT = 10  # seconds
_DENIED = {1044, 1045, 1049, 1142, 1143, 1227, 1698}  # access, a database, a table, a column
_MISTAKEN = {1054, 1064, 1109, 1146, 1305, 1356}  # a column, the syntax, a table of a view's, a function, the view
_NO_TLS = 2026
# What decides how a value is written, and which moment is read.
_SESSION = (
    "set session time_zone = '+00:00'",
    "set session sql_mode = ''",
    "set session transaction isolation level repeatable read",
)


@contextmanager
def connect(secret: Database, access: MysqlAccess) -> Iterator[Any]:
    """Values come as the texts that the server writes. Raises ConfigurationError, ServiceError."""
    try:
        with closing(
            pymysql.connect(
                host=secret.db_host,
                port=secret.db_port,
                user=secret.db_username,
                password=secret.db_password.get_secret_value(),
                database=secret.db_name,
                charset="utf8mb4",
                conv=_TO_SQL,
                connect_timeout=_CONNECT,
                read_timeout=access.read_timeout,
                ssl=_make_context(access),
            )
        ) as connection:
            with connection.cursor() as cursor:
                for statement in _SESSION:
                    cursor.execute(statement)
            yield connection
    except (pymysql.Error, OSError) as error:
        raise explain_error(error, secret) from None


def explain_error(error: Exception, secret: Database) -> PlatformError:
    """What an error means, by its number: its words may quote what was read."""
    number = error.args[0] if isinstance(error, pymysql.Error) and error.args else 0
    where = f"MySQL at {secret.db_host}:{secret.db_port}, database {secret.db_name}"
    if number in _DENIED:
        return ConfigurationError(f"{where}: {secret.db_username} may not (error {number}); check password and rights")
    if number in _MISTAKEN:
        return ConfigurationError(f"{where}: delivery.where or the view cannot be run (error {number})")
    if number == _NO_TLS or isinstance(getattr(error, "original_exception", error), ssl.SSLError):
        return ConfigurationError(f"{where}: no certificate that can be trusted; see [mysql] sslrootcert and sslmode")
    return ServiceError(f"{where}: it cannot be reached, or went away (error {number}); run again later")


def _make_context(access: MysqlAccess) -> ssl.SSLContext | None:
    if access.sslmode == "disable":
        return None
    context = ssl.create_default_context(cafile=access.sslrootcert and str(access.sslrootcert))
    context.check_hostname = access.sslmode == "verify-full"
    return context
