"""How much a Postgres table or view holds, as one transaction sees it, and where it can be cut to be read."""

from dataclasses import dataclass
from itertools import pairwise

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from jobs.clients.credentials import Database
from jobs.clients.postgres import see_all_rows
from jobs.clients.store import Input
from jobs.errors import ConfigurationError
from jobs.sources.databases import count_rows

PAGE = 8192  # bytes
RANGE = 64 * 2**20  # bytes that one task reads
_TABLES = "rpm"  # pg_class.relkind: ordinary, partitioned, a materialized view; their rows stand in pages
_VIEW = "v"
_KIND = """select oid, relkind, relispopulated, row_security_active(oid) from pg_class where oid = to_regclass(%s)"""
# A table with what hangs below it, partitions or heirs. TOAST: long values, in pages of their own, read with the row's.
_SIZES = """
with recursive below(oid) as (
    select %s::oid union select inhrelid from pg_inherits join below on inhparent = below.oid
)
select
    sum(coalesce(pg_relation_size(oid), 0)), max(coalesce(pg_relation_size(oid), 0)),
    sum(coalesce(pg_relation_size(nullif(reltoastrelid, 0)), 0)), bool_or(relkind = 'f')
from pg_class join below using (oid)
"""


@dataclass(frozen=True)
class Selection:
    """What is read of a database: a table or a view, or the rows of it for which `where` is true (SQL)."""

    secret: Database
    table: str
    where: str = ""

    @property
    def uri(self) -> str:
        return f"{self.secret.table_schema_name}.{self.table}"

    @property
    def name(self) -> sql.Identifier:
        return sql.Identifier(self.secret.table_schema_name, self.table)

    @property
    def rows(self) -> sql.Composed:
        """What follows FROM."""
        return sql.SQL("{} where ({})" if self.where else "{}").format(self.name, sql.SQL(self.where))


@dataclass(frozen=True)
class Extent:
    """How much there is. `predicates`: SQL, each true for the rows of one range; every row is in one.

    `oid`: of a whole table, else None.
    """

    input: Input
    predicates: tuple[str, ...]
    is_paged: bool  # its rows have a ctid
    oid: int | None = None

    @property
    def rows(self) -> int:
        return count_rows(self.input)

    def measure_again(self, cursor: Cursor) -> int:
        """Bytes as they are by now, which is no part of a snapshot: of a table that is written to, more than before."""
        return self.input.size if self.oid is None else _measure_pages(cursor, self.oid, self.input.uri)[0]


def begin_snapshot(connection: Connection, selection: Selection) -> None:
    """Begin a transaction that sees one moment of a table, and lets nobody empty or rewrite it meanwhile.

    The lock comes first: TRUNCATE and rewriting ALTERs leave an older snapshot an empty table (PostgreSQL's manual,
    MVCC, Caveats). Of a view the tables it is made of are locked.
    """
    isolation = "set transaction isolation level repeatable read, read only"
    with connection.cursor() as cursor:
        cursor.execute(isolation)
        try:
            cursor.execute(sql.SQL("lock table {} in access share mode").format(selection.name))
        except psycopg2.errors.WrongObjectType:  # a materialized view: a refresh leaves no snapshot an empty one
            connection.rollback()
            cursor.execute(isolation)


def look_at(connection: Connection, selection: Selection) -> Extent | None:
    """What the connection's transaction sees. Raises ConfigurationError.

    None: there is no such table; of one that grows, no row of the day.
    """
    with connection.cursor() as cursor:
        cursor.execute(_KIND, [selection.name.as_string(connection)])
        if (found := cursor.fetchone()) is None:
            _require_schema(cursor, selection.secret)
            return None
        oid, kind, is_populated, shows_some_rows = found
        _require_readable(selection.uri, kind, is_populated)
        if shows_some_rows:  # the server's own error may be in any language
            raise ConfigurationError(f"{selection.uri}: {see_all_rows(selection.secret)}")
        sizes = (0, 0, 0) if kind == _VIEW else _measure_pages(cursor, oid, selection.uri)
        if kind == _VIEW or selection.where:
            extent = _look_at_rows(cursor, selection, is_paged=kind != _VIEW)
            return extent if extent.rows or not selection.where else None
        return _look_at_pages(cursor, selection, oid, *sizes)


def cut_page_ranges(pages: range, size: int) -> tuple[str, ...]:
    """Predicates on ctid that cover `pages` once, about `RANGE` of their `size` bytes each.

    The last is open, for pages added since.
    """
    step = max(1, RANGE * len(pages) // max(1, size))
    starts = range(pages.start, max(pages.start + 1, pages.stop), step)
    closed = [f"ctid >= '({start},0)'::tid and ctid < '({end},0)'::tid" for start, end in pairwise(starts)]
    return (*closed, f"ctid >= '({starts[-1]},0)'::tid")


def _look_at_pages(cursor: Cursor, selection: Selection, oid: int, size: int, largest: int, apart: int) -> Extent:
    """A table is told apart by its rows and its bytes. A range holds these pages of every partition."""
    cursor.execute(sql.SQL("select count(*) from {}").format(selection.name))
    (rows,) = cursor.fetchone() or (0,)
    table = Input(uri=selection.uri, size=size, etag=f"{rows}-{size}")
    return Extent(table, cut_page_ranges(range(-(-largest // PAGE)), size + apart), True, oid)


def _look_at_rows(cursor: Cursor, selection: Selection, is_paged: bool) -> Extent:
    """Bytes of a view, or of a table that grows, tell nothing: the rows are added up, each a hash of its text.

    Of a table only the pages that hold them are read: a day's rows came one after the other.
    """
    measures = sql.SQL(
        "count(*), coalesce(sum(octet_length({row})), 0), coalesce(sum(hashtextextended({row}, 0)), 0), {pages}"
    ).format(
        row=sql.SQL("({}.*)::text").format(selection.name),
        pages=sql.SQL("min(ctid)::text, max(ctid)::text" if is_paged else "null, null"),
    )
    cursor.execute(sql.SQL("select {} from {}").format(measures, selection.rows))
    rows, size, content, first, last = cursor.fetchone() or (0, 0, 0, None, None)
    predicates = cut_page_ranges(range(_page_of(first), _page_of(last) + 1), int(size)) if first else ("true",)
    return Extent(Input(uri=selection.uri, size=int(size), etag=f"{rows}-{content}"), predicates, is_paged)


def _page_of(ctid: str) -> int:
    """(7,3) -> 7"""
    return int(ctid[1:].partition(",")[0])


def _measure_pages(cursor: Cursor, oid: int, uri: str) -> tuple[int, int, int]:
    """Bytes of a table, of the largest of its partitions, and of the values that stand apart."""
    cursor.execute(_SIZES, [oid])
    size, largest, apart, is_elsewhere = cursor.fetchone() or (0, 0, 0, False)
    if is_elsewhere:
        raise ConfigurationError(f"{uri}: a partition is a foreign table, which no snapshot holds; read it by itself")
    return int(size), int(largest), int(apart)


def _require_schema(cursor: Cursor, secret: Database) -> None:
    cursor.execute("select 1 from pg_namespace where nspname = %s", [secret.table_schema_name])
    if cursor.fetchone() is None:
        raise ConfigurationError(
            f"Postgres: no schema {secret.table_schema_name} in {secret.db_name}; check table_schema_name and db_name"
        )


def _require_readable(uri: str, kind: str, is_populated: bool) -> None:
    if kind == "f":
        raise ConfigurationError(f"{uri}: a foreign table, which no snapshot holds; read the server it stands in")
    if kind not in _TABLES + _VIEW:
        raise ConfigurationError(f"{uri}: neither a table nor a view (pg_class.relkind {kind!r})")
    if not is_populated:
        raise ConfigurationError(
            f"{uri}: a materialized view that was never filled; REFRESH MATERIALIZED VIEW fills it"
        )
