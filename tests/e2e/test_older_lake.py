"""What an older version left behind is read, replayed, corrected and rebuilt by this one.

`lake-of-ce44c05.tar.xz` holds sources, lake, Bronze, DuckDB file and the output of `status --json` as commit ce44c05
made them in a checkout at /srv/coretelecoms: `make demo CALLS=150 CUSTOMERS=60` on 2025-11-24, with a record of three
fields at the end of the calls of 2025-11-22; a day later the calls of 2025-11-23 lost their last three lines, and
`make run DATE=2025-11-23 SOURCE=call_logs` landed them again. The clock was libfaketime's, so that every later run is
a newer one; the sources' times are whole seconds, which tar keeps.
"""

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from demo import services
from demo.faithful import COUNTS, delivery_path
from demo.postgres import Server, serving
from jobs.config.environment import ROOT
from tests.conftest import DAYS, make_world
from tests.e2e.conftest import SOURCES, Platform
from tests.gold import NOT_OF_BUILDS

ARCHIVE = Path(__file__).with_name("lake-of-ce44c05.tar.xz")
MADE_AT = "/srv/coretelecoms/.local"  # stands in manifests, as the place of files that were delivered
ALL_DAYS = ("--from", str(DAYS[0]), "--to", str(DAYS[-1]))
CORRECTED = DAYS[1]
GONE = {"coretelecoms_gold.agg_complaints_per_outage": ("customers",)}  # counts of persons cannot be added (CHANGELOG)
OF_A_RUN = ("_run_id", "_ingested_at", "_source_uri")  # what a replay, and another place, may change

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Suppliers:
    """The web forms' Postgres and the services that the older version read from, with the same content."""

    server: Server
    web: services.Services


def unpack(root: Path) -> None:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(root, filter="data")
    for manifest in root.glob("lake/raw/*/*/*/_manifest.json"):
        manifest.write_text(manifest.read_text().replace(MADE_AT, str(root)))


@pytest.fixture(scope="module")
def suppliers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suppliers]:
    root = tmp_path_factory.mktemp("delivered")
    unpack(root)
    agents = partial(services.agents_of, root / "sources")
    with serving(tmp_path_factory.mktemp("postgres")) as server, services.serving(agents) as web:
        server.load_web_forms(root / "sources/web_forms")
        yield Suppliers(server, web)


@pytest.fixture
def older(tmp_path: Path, suppliers: Suppliers) -> Platform:
    """As the older version left it, for this test alone."""
    unpack(tmp_path)
    world = make_world(tmp_path, agents_from_a_file=False)
    suppliers.server.write_secrets(world.root / "secrets")
    suppliers.web.write_secrets(world.root / "services")
    return Platform(world, json.loads((tmp_path / "sources" / COUNTS).read_text()), suppliers.server)


def test_status_says_of_an_older_lake_what_the_older_version_said(older: Platform) -> None:
    said = [json.loads(line) for line in (older.world.root / "status.json").read_text().splitlines()]
    assert len(said) == len(SOURCES) * len(DAYS)
    assert [{name: row[name] for name in before} for before, row in zip(said, older.ledger(), strict=True)] == said


def test_a_run_over_an_older_lake_skips_what_has_not_changed(older: Platform) -> None:
    raw, bronze = older.world.raw_files(), live_files(older)
    done = older.submit("run", *ALL_DAYS, "--json")
    assert done.returncode == 0, done.stderr
    assert {json.loads(line)["state"] for line in done.stdout.splitlines()} == {"loaded", "unchanged"}
    assert (older.world.raw_files(), live_files(older)) == (raw, bronze)


def test_a_replay_of_an_older_lakes_day_replaces_that_day_by_the_same_rows(older: Platform) -> None:
    files, rows = live_files(older), bronze_rows(older)
    done = older.submit("run", "--date", str(DAYS[2]), "--replay")
    assert done.returncode == 0, done.stderr
    assert bronze_rows(older) == rows
    assert changed_days(files, live_files(older)) == {f"ingest_date={DAYS[2]}"}


def test_a_correction_of_an_older_lakes_day_lands_and_leaves_the_others(older: Platform) -> None:
    files = live_files(older)
    correct(older)
    found = {(row["source"], row["ingest_date"]): row for row in older.ledger()}
    assert changed_days(files, live_files(older)) == {f"ingest_date={CORRECTED}"}
    corrected = found["call_logs", str(CORRECTED)]
    assert (corrected["state"], corrected["corrected"]) == ("loaded", True)
    assert corrected["rows_bronze"] == older.counts["rows"]["call_logs"][str(CORRECTED)] - 7


@pytest.mark.parametrize("how", [ALL_DAYS, ("--rebuild",)], ids=["loaded", "rebuilt"])
def test_bronze_is_loaded_anew_from_an_older_lake(how: tuple[str, ...], older: Platform) -> None:
    before = bronze_rows(older)
    shutil.rmtree(older.world.bronze)
    done = older.submit("load", *how)
    assert done.returncode == 0, done.stderr
    assert bronze_rows(older) == before


@pytest.mark.slow
def test_a_full_build_gives_the_tables_that_an_older_version_built(older: Platform) -> None:
    """In all their columns, and so all aggregates and the headline numbers; what identifies persons stands apart since.

    Tables and columns may have joined them.
    """
    columns = columns_of_tables(older)
    before, numbers = rows_of_tables(older, columns), dbt(older, "headline")
    assert {"coretelecoms_gold.agg_complaints_daily", "coretelecoms_gold.customer_360"} < columns.keys()
    assert "email" in columns["coretelecoms_gold.dim_customer"]
    build(older, "--full")
    assert rows_of_tables(older, columns) == before
    assert dbt(older, "headline") == numbers
    assert "email" not in columns_of_tables(older)["coretelecoms_gold.dim_customer"]


@pytest.mark.slow
def test_a_lost_warehouse_is_made_anew_from_the_lake_row_by_row(older: Platform) -> None:
    """The drill of the runbook: Bronze and the DuckDB file are gone."""
    columns = columns_of_tables(older)
    before = rows_of_tables(older, columns)
    shutil.rmtree(older.world.bronze)
    (older.world.root / "warehouse.duckdb").unlink()
    done = older.submit("load", "--rebuild")
    assert done.returncode == 0, done.stderr
    build(older, "--full")
    assert rows_of_tables(older, columns) == before


@pytest.mark.slow
def test_a_corrected_day_built_in_an_older_file_is_as_in_a_full_build(older: Platform) -> None:
    correct(older)
    build(older, "--from", str(CORRECTED), "--to", str(CORRECTED))
    columns = columns_of_tables(older)
    built_on = rows_of_tables(older, columns)
    build(older, "--full")
    assert rows_of_tables(older, columns) == built_on


def correct(older: Platform) -> None:
    path = delivery_path(older.world.root / "sources", ("call_logs", str(CORRECTED)))
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-7]))
    done = older.submit("run", *ALL_DAYS)
    assert done.returncode == 0, done.stderr


def build(older: Platform, *arguments: str) -> None:
    dbt(older, "build", *arguments)


def dbt(older: Platform, *arguments: str) -> str:
    root = older.world.root
    places = {"CORETELECOMS_WAREHOUSE": root / "warehouse.duckdb", "CORETELECOMS_BRONZE": root / "bronze"}
    variables = {name: str(path) for name, path in {**places, "DBT_TARGET_PATH": root / "dbt"}.items()}
    command = [str(ROOT / "dbt.sh"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | variables, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def live_files(older: Platform) -> dict[str, str]:
    return {file: content for source in SOURCES for file, content in older.live_files(source).items()}


def changed_days(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The partitions whose files are not the same."""
    return {Path(file).parent.name for file, _ in before.items() ^ after.items()}


def bronze_rows(older: Platform) -> dict[str, Rows]:
    kept = f"* exclude ({', '.join(OF_A_RUN)})"
    query = f"select {kept} from read_parquet($files, hive_partitioning = false) order by all"
    with duckdb.connect() as connection:
        files = {source: list(older.live_files(source)) for source in SOURCES}
        return {source: connection.execute(query, {"files": files[source]}).fetchall() for source in SOURCES}


def columns_of_tables(older: Platform) -> dict[str, list[str]]:
    """Of Silver and Gold, without those that tell of a run or of a build."""
    with duckdb.connect(older.world.root / "warehouse.duckdb", read_only=True) as connection:
        asked = f"SELECT schemaname || '.' || tablename FROM pg_tables WHERE {NOT_OF_BUILDS}"
        names = [name for (name,) in connection.sql(asked).fetchall()]
        columns = {name: connection.table(name).columns for name in names}
    left_out = {name: {*OF_A_RUN, *GONE.get(name, ())} for name in names}
    return {name: [column for column in columns[name] if column not in left_out[name]] for name in names}


def rows_of_tables(older: Platform, columns: dict[str, list[str]]) -> dict[str, Rows]:
    with duckdb.connect(older.world.root / "warehouse.duckdb", read_only=True) as connection:
        return {name: rows_of_table(connection, name, columns[name]) for name in columns}


def rows_of_table(connection: duckdb.DuckDBPyConnection, name: str, columns: list[str]) -> Rows:
    """What identifies a person stood in Gold's own tables; since, it lies beside them, none for the unknown member."""
    given, tables = connection.table(name).columns, name
    if not set(columns) <= set(given):
        whose = "customer" if "customer_key" in given else "agent"
        tables += f" LEFT JOIN coretelecoms_gold_private.dim_{whose}_private USING ({whose}_key)"
    unknown = {f"{whose}_name": f"coalesce({whose}_name, 'Unknown {whose}')" for whose in ("customer", "agent")}
    asked = ", ".join(unknown.get(column, f'"{column}"') for column in columns)
    return connection.sql(f"SELECT {asked} FROM {tables}").order("ALL").fetchall()
