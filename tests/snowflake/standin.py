"""Serves fakesnow, a stand-in for Snowflake on DuckDB: python tests/snowflake/standin.py PORT S3_URL REQUESTS FAULTS.

Run by the Python of requirements/fakesnow.txt. REQUESTS: a file that gets every statement, a JSON line each. FAULTS: a
folder; what lies there befalls a COPY in its middle (`_inserts_with_faults`). Where fakesnow differs from Snowflake in
what the loads need, it is mended here, and what that hides is said (docs/snowflake.md).
"""

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
import fsspec
import snowflake.connector.errors as errors
import uvicorn

PORT, S3_URL, REQUESTS, FAULTS = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
_execute = fakesnow.cursor.FakeSnowflakeCursor.execute
_inserts = fakesnow.copy_into._inserts


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


def execute(self: Any, command: str, *arguments: Any, **options: Any) -> Any:
    with REQUESTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps([id(self._conn), command]) + "\n")
    command = _with_merged_columns_named(_without_temporary(command))
    if re.match(r'(?is)\s*(begin|commit)\b.*"node_id": "snapshot\.', command):
        # MERGE writes the stand-in's own catalog too, and a transaction of DuckDB's can write but one. Hides that the
        # snapshot's MERGE, a single statement, stands in a transaction.
        command = "select 1"
    try:
        return _execute(self, command, *arguments, **options)
    # DuckDB refuses the second of two writers at once, where Snowflake lets it wait for the lock: hides the waiting,
    # and shows what happens to a statement that Snowflake aborts because too many wait.
    except duckdb.TransactionException as error:
        raise errors.ProgrammingError(msg=str(error), errno=625, sqlstate="57014") from error
    # Otherwise the server answers 500, which the client takes for a fault that may pass.
    except duckdb.Error as error:
        raise errors.ProgrammingError(msg=str(error), errno=100, sqlstate="22000") from error
    except FileNotFoundError as error:
        raise errors.ProgrammingError(msg=f"Remote file not found: {error}", errno=91016, sqlstate="22000") from error


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


fakesnow.cursor.FakeSnowflakeCursor.execute = execute
fakesnow.copy_into._inserts = _inserts_with_faults
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
