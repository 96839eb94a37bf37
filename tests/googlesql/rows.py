"""The demo's rows: as they land in Bronze, and as DuckDB makes each model of them."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from demo.faithful import generate
from tests.dbt.world import DAILY, DAYS, World
from tests.googlesql import project
from tests.googlesql.judge import VIEWS
from tests.googlesql.lint import OF_BUILDS, bronze
from tests.googlesql.project import PROJECT, ROOT

Rows = list[tuple[Any, ...]]

LANDED = datetime(2025, 12, 1, tzinfo=UTC)
_DUCKDB = {"STRING": "VARCHAR", "INT64": "BIGINT", "TIMESTAMP": "TIMESTAMPTZ", "FLOAT64": "DOUBLE", "BOOL": "BOOLEAN"}


def delivered(folder: Path, calls: int, customers: int) -> dict[str, Rows]:
    """Bronze: each table's rows, as four days of the demo's faithful deliveries land."""
    world = World(folder)
    generate(world.root / "sources", DAYS, calls=calls, customers=customers)
    found = {}
    for table, columns in bronze().items():
        source = table.rpartition(".")[2]
        found[table] = [
            tuple((row | _metadata(source, day)).get(name) for name in columns) for day, row in _landed(world, source)
        ]
    return found


def partitions(of_bronze: dict[str, Rows]) -> Rows:
    """Of Bronze's tables: INFORMATION_SCHEMA.PARTITIONS, as BigQuery keeps count."""
    found: list[tuple[Any, ...]] = []
    columns = list(VIEWS["PARTITIONS"])
    for table, rows in of_bronze.items():
        days = Counter(row[list(bronze()[table]).index("ingest_date")] for row in rows)
        for day, count in days.items():
            known = {"table_name": table.rpartition(".")[2], "partition_id": f"{day:%Y%m%d}", "total_rows": count}
            found.append(tuple(known.get(column) for column in columns))
    return found


def built(of_bronze: dict[str, Rows]) -> dict[str, tuple[list[str], Rows]]:
    """Columns and rows of each model's table, built by DuckDB from its own of the same names."""
    found: dict[str, tuple[list[str], Rows]] = {}
    with duckdb.connect() as connection:
        connection.execute(f"SET TimeZone = 'UTC'; ATTACH ':memory:' AS {PROJECT}; ATTACH ':memory:' AS bronze")
        for name in (
            "bronze.coretelecoms_bronze",
            *(f"{PROJECT}.coretelecoms_{layer}" for layer in ("silver", "gold", "gold_private", "gold_build")),
        ):
            connection.execute(f"CREATE SCHEMA {name}")
        for table, columns in bronze().items():
            named = ", ".join(f"{name} {_DUCKDB.get(of, of)}" for name, of in columns.items())
            there = f"bronze.{table.partition('.')[2]}"
            connection.execute(f"CREATE TABLE {there} ({named})")
            connection.executemany(f"INSERT INTO {there} VALUES ({', '.join('?' * len(columns))})", of_bronze[table])
        nodes = project.nodes(later=False, target="local")
        for node in nodes:
            if node.readers:
                named = ", ".join(f"{name} {of}" for name, of in node.columns.items())
                connection.execute(f"CREATE TABLE {node.readers} ({named})")
        for name, columns in OF_BUILDS.items():
            named = ", ".join(f"{column} {_DUCKDB.get(of, of)}" for column, of in columns.items())
            connection.execute(f"CREATE TABLE {name} ({named})")
        for node in nodes:
            if node.kind == "seed":
                connection.execute(f"CREATE TABLE {node.table} AS FROM read_csv('{ROOT}/dbt/{node.file}')")
            elif node.kind == "model":
                connection.execute(f"CREATE TABLE {node.table} AS {node.sql}")
                made = connection.table(node.table)
                found[node.table] = (list(made.columns), made.fetchall())
                if node.rows:
                    connection.execute(f"CREATE VIEW {node.rows} AS FROM {node.table}")
    return found


def _metadata(source: str, day: date) -> dict[str, Any]:
    uri = f"s3://core-telecoms-data-lake/{source}/{source}_{day}.csv"
    here = {"_source_system": "s3", "_source_uri": uri, "_run_id": f"{day:%Y%m%d}T060000000000Z-0123"}
    return here | {"_ingested_at": LANDED, "ingest_date": day}


def _landed(world: World, source: str) -> Iterator[tuple[date, dict[str, Any]]]:
    """Rows and their days; what suppliers do besides: agents come again, changed, and complaints of the day before."""
    for day in DAYS if source in DAILY else DAYS[:1]:
        yield from ((day, row) for row in world.delivered(source, day if source in DAILY else None))
    if source == "agents":
        gone, promoted, *others = world.delivered(source)
        assert gone != promoted
        yield from ((DAYS[2], row) for row in (promoted | {"experience": "Senior", "name": "Ada Obi"}, *others))
    if source == "call_logs":
        for row in world.delivered(source, DAYS[0])[:10]:
            yield from ((DAYS[1], row | {"resolution_status": status}) for status in ("Resolved", "blocked "))
