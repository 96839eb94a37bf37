"""Silver and Gold as `./dbt.sh build` makes them of a Bronze, row by row."""

import os
import subprocess
from pathlib import Path
from typing import Any

import duckdb

from jobs.config.environment import ROOT
from tests.conftest import DAYS

Tables = dict[str, list[tuple[Any, ...]]]

# What differs between two runs that land the same deliveries.
NOT_OF_BUILDS = (
    "tablename NOT IN ('builds', 'build_days', 'newest_build', 'int_days_begun', 'int_days_settled')"
    " AND schemaname <> 'coretelecoms_gold_build'"
)
_OF_A_RUN = ("_run_id", "_ingested_at", "_source_uri")


def built(bronze: str, folder: Path, **variables: str) -> Tables:
    """All tables of Silver and Gold over the four days, without what differs from run to run and place to place."""
    file = folder / "warehouse.duckdb"
    places = {
        "CORETELECOMS_WAREHOUSE": str(file),
        "CORETELECOMS_BRONZE": bronze,
        "DBT_TARGET_PATH": str(folder / "dbt"),
    }
    command = [str(ROOT / "dbt.sh"), "build", "--from", str(DAYS[0]), "--to", str(DAYS[-1])]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | places | variables, check=False)
    assert done.returncode == 0, done.stderr
    with duckdb.connect(file, read_only=True) as connection:
        names = connection.sql(f"SELECT schemaname || '.' || tablename FROM pg_tables WHERE {NOT_OF_BUILDS}").fetchall()
        return {name: _rows(connection, name) for (name,) in names}


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[Any, ...]]:
    found = connection.table(table)
    columns = [f'"{name}"' for name in found.columns if name not in _OF_A_RUN]
    return found.project(", ".join(columns)).order("ALL").fetchall()
