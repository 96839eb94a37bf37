"""MySQL and MariaDB tables: counted and read in one snapshot, by the driver, into JSON lines that any engine reads.

No two connections of theirs can share a snapshot, as Postgres' can: so one reads, whatever the engine.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from logging import WARNING
from typing import IO, Any

import pymysql

from jobs.clients import store
from jobs.clients.credentials import Database, read_database
from jobs.clients.mysql import connect
from jobs.clients.store import Input
from jobs.contracts.deliveries import MysqlDelivery
from jobs.contracts.mapping import map_columns
from jobs.errors import ConfigurationError, DeliveryChangedError
from jobs.logs import log_fact
from jobs.sources.databases import DatabaseTable, count_rows
from jobs.sources.json_lines import cut_lines
from jobs.sources.reading import Reading, Request
from jobs.sources.typed import format_single

_FLOAT = pymysql.constants.FIELD_TYPE.FLOAT
_ENGINES = (None, "InnoDB")  # of a view there is none


@dataclass(frozen=True)
class MysqlTable(DatabaseTable):
    """A table or view of MySQL or MariaDB."""

    delivery: MysqlDelivery
    fills_scratch = True

    def look(self, day: date) -> tuple[Input, ...]:
        """Row count and a hash of all rows, in any order: a look reads everything there, and sends a number."""
        with self._open(day) as table:
            return (table.measure(),) if table else ()

    @contextmanager
    def read(self, request: Request, _inputs: tuple[Input, ...]) -> Iterator[Reading]:
        """Raises ConfigurationError, ContractError, DeliveryChangedError, ServiceError."""
        if warning := self.environment.mysql.warning:
            log_fact("weak_tls", request.contract.name, request.day, request.run_id, level=WARNING, text=warning)
        path = request.work / "rows.jsonl"
        with self._open(request.day) as table:
            if table is None:
                raise DeliveryChangedError(f"{self.describe_place(request.day)}: it is gone since it was looked at")
            seen, mapping = table.measure(), map_columns(request.contract, table.headers, table.uri)
            with path.open("wb") as out:
                table.write(out)
        file = store.hand_over(path, request.shared)
        yield Reading(
            inputs=(seen,),
            splits=cut_lines(request.shared, file, table.uri, request.contract),
            records=count_rows(seen),
            columns=mapping.delivered,
            drift=mapping.drift,
        )

    @contextmanager
    def _open(self, day: date) -> "Iterator[_Snapshot | None]":
        """The table as it is at this moment; None: there is none, or no row of the day."""
        secret, name = read_database(self.reference), self.delivery.table
        with connect(secret, self.environment.mysql) as connection, connection.cursor() as cursor:
            cursor.execute("start transaction with consistent snapshot, read only")
            yield _find(connection, cursor, secret, name.format(date=day), self.delivery.select(day))


@dataclass(frozen=True)
class _Snapshot:
    """`headers`, and SQL for the value of each."""

    connection: Any
    uri: str
    rows: str
    headers: tuple[str, ...]
    floats: tuple[bool, ...]

    def measure(self) -> Input:
        """Raises ServiceError."""
        texts = ", ".join(f"ifnull(hex(concat({_quote(header)}, '')), '-')" for header in self.headers)
        hashed = f"cast(conv(left(md5(concat_ws(',', {texts})), 15), 16, 10) as unsigned)"
        with self.connection.cursor() as cursor:
            cursor.execute(f"select count(*), coalesce(sum({hashed}), 0) from {self.rows}")
            rows, content = cursor.fetchone()
        return Input(uri=self.uri, size=0, etag=f"{rows}-{content}")

    def write(self, out: IO[bytes]) -> None:
        """A line a row, while they come."""
        values = [
            f"cast({_quote(header)} as double)" if is_float else _quote(header)
            for header, is_float in zip(self.headers, self.floats, strict=True)
        ]
        with self.connection.cursor(pymysql.cursors.SSCursor) as cursor:
            cursor.execute(f"select {', '.join(values)} from {self.rows}")
            for row in cursor:
                texts = map(_write, row, self.floats)
                record = dict(zip(self.headers, texts, strict=True))
                out.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")


def _find(connection: Any, cursor: Any, secret: Database, table: str, where: str) -> _Snapshot | None:
    """Raises ConfigurationError where a table has no snapshots."""
    uri = f"mysql://{secret.db_host}:{secret.db_port}/{secret.db_name}/{table}"
    of_table = (secret.db_name, table)
    cursor.execute("select engine from information_schema.tables where table_schema = %s and table_name = %s", of_table)
    found = cursor.fetchone()
    if found is None:
        return None
    if found[0] not in _ENGINES:
        engine = found[0]
        raise ConfigurationError(f"{uri}: its engine is {engine}, which has no snapshots; allowed: InnoDB, and views")
    rows = f"{_quote(table)}{f' where {where}' if where else ''}"
    cursor.execute(f"select * from {_quote(table)} limit 0")
    described = cursor.description
    cursor.execute(f"select exists (select * from {rows})")
    if where and cursor.fetchone()[0] == "0":
        return None
    headers, floats = zip(*((column[0], column[1] == _FLOAT) for column in described), strict=True)
    return _Snapshot(connection, uri, rows, headers, floats)


def _quote(name: str) -> str:
    return "`{}`".format(name.replace("`", "``"))


def _write(value: str | bytes | None, is_float: bool) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.hex()
    return format_single(float(value)) if is_float else value
