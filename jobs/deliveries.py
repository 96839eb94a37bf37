"""What is delivered for a day, without reading it and without Spark: objects, or a table's rows and size."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import assert_never

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from jobs import store
from jobs.credentials import Database, database
from jobs.errors import ServiceError
from jobs.settings import CsvDelivery, Environment, JsonDelivery, PostgresDelivery, SourceContract
from jobs.store import Input


def look(contract: SourceContract, environment: Environment, day: date) -> tuple[Input, ...]:
    """The delivery's inputs; none: it has not arrived. Equal inputs are the same delivery."""
    match contract.delivery:
        case CsvDelivery() | JsonDelivery() as delivery:
            return store.look_any(environment.sources, delivery.paths, day)
        case PostgresDelivery() as delivery:
            secret = database(environment.secrets[delivery.secret])
            with connected(secret) as connection:
                return look_at_table(connection, secret.table_schema_name, delivery.table.format(date=day))
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


@contextmanager
def connected(secret: Database, application: str = "coretelecoms") -> Iterator[Connection]:
    """A connection that is closed again. Raises ServiceError; the password is in no message."""
    try:
        connection = psycopg2.connect(
            host=secret.db_host,
            port=secret.db_port,
            user=secret.db_username,
            password=secret.db_password.get_secret_value(),
            dbname=secret.db_name,
            connect_timeout=10,
            application_name=application,
        )
    except psycopg2.OperationalError as error:
        place = f"{secret.db_host}:{secret.db_port}/{secret.db_name}"
        raise ServiceError(f"Postgres at {place} cannot be reached: {str(error).strip()}") from None
    try:
        yield connection
    except psycopg2.Error as error:
        raise ServiceError(f"Postgres: {str(error).strip()}") from error
    finally:
        connection.close()
