"""Gold as a file of its own, for readers; and how a file comes whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from errors import CONFIGURATION, BuildError
from told import tell
from warehouse import opened, schema_of, shown


def export(to: Path) -> str:
    """Gold as a DuckDB file of its own, for readers: nothing of Silver, nor of what identifies persons; whole or not.

    Raises BuildError where there is no Gold yet, or no such folder.
    """
    schema = schema_of("gold")
    with opened(read_only=True) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = ?", [schema]).fetchall()
        if not names:
            raise BuildError("there is no Gold yet; build it first: ./dbt.sh build", CONFIGURATION)
        with written(to) as unfinished:
            place = str(unfinished).replace("'", "''")
            connection.execute(f"ATTACH '{place}' AS exported (READ_WRITE); CREATE SCHEMA exported.{schema}")
            for (name,) in sorted(names):
                connection.execute(f"CREATE TABLE exported.{schema}.{name} AS FROM {schema}.{name}")
            connection.execute("DETACH exported")
    return f"Gold, without persons: {len(names)} tables in {shown(to)}"


@contextmanager
def written(to: Path) -> Iterator[Path]:
    """Where to write what becomes the file `to` once it is whole, its user's only. Raises BuildError."""
    unfinished, before = to.with_name(f".{to.name}.{os.getpid()}"), os.umask(0o077)
    try:
        yield unfinished
        unfinished.replace(to)
    except (OSError, duckdb.IOException) as error:
        why = getattr(error, "strerror", None) or tell(str(error))
        raise BuildError(f"{shown(to)}: {why}", CONFIGURATION) from error
    finally:
        os.umask(before)
        unfinished.unlink(missing_ok=True)
