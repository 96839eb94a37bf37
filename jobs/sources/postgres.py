"""Postgres tables over JDBC: counted and read in one snapshot, in parallel ranges of pages, without a key."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from logging import WARNING
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.csv as arrow_csv
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from jobs.contract import Mapping, map_columns
from jobs.credentials import database
from jobs.deliveries import connected, look_at_table, rows_of
from jobs.errors import DeliveryChangedError
from jobs.landing.split import Counts
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
        query = sql.SQL("select {} from {}").format(texts, name).as_string(connection)
        reference = request.environment.secrets[delivery.secret]
        splits = [
            TableSplit(inputs[0].uri, f"{query} where {pages}", snapshot, reference, access, mapping, request.run_id)
            for pages in page_ranges(inputs[0].size)
        ]
        drift = mapping.drift
        yield Reading(
            splits=splits,
            inputs=inputs,
            records=rows,
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


@dataclass(frozen=True)
class TableSplit:
    """Some pages of a table, as one snapshot has them."""

    uri: str
    query: str
    snapshot: str
    reference: str
    access: PostgresAccess
    mapping: Mapping
    run_id: str
    size: int | None = None

    def starting_at(self, at: int) -> "TableSplit":
        raise NotImplementedError

    def batches(self, counts: Counts) -> Iterator[pa.RecordBatch]:
        secret = database(self.reference)
        with connected(secret, self.access, self.run_id) as connection, connection.cursor() as cursor:
            cursor.execute("set transaction isolation level repeatable read, read only")
            cursor.execute("set transaction snapshot %s", [self.snapshot])
            for batch in _copied(cursor, self.query, self.mapping):
                counts.records += len(batch)
                yield batch


BLOCK = 8 * 2**20  # bytes of rows that are parsed at a time


def _copied(cursor: Any, query: str, mapping: Mapping) -> Iterator[pa.RecordBatch]:
    """Rows as CSV, parsed by the block; a row is never cut: COPY hands over whole ones."""
    names = [str(position) for position in range(len(mapping.delivered))]
    ready: list[pa.RecordBatch] = []
    sink = _Sink(lambda block: ready.append(_parsed(block, names, mapping)))
    cursor.copy_expert(f"copy ({query}) to stdout (format csv, encoding 'utf8')", sink)
    sink.end()
    yield from ready


def _parsed(block: bytes, names: list[str], mapping: Mapping) -> pa.RecordBatch:
    table = arrow_csv.read_csv(
        pa.BufferReader(block),
        arrow_csv.ReadOptions(column_names=names, skip_rows=1, use_threads=False, block_size=len(block) + 1),
        arrow_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=len(names) > 1),
        arrow_csv.ConvertOptions(
            check_utf8=False,
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
            quoted_strings_can_be_null=False,
        ),
    )
    (batch,) = table.combine_chunks().to_batches() or (pa.RecordBatch.from_pylist([], table.schema),)
    return mapping.batch(batch.columns, len(batch))


class _Sink:
    """What COPY writes its rows to, one at a time."""

    def __init__(self, full: Callable[[bytes], object]) -> None:
        self._full, self._rows, self._size = full, [b"\n"], 0
        self._keep = self._rows.append

    def write(self, row: bytes) -> None:
        self._keep(row)
        self._size += len(row)
        if self._size > BLOCK:
            self.end()

    def end(self) -> None:
        if self._size:
            self._full(b"".join(self._rows))
        self._rows[1:] = []
        self._size = 0


def page_ranges(size: int) -> list[str]:
    """Predicates on ctid that cover a table of `size` bytes once; the last is open, for pages added since."""
    starts = [number * RANGE // PAGE for number in range(max(1, -(-size // RANGE)))]
    closed = [f"ctid >= '({start},0)'::tid and ctid < '({end},0)'::tid" for start, end in pairwise(starts)]
    return [*closed, f"ctid >= '({starts[-1]},0)'::tid"]
