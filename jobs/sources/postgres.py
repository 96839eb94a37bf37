"""Postgres tables: counted and read in one snapshot, in parallel ranges of pages, without a key."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from logging import WARNING

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from jobs.clients.credentials import read_database
from jobs.clients.postgres import connect
from jobs.clients.store import Input
from jobs.contracts.deliveries import PostgresDelivery
from jobs.contracts.mapping import map_columns
from jobs.errors import DeliveryChangedError
from jobs.logs import log_fact
from jobs.sources.databases import DatabaseTable, count_rows
from jobs.sources.extent import Extent, Selection, begin_snapshot, look_at
from jobs.sources.reading import Reading, Request
from jobs.sources.table import PagesSplit, Table


@dataclass(frozen=True)
class PostgresTable(DatabaseTable):
    """A table or view of Postgres."""

    delivery: PostgresDelivery
    fills_scratch = False

    def look(self, day: date) -> tuple[Input, ...]:
        selection = self._select(day)
        with connect(selection.secret, self.environment.postgres) as connection:
            extent = look_at(connection, selection)
        return (extent.input,) if extent else ()

    @contextmanager
    def read(self, request: Request, inputs: tuple[Input, ...]) -> Iterator[Reading]:
        """The table as it was at one moment, held by a transaction that stays open meanwhile.

        Rows that came since the look are reported, or waited for.
        """
        access, selection = self.environment.postgres, self._select(request.day)
        if access.warning:
            log_fact("weak_tls", request.contract.name, request.day, request.run_id, level=WARNING, text=access.warning)
        with connect(selection.secret, access, request.run_id) as connection, connection.cursor() as cursor:
            before = _wait_until_settled(connection, self.delivery, selection) or next(iter(inputs), None)
            begin_snapshot(connection, selection)
            extent = _require(connection, selection)
            pages = self._make_table(request, cursor, selection, extent)
            drift = pages.mapping.drift
            try:
                yield Reading(
                    inputs=(extent.input,),
                    splits=[PagesSplit(pages, predicate) for predicate in extent.predicates],
                    records=extent.rows,
                    columns=pages.mapping.delivered,
                    drift=drift,
                )
            except Exception:
                _require_held(connection)
                raise
            # The size is not part of the snapshot: asked for again after the read, it tells of writers meanwhile.
            size = extent.input.size
            with suppress(psycopg2.OperationalError):  # the holder is gone, but not before everything was read
                size = extent.measure_again(cursor)
            if growth := _describe_growth(before, extent.input, size):
                drift["still_growing"] = [growth]

    def _select(self, day: date) -> Selection:
        secret, table = read_database(self.reference), self.delivery.table.format(date=day)
        return Selection(secret, table, self.delivery.select(day))

    def _make_table(self, request: Request, cursor: Cursor, selection: Selection, extent: Extent) -> Table:
        """What a split needs to read its rows: the snapshot of this transaction, and the columns as texts."""
        cursor.execute("select pg_export_snapshot()")
        (snapshot,) = cursor.fetchone() or ("",)
        cursor.execute(sql.SQL("select * from {} limit 0").format(selection.name))
        headers = tuple(column.name for column in cursor.description or ())
        texts = [
            sql.SQL("{}::text as {}").format(sql.Identifier(header), sql.Identifier(f"c{position}"))
            for position, header in enumerate(headers)
        ]
        place = [sql.SQL("ctid")] if extent.is_paged else []
        rows = sql.SQL("select {} from {}").format(sql.SQL(", ").join([*place, *texts]), selection.rows)
        return Table(
            uri=selection.uri,
            rows=rows.as_string(cursor),
            mapping=map_columns(request.contract, headers, selection.uri),
            snapshot=snapshot,
            reference=self.reference,
            access=self.environment.postgres,
            application=request.run_id,
        )


def _require_held(connection: Connection) -> None:
    """Raises what ended the transaction that holds the snapshot: what its readers say then is a mere consequence."""
    with suppress(psycopg2.Error), connection.cursor() as cursor:
        connection.poll()  # takes in what the server said last
        cursor.execute("select 1")
    if connection.closed and connection.notices:
        raise psycopg2.OperationalError


def _wait_until_settled(connection: Connection, delivery: PostgresDelivery, selection: Selection) -> Input | None:
    """Wait until two looks, `settle` seconds apart, are equal. Raises DeliveryChangedError after `settle_limit`."""
    connection.autocommit = True  # each look sees what is there by then
    deadline, now = time.monotonic() + delivery.settle_limit, None
    while delivery.settle:
        before = _require(connection, selection)
        time.sleep(delivery.settle)
        now = _require(connection, selection)
        if now == before:
            break
        if time.monotonic() > deadline:
            raise DeliveryChangedError(
                f"{selection.uri} still grows: {before.rows} rows, {now.rows} after "
                f"{delivery.settle:g} s, waited for {delivery.settle_limit:g} s (settle_limit); try later"
            )
    connection.autocommit = False
    return now.input if now else None


def _require(connection: Connection, selection: Selection) -> Extent:
    if (extent := look_at(connection, selection)) is None:
        raise DeliveryChangedError(f"{selection.uri} is gone since it was looked at")
    return extent


def _describe_growth(before: Input | None, table: Input, size_after: int) -> str:
    """How much more there is than was seen before, in words, or ""."""
    grown = []
    if before and before != table:
        grown.append(f"{count_rows(before)} rows when looked at, {count_rows(table)} when read")
    if size_after != table.size:
        grown.append(f"{table.size} bytes when read, {size_after} after it")
    return ", ".join(grown)
