"""The DuckDB file becomes its environment's, one of an older version among them."""

import os

import duckdb
from warehouse import (
    OLDER,
    bronze,
    connected,
    contracts,
    of_another,
    opened,
    ours,
    owner_of,
    silver_table,
    sources,
    warehouse,
)


def claim() -> None:
    """The DuckDB file is this environment's from now on; one of an older version is taken over where it was so before.

    Raises BuildError where it is another's.
    """
    path = warehouse()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() and OLDER.exists() and "CORETELECOMS_WAREHOUSE" not in os.environ:
        with connected(OLDER) as connection:
            is_ours = owner_of(connection) in (None, ours()) and _holds_our_runs(connection)
        if is_ours:
            OLDER.rename(path)
    with opened() as connection:
        if owner_of(connection) is None:
            if connection.execute("FROM pg_tables").fetchall() and not _holds_our_runs(connection):
                raise of_another(path, None)
            name, place = (text.replace("'", "''") for text in ours())
            connection.execute(f"CREATE VIEW main.environment AS SELECT '{name}' AS name, '{place}' AS bronze")


def _holds_our_runs(connection: duckdb.DuckDBPyConnection) -> bool:
    """Does Silver hold rows of a run that this environment's Bronze holds too? No two environments share one."""
    from plugins import bronze as plugin

    folder = str(bronze())
    if plugin.is_on_s3(folder):
        plugin.reach_s3(connection)
    plugin.load_extension(connection, "delta")
    plugin.attach(connection, folder, contracts())
    tables = {name for (name,) in connection.execute("SELECT tablename FROM pg_tables").fetchall()}
    try:
        return any(
            connection.execute(
                f"""SELECT _run_id FROM {silver_table(f"stg_{source}")}
                INTERSECT SELECT _run_id FROM {plugin.CATALOG}.{plugin.SCHEMA}.{source} LIMIT 1"""
            ).fetchall()
            for source in sources()
            if f"stg_{source}" in tables
        )
    finally:
        connection.execute(f"DETACH {plugin.CATALOG}")
