"""Serves fakesnow, a stand-in for Snowflake on DuckDB: python tests/snowflake/standin.py PORT S3_URL REQUESTS FAULTS.

Run by the Python of requirements/fakesnow.txt. REQUESTS: a file that gets every statement, a JSON line each. FAULTS: a
folder; what lies there befalls a COPY in its middle (`_inserts_with_faults`), or a statement (`_Failing`). Where
fakesnow differs from Snowflake in what loads and builds need, it is mended here, and what that hides is said
(docs/snowflake.md).
"""

import itertools
import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import fakesnow.copy_into
import fakesnow.cursor
import fakesnow.server
import fakesnow.transforms
import fsspec
import snowflake.connector.errors as errors
import starlette.responses
import uvicorn
from sqlglot import exp

PORT, S3_URL, REQUESTS, FAULTS = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
_execute = fakesnow.cursor.FakeSnowflakeCursor.execute
_inserts = fakesnow.copy_into._inserts
_trim, _to_timestamp = fakesnow.transforms.trim_cast_varchar, fakesnow.transforms.to_timestamp


def _without_temporary(command: str) -> str:
    """dbt's temporary tables and views are named in full, and DuckDB keeps temporary ones in a catalog of their own.

    Hides that a temporary one goes with its session: here dbt's own drop removes it.
    """
    return re.sub(r"(?i)\bcreate( or replace)? temporary (table|view)", r"create\1 \2", command)


def _with_merged_columns_named(command: str) -> str:
    """In a MERGE's VALUES a bare column is the source's; DuckDB, to which it is a join, asks which.

    Only dbt's snapshot sends one: hides nothing of the project's own statements.
    """
    if not re.match(r"(?is)\s*(/\*.*?\*/\s*)?merge\b.*DBT_INTERNAL_SOURCE", command):
        return command

    def named(found: re.Match[str]) -> str:
        return f"values ({', '.join(f'DBT_INTERNAL_SOURCE.{name.strip()}' for name in found[1].split(','))})"

    return re.sub(r"(?is)\bvalues\s*\(([^()]*)\)", named, command)


def _without_masking(command: str) -> str:
    """fakesnow knows no masking policies: of a column that gets one it is seen that it is there.

    Hides what a policy does, and whether there is one of that name and type.
    """
    policy = r"modify column (\w+) set masking policy \w+\.\w+\.\w+ force"
    found = re.fullmatch(rf"(?is)\s*alter table (\S+) {policy}\s*(/\*.*\*/)?\s*", command)
    return f"select {found[2]} from {found[1]} limit 0" if found else command


def _without_descriptions(command: str) -> str:
    """fakesnow cannot describe columns of a table at once, nor by dollar quotes: it is seen that they are there.

    Hides what is kept of a description.
    """
    there = re.match(r"(?is)\s*(/\*.*?\*/)?\s*alter\s+(table|view)\s+(\S+)\s+alter\s+\"", command)
    columns = re.findall(r'(?is)("\w+")\s+comment\s+\$\$.*?\$\$', command) if there else []
    if there and columns:
        return f"select {', '.join(columns)} from {there[3]} limit 0"
    return "select 1" if re.match(r"(?is)\s*(/\*.*?\*/)?\s*comment\s+on\s+(table|view)\s", command) else command


def _trimmed_of_what_it_names(expression: exp.Expression) -> exp.Expression:
    """TRIM(text, characters), LTRIM and RTRIM: fakesnow drops all but the text, and trims blanks at both ends."""
    trimmed = _trim(expression)
    if isinstance(expression, exp.Trim) and trimmed is not expression:
        for name in ("expression", "position"):
            trimmed.set(name, expression.args.get(name))
    return trimmed


def _null_where_there_is_no_such_day(expression: exp.Expression) -> exp.Expression:
    """TRY_CAST to a moment, of which fakesnow makes a plain cast: it raises at 2025-02-29."""
    return expression if isinstance(expression, exp.TryCast) else _to_timestamp(expression)


class _Failing:
    """Fails a statement, as the file `statement` in FAULTS says, before it does anything.

    `{"number": N}`: the N-th since the file is there; `{"like": PATTERN}`: the first that matches, or as many as
    `"times"` says, `"behind": PATTERN`: not before one matches that. `"cancelled": true`: as when Snowflake cancels a
    whole block, so that its handler does not run; `"locked": true`: as when too many wait for the lock that it needs.
    """

    def __init__(self) -> None:
        self.given, self.seen, self.is_behind = "", 0, False
        self.wanted: dict[str, Any] = {}

    def meets(self, command: str) -> bool:
        """Is it this one that fails?"""
        try:
            given = (FAULTS / "statement").read_text()
        except FileNotFoundError:
            given = ""
        if given != self.given:
            self.given, self.seen, self.is_behind = given, 0, False
        if not given:
            return False
        wanted = json.loads(given)
        self.is_behind |= re.search(wanted.get("behind", ""), command, re.IGNORECASE | re.DOTALL) is not None
        if not self.is_behind:
            return False
        if "like" in wanted and not re.search(wanted["like"], command, re.IGNORECASE | re.DOTALL):
            return False
        self.seen += 1
        first = wanted.get("number", 1)
        if not first <= self.seen < first + wanted.get("times", 1):
            return False
        self.wanted = wanted
        (FAULTS / "failed").write_text(command)
        return True

    def error(self) -> errors.ProgrammingError:
        code, text = 630, "Statement reached its statement timeout"
        if self.wanted.get("cancelled"):
            code, text = 604, "SQL execution canceled"
        if self.wanted.get("locked"):
            code, text = 625, "Your statement was aborted because the number of waiters for this lock exceeds the limit"
        return errors.ProgrammingError(msg=text, errno=code, sqlstate="57014")


_failing = _Failing()
_numbers = itertools.count(1)
_BLOCK = (
    r"(?is)\s*execute immediate \$\$\s*begin\b(.*?)\bexception\s+when other then\s+rollback;\s+raise;\s+end;\s*\$\$(.*)"
)
_DDL = r"(?is)\s*(/\*.*?\*/\s*)?(create|alter|drop|truncate|comment|grant)\b"


def execute(self: Any, command: str, *arguments: Any, **options: Any) -> Any:
    block = re.fullmatch(_BLOCK, command)
    if block is None:
        return _one(self, command, *arguments, **options)
    _record(self, command)
    for statement in (part.strip() for part in block[1].split(";\n")):
        if statement:
            try:
                _one(self, statement + block[2])
            except errors.ProgrammingError as error:
                if error.errno != 604:
                    _one(self, "rollback")
                raise
    return _execute(self, 'select null as "anonymous block"', **options)


def _record(self: Any, command: str) -> None:
    if not hasattr(self._conn, "number"):
        self._conn.number, self._conn.is_open = next(_numbers), False
    with REQUESTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps([self._conn.number, command]) + "\n")


def _one(self: Any, command: str, *arguments: Any, **options: Any) -> Any:
    """A statement. DDL commits what is open, which DuckDB's does not."""
    _record(self, command)
    if _failing.meets(command):
        raise _failing.error()
    command = _without_masking(_with_merged_columns_named(_without_temporary(command)))
    command = _without_descriptions(command)
    if re.match(r'(?is)\s*(begin|commit)\b.*"node_id": "snapshot\.', command):
        # MERGE writes the stand-in's own catalog too, and a transaction of DuckDB's can write but one. Hides that the
        # snapshot's MERGE, a single statement, stands in a transaction.
        command = "select 1"
    if self._conn.is_open and re.match(r"(?i)\s*begin\b", command):
        command = "select 1"  # Snowflake ignores it, DuckDB would give the transaction up
    if self._conn.is_open and re.match(_DDL, command):
        _execute(self, "commit")
        self._conn.is_open = False
    try:
        done = _execute(self, command, *arguments, **options)
    # DuckDB refuses the second of two writers at once, where Snowflake lets it wait for the lock: hides the waiting,
    # and shows what happens to a statement that Snowflake aborts because too many wait.
    except duckdb.TransactionException as error:
        raise errors.ProgrammingError(msg=str(error), errno=625, sqlstate="57014") from error
    # Otherwise the server answers 500, which the client takes for a fault that may pass.
    except duckdb.Error as error:
        raise errors.ProgrammingError(msg=str(error), errno=100, sqlstate="22000") from error
    except FileNotFoundError as error:
        raise errors.ProgrammingError(msg=f"Remote file not found: {error}", errno=91016, sqlstate="22000") from error
    if verb := re.match(r"(?i)\s*(begin|commit|rollback)\b", command):
        self._conn.is_open = verb[1].lower() == "begin"
    return done


def _inserts_with_faults(*arguments: Any) -> Iterator[Any]:
    """A COPY inserts a file at a time: before the second one it is held, or breaks off, where a file in FAULTS says so.

    `hold`: `held` appears, and it goes on once `hold` is gone. `fail`: Snowflake's words for an error of its own.
    """
    for number, insert in enumerate(_inserts(*arguments)):
        if number and (FAULTS / "hold").exists():
            (FAULTS / "held").touch()
            while (FAULTS / "hold").exists():
                time.sleep(0.01)
        if number and (FAULTS / "fail").exists():
            text = "SQL execution internal error: Processing aborted by error 300010:391167117; incident 1234567."
            raise errors.ProgrammingError(msg=text, errno=603, sqlstate="XX000")
        yield insert


class _Sessions(dict[str, Any]):
    """A session that is closed ends there and then, and what it had open is rolled back."""

    def __delitem__(self, token: str) -> None:
        self[token].close()
        super().__delitem__(token)


class _Response(starlette.responses.JSONResponse):
    """A login's has a master token too, without which Snowflake's client ends no session."""

    def __init__(self, content: Any, *arguments: Any, **options: Any) -> None:
        if content.get("data") and "token" in content["data"]:
            content["data"]["masterToken"] = content["data"]["token"]
        super().__init__(content, *arguments, **options)


fakesnow.server.sessions = _Sessions()
fakesnow.server.JSONResponse = _Response
fakesnow.cursor.FakeSnowflakeCursor.execute = execute
fakesnow.copy_into._inserts = _inserts_with_faults
fakesnow.transforms.trim_cast_varchar = _trimmed_of_what_it_names
fakesnow.transforms.to_timestamp = _null_where_there_is_no_such_day
lake = fsspec.filesystem(
    "s3",
    key="dummy",
    secret="dummy",
    client_kwargs={"endpoint_url": S3_URL, "region_name": "eu-north-1"},
    use_listings_cache=False,
    skip_instance_cache=True,
)
fakesnow.server.shared_fs.duck_conn.register_filesystem(lake)
uvicorn.run(fakesnow.server.app, host="127.0.0.1", port=PORT, log_level="warning")
