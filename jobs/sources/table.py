"""Some pages of a Postgres table as one snapshot has them: read over libpq by an Arrow driver, or by Spark over JDBC.

Every value is what Postgres' own cast to text gives, in a session whose settings say how; both ways ask for the same.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
from psycopg2 import sql

from jobs.clients.credentials import Database, read_database
from jobs.clients.options import PostgresAccess
from jobs.clients.postgres import connect, explain_error, explain_no_connection, make_conninfo, prepare_session
from jobs.contracts.mapping import Mapping
from jobs.engines.spark import Relation
from jobs.landing.split import Counts, Split

BATCH = 8 * 2**20  # bytes of rows that the Arrow driver hands over at a time
FETCH = 16 * 2**20  # bytes of rows that Spark fetches at a time; it holds them as Java's rows and as Arrow's batch
ROWS = 10_000  # of them at most: more cost memory and save nothing
_OF_THE_SERVER = re.compile(r"(?:ERROR|FATAL): +(.*)")  # of an error that quotes the whole statement too


@dataclass(frozen=True)
class Table:
    """A table and how it is reached, without the secret: whoever reads resolves the reference.

    `rows`: a query for its columns as text, c0, c1, ..., with `ctid` before them where they stand in pages.
    `snapshot`: exported by a transaction that is open as long as this is read.
    """

    uri: str
    rows: str
    mapping: Mapping
    snapshot: str
    reference: str
    access: PostgresAccess
    application: str

    @property
    def columns(self) -> list[str]:
        return [f"c{position}" for position in range(len(self.mapping.delivered))]

    @property
    def session(self) -> str:
        """Statements with which the transaction of each reader begins."""
        isolation = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        return f"{isolation}; SET TRANSACTION SNAPSHOT '{self.snapshot}'; {prepare_session(self.access)}"

    def select(self, predicate: str) -> str:
        """SQL for the columns of the rows for which `predicate` is true."""
        return " ".join(["select", ", ".join(self.columns), f"from ({self.rows}) as delivered where", predicate])

    def measure_widest(self, secret: Database) -> int:
        """Bytes of the widest row as text, of all rows. For a text Postgres knows its length without unpacking it."""
        lengths = " + ".join(f"coalesce(octet_length({column}), 0)" for column in self.columns)
        with connect(secret, self.access, self.application) as connection, connection.cursor() as cursor:
            cursor.execute(self.session)
            widest = sql.SQL("select max({}) from ({}) as delivered")
            cursor.execute(widest.format(sql.SQL(lengths), sql.SQL(self.rows)))
            (row_bytes,) = cursor.fetchone() or (0,)
        return int(row_bytes or 0)


@dataclass(frozen=True)
class PagesSplit:
    """The rows of `table` in the pages for which `predicate` is true."""

    table: Table
    predicate: str
    size: int | None = None

    @property
    def uri(self) -> str:
        return self.table.uri

    def start_at(self, at: int) -> Split:
        raise NotImplementedError  # a table's pages begin where they begin

    def read_batches(self, counts: Counts) -> Iterator[pa.RecordBatch]:
        with _read_rows(self.table, self.table.select(self.predicate)) as rows:
            yield from _map_batches(self.table.mapping, rows, counts)

    def make_relation(self) -> Relation:
        """As many rows at a time as fit into `FETCH` bytes, were all as wide as the widest."""
        secret = read_database(self.table.reference)
        rows = min(ROWS, FETCH // max(1, self.table.measure_widest(secret)))
        query = f"({self.table.rows}) as delivered"
        return Relation(secret.jdbc_url, query, self.table.columns, max(1, rows), _make_options(secret, self.table))

    def take_rows(self, batches: Iterator[pa.RecordBatch]) -> Split:
        return _ReadPages(self, batches)


@dataclass(frozen=True)
class _ReadPages:
    """A split whose rows somebody else reads."""

    pages: PagesSplit
    rows: Iterator[pa.RecordBatch]
    size: int | None = None

    @property
    def uri(self) -> str:
        return self.pages.uri

    def start_at(self, at: int) -> Split:
        raise NotImplementedError  # a table's pages begin where they begin

    def read_batches(self, counts: Counts) -> Iterator[pa.RecordBatch]:
        return _map_batches(self.pages.table.mapping, self.rows, counts)


def _map_batches(mapping: Mapping, rows: Iterator[pa.RecordBatch], counts: Counts) -> Iterator[pa.RecordBatch]:
    for batch in rows:
        counts.records += len(batch)
        # Where a role sets quote_all_identifiers, the Arrow driver does not know the type by its name: then as bytes.
        texts = [column if column.type == pa.string() else column.cast(pa.string()) for column in batch.columns]
        yield mapping.make_batch(texts, len(batch))


@contextmanager
def _read_rows(table: Table, query: str) -> Iterator[pa.RecordBatchReader]:
    """A query's rows in the table's snapshot. Raises what its errors mean, as `connect` does.

    By the Arrow driver's own objects: its DB-API imports parts of pyarrow that cost a small day a twentieth.
    """
    import adbc_driver_manager as adbc
    import adbc_driver_postgresql as postgres

    secret = read_database(table.reference)
    try:
        driver_database = postgres.connect(make_conninfo(secret, table.access, table.application))
        connection = adbc.AdbcConnection(driver_database)
    except adbc.Error as error:
        raise explain_no_connection(secret, str(error).rpartition("Failed to connect: ")[2]) from None
    try:
        with driver_database, connection, adbc.AdbcStatement(connection) as statement:
            connection.set_autocommit(False)  # the snapshot is a transaction's
            statement.set_options(**{postgres.StatementOptions.BATCH_SIZE_HINT_BYTES.value: BATCH})
            statement.set_sql_query(table.session)
            statement.execute_update()
            statement.set_sql_query(query)
            stream, _ = statement.execute_query()
            with pa.RecordBatchReader.from_stream(stream) as rows:
                yield rows
    except (adbc.Error, OSError, pa.ArrowException) as error:  # between two batches they are Arrow's
        server_message = _OF_THE_SERVER.search(str(error))
        raise explain_error(
            secret, server_message[1] if server_message else str(error), getattr(error, "sqlstate", None)
        ) from error


def _make_options(secret: Database, table: Table) -> dict[str, str]:
    """The JDBC driver's. Rows have to be fetched by number, else a snapshot is silently ignored (autocommit)."""
    return {
        "driver": "org.postgresql.Driver",
        "user": secret.db_username,
        "password": secret.db_password.get_secret_value(),
        "sessionInitStatement": table.session,
        "ApplicationName": table.application,
        "connectTimeout": "10",
        "loginTimeout": "30",
        "socketTimeout": "120",  # without it a dead connection hangs for ever
        "tcpKeepAlive": "true",
        "logServerErrorDetail": "false",  # an error's details quote rows, and Spark's event log keeps them
        "sslmode": table.access.sslmode,
        **({"sslrootcert": str(table.access.sslrootcert)} if table.access.sslrootcert else {}),
    }
