"""The web forms' Postgres: a local server, one table a day, and a role that can only read.

    python -m demo.postgres --folder DIR --secrets DIR [--load CSVDIR] -- COMMAND [ARG...]

Starts the server, loads what is missing, writes the secrets, runs COMMAND and ends with its exit code.
"""

import argparse
import csv
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType

import psycopg2
from psycopg2.sql import SQL, Identifier, Literal

from demo.server import SUPERUSER, Address, ServerError, die_with_parent, running, write_private

DATABASE = "coretelecoms"
SCHEMA = "customer_complaints"
READER = "coretelecoms_reader"
_TABLE = re.compile(r"web_form_request_\d{4}_\d{2}_\d{2}")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Server:
    """The running server of the web forms."""

    address: Address
    reader_password: str = field(default_factory=partial(secrets.token_urlsafe, 24), repr=False)

    @property
    def secrets(self) -> dict[str, str]:
        """What a reader of the web forms needs, under the names that the supplier uses."""
        return {
            "db_host": self.address.host,
            "db_port": str(self.address.port),
            "db_username": READER,
            "db_password": self.reader_password,
            "db_name": DATABASE,
            "table_schema_name": SCHEMA,
        }

    def write_secrets(self, folder: Path) -> None:
        """One file a name, mode 0600, without a line end; port and password are new at every start."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in self.secrets.items():
            write_private(folder / name, value)

    def prepare(self) -> None:
        """Database, schema and reader, where they are not there yet."""
        _create_database(self)
        _create_reader(self)

    @contextmanager
    def transaction(self) -> Iterator["psycopg2.extensions.cursor"]:
        """A superuser's cursor; committed unless the block fails."""
        with closing(self.address.connect(DATABASE)) as connection, connection, connection.cursor() as cursor:
            yield cursor

    def load_web_forms(self, csv_dir: Path, force: bool = False) -> dict[str, int]:
        """Load each day's CSV whose table is absent or of another length; returns rows by table loaded."""
        if not csv_dir.is_dir():
            raise ServerError(f"{csv_dir} is not a folder; generate the web forms first")
        loaded: dict[str, int] = {}
        with self.transaction() as cursor:
            for path in sorted(csv_dir.glob("web_form_request_*.csv")):
                if force or _rows_in_table(cursor, _table_name(path)) != _rows_in_file(path):
                    loaded[path.stem] = _replace(cursor, path)
        return loaded

    def replace_day(self, path: Path) -> int:
        """Put the CSV's rows in the place of its day's table, whatever stands there."""
        with self.transaction() as cursor:
            return _replace(cursor, path)


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """The server on `folder` with its schema and reader; it ends with the block, or with this process."""
    with running(folder) as address:
        server = Server(address)
        server.prepare()
        yield server


def _create_database(server: Server) -> None:
    with closing(server.address.connect(SUPERUSER)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
        if cursor.fetchone() is None:
            cursor.execute(SQL("CREATE DATABASE {}").format(Identifier(DATABASE)))


def _create_reader(server: Server) -> None:
    names = {"db": Identifier(DATABASE), "schema": Identifier(SCHEMA), "reader": Identifier(READER)}
    with server.transaction() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (READER,))
        if cursor.fetchone() is None:
            cursor.execute(SQL("CREATE ROLE {reader} LOGIN").format(**names))
        password = Literal(server.reader_password)
        cursor.execute(SQL("ALTER ROLE {reader} PASSWORD {password}").format(**names, password=password))
        cursor.execute(
            SQL(
                """CREATE SCHEMA IF NOT EXISTS {schema};
                REVOKE ALL ON DATABASE {db} FROM PUBLIC;
                GRANT CONNECT ON DATABASE {db} TO {reader};
                GRANT USAGE ON SCHEMA {schema} TO {reader};
                ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {reader}"""
            ).format(**names)
        )


def _table_name(path: Path) -> str:
    if not _TABLE.fullmatch(path.stem):
        raise ServerError(f"{path}: a day of web forms is named web_form_request_YYYY_MM_DD.csv")
    return path.stem


def _rows_in_table(cursor: "psycopg2.extensions.cursor", table: str) -> int | None:
    cursor.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.{table}",))
    if cursor.fetchone() == (None,):
        return None
    cursor.execute(SQL("SELECT count(*) FROM {}").format(Identifier(SCHEMA, table)))
    row = cursor.fetchone()
    return int(row[0]) if row else None


def _rows_in_file(path: Path) -> int:
    """Line ends outside quotes, less the header's; the generator ends every line."""
    rows, quotes = -1, 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            for at, outside_or_inside in enumerate(chunk.split(b'"')):
                quotes += at > 0
                rows += outside_or_inside.count(b"\n") if quotes % 2 == 0 else 0
    return rows


def _replace(cursor: "psycopg2.extensions.cursor", path: Path) -> int:
    table = Identifier(SCHEMA, _table_name(path))
    with path.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    columns = SQL(", ").join(SQL("{} text").format(Identifier(name)) for name in header)
    cursor.execute(SQL("DROP TABLE IF EXISTS {}").format(table))
    cursor.execute(SQL("CREATE TABLE {} ({})").format(table, columns))
    # An unresolved request has an empty resolution_date, not a missing one. All columns as `*` is Postgres 17's.
    names = SQL(", ").join(Identifier(name) for name in header)
    copy = SQL("COPY {} FROM STDIN (FORMAT csv, HEADER match, FREEZE, FORCE_NOT_NULL ({}))").format(table, names)
    with path.open("rb") as file:
        cursor.copy_expert(copy, file, _CHUNK)
    return int(cursor.rowcount)


def run(command: Sequence[str]) -> int:
    """Run the command with our signals handed on; returns its exit code as a shell would."""
    process = subprocess.Popen(command, preexec_fn=partial(die_with_parent, signal.SIGTERM))

    def hand_on(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGINT or not _in_foreground():
            process.send_signal(number)

    handed_on = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, hand_on) for number in handed_on}
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _in_foreground() -> bool:
    """Whether a terminal's Ctrl-C has reached the command already."""
    return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _arguments(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    usage = "python -m demo.postgres --folder DIR --secrets DIR [--load CSVDIR] [--force] -- COMMAND [ARG...]"
    parser = argparse.ArgumentParser(usage=usage)
    parser.add_argument("--folder", type=Path, required=True, help="where the data live")
    parser.add_argument("--secrets", type=Path, required=True, help="where the reader's secrets are written")
    parser.add_argument("--load", type=Path, help="folder of web_form_request_YYYY_MM_DD.csv")
    parser.add_argument("--force", action="store_true", help="load days anew that are there")
    at = argv.index("--") if "--" in argv else len(argv)
    arguments = parser.parse_args(argv[:at])
    command = list(argv[at + 1 :])
    if not command:
        parser.error("no COMMAND after --")
    return arguments, command


def main() -> int:
    arguments, command = _arguments(sys.argv[1:])
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        with serving(arguments.folder) as server:
            if arguments.load:
                server.load_web_forms(arguments.load, arguments.force)
            server.write_secrets(arguments.secrets)
            return run(command)
    except (ServerError, OSError) as error:  # COMMAND may not exist, or not be executable
        print(f"demo.postgres: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
