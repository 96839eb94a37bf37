"""Postgres tables: counted and read in one snapshot, in parallel ranges of pages, without a key."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from logging import WARNING

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from jobs.clients.credentials import read_database
from jobs.clients.postgres import connect
from jobs.clients.store import Input
from jobs.config.environment import Environment
from jobs.contracts.deliveries import PostgresDelivery
from jobs.contracts.mapping import map_columns
from jobs.errors import DeliveryChangedError
from jobs.logs import log_fact
from jobs.sources.reading import Reading, Request
from jobs.sources.table import PagesSplit, Table

PAGE = 8192  # bytes
RANGE = 64 * 2**20  # bytes of a table that one task reads
_APART = "select coalesce(pg_relation_size(nullif(reltoastrelid, 0)), 0) from pg_class where oid = %s::regclass"


@dataclass(frozen=True)
class PostgresTable:
    """A table a day; told apart by its rows and its size in bytes."""

    delivery: PostgresDelivery
    environment: Environment
    is_fetched = False
    is_replaceable = False  # it is read in one snapshot

    @property
    def pauses(self) -> tuple[float, ...]:
        """A database's restart is outlived: Spark's own retries come at once, into the same snapshot."""
        return self.environment.retries.landing

    def describe_place(self, day: date) -> str:
        return f"no table {self.delivery.table.format(date=day)}"

    def look(self, day: date) -> tuple[Input, ...]:
        secret = read_database(self._reference)
        with connect(secret, self.environment.postgres) as connection:
            return look_at_table(connection, secret.table_schema_name, self.delivery.table.format(date=day))

    @contextmanager
    def read(self, request: Request, inputs: tuple[Input, ...]) -> Iterator[Reading]:
        """The table as it was at one moment, held by a transaction that stays open meanwhile.

        Rows that came since the look are reported, or waited for.
        """
        access, secret = self.environment.postgres, read_database(self._reference)
        table = self.delivery.table.format(date=request.day)
        if access.warning:
            log_fact("weak_tls", request.contract.name, request.day, request.run_id, level=WARNING, text=access.warning)
        with connect(secret, access, request.run_id) as connection, connection.cursor() as cursor:
            inputs_before = _wait_until_settled(connection, self.delivery, secret.table_schema_name, table, inputs)
            cursor.execute("set transaction isolation level repeatable read, read only")
            (table_input,) = _require_table(look_at_table(connection, secret.table_schema_name, table), table)
            name = sql.Identifier(secret.table_schema_name, table)
            pages = self._make_table(request, cursor, name, table_input)
            drift = pages.mapping.drift
            cursor.execute(_APART, [name.as_string(connection)])
            (apart,) = cursor.fetchone() or (0,)
            yield Reading(
                inputs=(table_input,),
                splits=[PagesSplit(pages, predicate) for predicate in cut_page_ranges(table_input.size, apart)],
                records=count_rows(table_input),
                columns=pages.mapping.delivered,
                drift=drift,
            )
            # The size is not part of the snapshot: asked for again after the read, it tells of writers meanwhile.
            size = table_input.size
            with suppress(psycopg2.OperationalError):  # the holder is gone, but not before everything was read
                cursor.execute("select pg_relation_size(%s::regclass)", [name.as_string(connection)])
                (size,) = cursor.fetchone() or (size,)
            if growth := _describe_growth(inputs_before, table_input, size):
                drift["still_growing"] = [growth]

    @property
    def _reference(self) -> str:
        return self.environment.secrets[self.delivery.secret]

    def _make_table(self, request: Request, cursor: Cursor, name: sql.Identifier, table_input: Input) -> Table:
        """What a split needs to read its pages: the snapshot of this transaction, and the columns as texts."""
        cursor.execute("select pg_export_snapshot()")
        (snapshot,) = cursor.fetchone() or ("",)
        cursor.execute(sql.SQL("select * from {} limit 0").format(name))
        headers = tuple(column.name for column in cursor.description or ())
        texts = sql.SQL(", ").join(
            sql.SQL("{}::text as {}").format(sql.Identifier(header), sql.Identifier(f"c{position}"))
            for position, header in enumerate(headers)
        )
        return Table(
            uri=table_input.uri,
            rows=sql.SQL("select {} from {}").format(texts, name).as_string(cursor),
            paged=sql.SQL("select ctid, {} from {}").format(texts, name).as_string(cursor),
            mapping=map_columns(request.contract, headers, table_input.uri),
            snapshot=snapshot,
            reference=self._reference,
            access=self.environment.postgres,
            application=request.run_id,
        )


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


def count_rows(table: Input) -> int:
    """The rows that `look_at_table` counted."""
    return int(table.etag.partition("-")[0])


def _wait_until_settled(
    connection: Connection, delivery: PostgresDelivery, schema: str, table: str, inputs: tuple[Input, ...]
) -> tuple[Input, ...]:
    """Wait until two looks, `settle` seconds apart, are equal. Raises DeliveryChangedError after `settle_limit`."""
    connection.autocommit = True  # each look sees what is there by then
    deadline = time.monotonic() + delivery.settle_limit
    while delivery.settle:
        before = _require_table(look_at_table(connection, schema, table), table)
        time.sleep(delivery.settle)
        inputs = _require_table(look_at_table(connection, schema, table), table)
        if inputs == before:
            break
        if time.monotonic() > deadline:
            raise DeliveryChangedError(
                f"{schema}.{table} still grows: {count_rows(before[0])} rows, {count_rows(inputs[0])} after "
                f"{delivery.settle:g} s, waited for {delivery.settle_limit:g} s (settle_limit); try later"
            )
    connection.autocommit = False
    return inputs


def _require_table(inputs: tuple[Input, ...], table: str) -> tuple[Input, ...]:
    if not inputs:
        raise DeliveryChangedError(f"{table} was dropped while it was read")
    return inputs


def _describe_growth(inputs_before: tuple[Input, ...], table_input: Input, size_after: int) -> str:
    """How much more there is than was seen before, in words, or ""."""
    grown = []
    if inputs_before and inputs_before[0] != table_input:
        grown.append(f"{count_rows(inputs_before[0])} rows when looked at, {count_rows(table_input)} when read")
    if size_after != table_input.size:
        grown.append(f"{table_input.size} bytes when read, {size_after} after it")
    return ", ".join(grown)


def cut_page_ranges(size: int, apart: int = 0) -> list[str]:
    """Predicates on ctid that cover a table of `size` bytes once; the last is open, for pages added since.

    `apart`: bytes of its long values, which stand in pages of their own (TOAST) and are read with the row's.
    """
    step = max(1, RANGE * size // max(1, size + apart) // PAGE)
    starts = range(0, max(1, -(-size // PAGE)), step)
    closed = [f"ctid >= '({start},0)'::tid and ctid < '({end},0)'::tid" for start, end in pairwise(starts)]
    return [*closed, f"ctid >= '({starts[-1]},0)'::tid"]
