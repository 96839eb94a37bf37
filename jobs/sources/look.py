"""What is delivered for a day, without landing it and without Spark: objects, a table's rows and size, an answer."""

from datetime import date
from typing import assert_never

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from jobs.clients import store
from jobs.clients.credentials import database
from jobs.clients.postgres import connected
from jobs.clients.store import Input
from jobs.config.environment import Environment
from jobs.contracts.deliveries import CsvDelivery, Delivery, JsonDelivery, PostgresDelivery, RestDelivery, SheetDelivery
from jobs.contracts.source import SourceContract
from jobs.errors import NotArrivedError


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
            from jobs.sources import worksheet as sheets

            return (sheets.fetch(delivery, environment, day).input,)
        case RestDelivery() as delivery:
            from jobs.sources import rest_pages as api

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
