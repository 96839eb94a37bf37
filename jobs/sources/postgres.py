"""Postgres tables over JDBC: counted and read in one snapshot, in parallel ranges of pages, without a key."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from logging import WARNING

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from pyspark.sql import functions as F

from jobs.contract import map_columns
from jobs.credentials import Database, database
from jobs.deliveries import connected, look_at_table, rows_of, session_limits
from jobs.errors import DeliveryChangedError
from jobs.logs import fact
from jobs.reading import Reading, Request
from jobs.settings import PostgresAccess, PostgresDelivery
from jobs.store import Input

PAGE = 8192  # bytes
RANGE = 64 * 2**20  # bytes of a table that one task reads


@contextmanager
def reading(request: Request, delivery: PostgresDelivery, looked: tuple[Input, ...]) -> Iterator[Reading]:
    """Read the table as it was at one moment, held by a transaction that stays open meanwhile.

    `looked`: what was seen of it before; rows that came since are reported, or waited for.
    """
    access = request.environment.postgres
    secret = database(request.environment.secrets[delivery.secret])
    table = delivery.table.format(date=request.day)
    name = sql.Identifier(secret.table_schema_name, table)
    if access.warning:
        fact("weak_tls", request.contract.name, request.day, request.run_id, level=WARNING, text=access.warning)
    with connected(secret, access, request.run_id) as connection, connection.cursor() as cursor:
        looked = _settled(connection, delivery, secret.table_schema_name, table, looked)
        cursor.execute("set transaction isolation level repeatable read, read only")
        cursor.execute("select pg_export_snapshot()")
        (snapshot,) = cursor.fetchone() or ("",)
        inputs = _present(look_at_table(connection, secret.table_schema_name, table), table)
        rows = rows_of(inputs[0])
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
            properties=_options(secret, access, request.run_id, snapshot),
        )
        drift = mapping.drift
        yield Reading(
            frame=frame.select(
                *mapping.select([F.col(f"c{position}") for position in range(len(headers))]),
                F.lit(inputs[0].uri).alias("_source_uri"),
            ),
            inputs=inputs,
            rows_delivered=rows,
            columns_delivered=headers,
            drift=drift,
        )
        # The size is not part of the snapshot: asked for again after the read, it tells of writers meanwhile.
        size = inputs[0].size
        with suppress(psycopg2.OperationalError):  # the holder is gone, but not before everything was read
            cursor.execute("select pg_relation_size(%s::regclass)", [name.as_string(connection)])
            (size,) = cursor.fetchone() or (size,)
        if growth := _growth(looked, inputs[0], size):
            drift["still_growing"] = [growth]


def _settled(
    connection: Connection, delivery: PostgresDelivery, schema: str, table: str, looked: tuple[Input, ...]
) -> tuple[Input, ...]:
    """Wait until two looks, `settle` seconds apart, are equal. Raises DeliveryChangedError after `settle_limit`."""
    connection.autocommit = True  # each look sees what is there by then
    deadline = time.monotonic() + delivery.settle_limit
    while delivery.settle:
        before = _present(look_at_table(connection, schema, table), table)
        time.sleep(delivery.settle)
        looked = _present(look_at_table(connection, schema, table), table)
        if looked == before:
            break
        if time.monotonic() > deadline:
            raise DeliveryChangedError(
                f"{schema}.{table} still grows: {rows_of(before[0])} rows, {rows_of(looked[0])} after "
                f"{delivery.settle:g} s, waited for {delivery.settle_limit:g} s (settle_limit); try later"
            )
    connection.autocommit = False
    return looked


def _present(inputs: tuple[Input, ...], table: str) -> tuple[Input, ...]:
    if not inputs:
        raise DeliveryChangedError(f"{table} was dropped while it was read")
    return inputs


def _growth(looked: tuple[Input, ...], read: Input, size_after: int) -> str:
    """How much more there is than was seen before, in words, or ""."""
    grown = []
    if looked and looked[0] != read:
        grown.append(f"{rows_of(looked[0])} rows when looked at, {rows_of(read)} when read")
    if size_after != read.size:
        grown.append(f"{read.size} bytes when read, {size_after} after it")
    return ", ".join(grown)


def _options(secret: Database, access: PostgresAccess, run_id: str, snapshot: str) -> dict[str, str]:
    isolation = f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '{snapshot}'"
    return {
        "driver": "org.postgresql.Driver",
        "user": secret.db_username,
        "password": secret.db_password.get_secret_value(),
        "fetchsize": "10000",  # unset, a whole result is held in memory, and the snapshot is silently ignored
        "sessionInitStatement": f"{isolation}; {session_limits(access)}",
        "ApplicationName": run_id,
        "connectTimeout": "10",
        "loginTimeout": "30",
        "socketTimeout": "120",  # without it a dead connection hangs for ever
        "tcpKeepAlive": "true",
        "sslmode": access.sslmode,
        **({"sslrootcert": str(access.sslrootcert)} if access.sslrootcert else {}),
    }


def page_ranges(size: int) -> list[str]:
    """Predicates on ctid that cover a table of `size` bytes once; the last is open, for pages added since."""
    starts = [part * RANGE // PAGE for part in range(max(1, -(-size // RANGE)))]
    closed = [f"ctid >= '({start},0)'::tid and ctid < '({end},0)'::tid" for start, end in pairwise(starts)]
    return [*closed, f"ctid >= '({starts[-1]},0)'::tid"]
