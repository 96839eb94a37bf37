"""Postgres tables over JDBC: counted and read in one snapshot, in parallel ranges of pages, without a key."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from psycopg2 import sql
from pyspark.sql import functions as F

from jobs.contract import map_columns
from jobs.credentials import Database, database
from jobs.deliveries import connected, look_at_table
from jobs.errors import DeliveryChangedError
from jobs.reading import Reading, Request
from jobs.settings import PostgresDelivery

PAGE = 8192  # bytes
RANGE = 64 * 2**20  # bytes of a table that one task reads


@contextmanager
def reading(request: Request, delivery: PostgresDelivery) -> Iterator[Reading]:
    """Read the table as it was at one moment, held by a transaction that stays open meanwhile."""
    secret = database(request.environment.secrets[delivery.secret])
    table = delivery.table.format(date=request.day)
    name = sql.Identifier(secret.table_schema_name, table)
    with connected(secret, request.run_id) as connection, connection.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read, read only")
        cursor.execute("select pg_export_snapshot()")
        (snapshot,) = cursor.fetchone() or ("",)
        inputs = look_at_table(connection, secret.table_schema_name, table)
        if not inputs:
            raise DeliveryChangedError(f"{secret.table_schema_name}.{table} was dropped while it was read")
        cursor.execute(sql.SQL("select count(*) from {}").format(name))
        (rows,) = cursor.fetchone() or (0,)
        cursor.execute(sql.SQL("select * from {} limit 0").format(name))
        headers = tuple(column.name for column in cursor.description or ())
        mapping = map_columns(request.contract, headers, inputs[0].uri)
        texts = sql.SQL(", ").join(
            sql.SQL("{}::text as {}").format(sql.Identifier(header), sql.Identifier(f"c{position}"))
            for position, header in enumerate(headers)
        )
        query = sql.SQL("(select ctid, {} from {}) as delivered").format(texts, name).as_string(connection)
        frame = request.spark().read.jdbc(
            secret.jdbc_url,
            query,
            predicates=page_ranges(inputs[0].size),
            properties=_options(secret, request.run_id, snapshot),
        )
        yield Reading(
            frame=frame.select(
                *mapping.select([F.col(f"c{position}") for position in range(len(headers))]),
                F.lit(inputs[0].uri).alias("_source_uri"),
            ),
            inputs=inputs,
            rows_delivered=rows,
            columns_delivered=headers,
            drift=mapping.drift,
        )


def _options(secret: Database, run_id: str, snapshot: str) -> dict[str, str]:
    isolation = f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '{snapshot}'"
    return {
        "driver": "org.postgresql.Driver",
        "user": secret.db_username,
        "password": secret.db_password.get_secret_value(),
        "fetchsize": "10000",  # unset, a whole result is held in memory, and the snapshot is silently ignored
        "sessionInitStatement": isolation,
        "ApplicationName": run_id,
        "connectTimeout": "10",
        "loginTimeout": "30",
        "socketTimeout": "120",  # without it a dead connection hangs for ever
        "tcpKeepAlive": "true",
    }


def page_ranges(size: int) -> list[str]:
    """Predicates on ctid that cover a table of `size` bytes once; the last is open, for pages added since."""
    starts = [part * RANGE // PAGE for part in range(max(1, -(-size // RANGE)))]
    closed = [f"ctid >= '({start},0)'::tid and ctid < '({end},0)'::tid" for start, end in pairwise(starts)]
    return [*closed, f"ctid >= '({starts[-1]},0)'::tid"]
