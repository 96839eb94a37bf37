"""Postgres tables: counted and read in one snapshot, in parallel ranges of pages, without a key."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from logging import WARNING

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from jobs.clients.credentials import database
from jobs.clients.postgres import connected
from jobs.clients.store import Input
from jobs.contracts.deliveries import PostgresDelivery
from jobs.contracts.mapping import map_columns
from jobs.errors import DeliveryChangedError
from jobs.logs import fact
from jobs.sources.look import look_at_table, rows_of
from jobs.sources.reading import Reading, Request
from jobs.sources.table import PagesSplit, Table

PAGE = 8192  # bytes
RANGE = 64 * 2**20  # bytes of a table that one task reads
_APART = "select coalesce(pg_relation_size(nullif(reltoastrelid, 0)), 0) from pg_class where oid = %s::regclass"


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
        cursor.execute(sql.SQL("select * from {} limit 0").format(name))
        headers = tuple(column.name for column in cursor.description or ())
        mapping = map_columns(request.contract, headers, inputs[0].uri)
        cursor.execute(_APART, [name.as_string(connection)])
        (apart,) = cursor.fetchone() or (0,)
        texts = sql.SQL(", ").join(
            sql.SQL("{}::text as {}").format(sql.Identifier(header), sql.Identifier(f"c{position}"))
            for position, header in enumerate(headers)
        )
        found = Table(
            uri=inputs[0].uri,
            rows=sql.SQL("select {} from {}").format(texts, name).as_string(connection),
            paged=sql.SQL("select ctid, {} from {}").format(texts, name).as_string(connection),
            mapping=mapping,
            snapshot=snapshot,
            reference=request.environment.secrets[delivery.secret],
            access=access,
            application=request.run_id,
        )
        drift = mapping.drift
        yield Reading(
            inputs=inputs,
            splits=[PagesSplit(found, pages) for pages in page_ranges(inputs[0].size, apart)],
            records=rows_of(inputs[0]),
            columns=headers,
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


def page_ranges(size: int, apart: int = 0) -> list[str]:
    """Predicates on ctid that cover a table of `size` bytes once; the last is open, for pages added since.

    `apart`: bytes of its long values, which stand in pages of their own (TOAST) and are read with the row's.
    """
    step = max(1, RANGE * size // max(1, size + apart) // PAGE)
    starts = range(0, max(1, -(-size // PAGE)), step)
    closed = [f"ctid >= '({start},0)'::tid and ctid < '({end},0)'::tid" for start, end in pairwise(starts)]
    return [*closed, f"ctid >= '({starts[-1]},0)'::tid"]
