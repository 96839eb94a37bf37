"""Every model over the demo's rows: by Google's reference evaluator, and by DuckDB, from Bronze to Gold, row by row."""

import csv
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from demo.faithful import generate
from tests.dbt.world import DAILY, DAYS, World
from tests.googlesql import project
from tests.googlesql.engine import engine
from tests.googlesql.lint import bronze, look_at
from tests.googlesql.project import PROJECT, ROOT, Node

CALLS, CUSTOMERS = 40, 60  # a day; the evaluator is for meaning, not for speed
LANDED = datetime(2025, 12, 1, tzinfo=UTC)
MODELS = [node for node in project.nodes(later=False) if node.kind == "model"]
_DUCKDB = {"STRING": "VARCHAR", "INT64": "BIGINT", "TIMESTAMP": "TIMESTAMPTZ", "FLOAT64": "DOUBLE", "BOOL": "BOOLEAN"}

Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """Bronze: each table's rows, as four days of the demo's faithful deliveries land."""
    world = World(tmp_path_factory.mktemp("models"))
    generate(world.root / "sources", DAYS, calls=CALLS, customers=CUSTOMERS)
    found = {}
    for table, columns in bronze().items():
        source = table.rpartition(".")[2]
        found[table] = [
            tuple((row | _metadata(source, day)).get(name) for name in columns) for day, row in _landed(world, source)
        ]
    return found


def _metadata(source: str, day: date) -> dict[str, Any]:
    here = {"_source_system": "demo", "_source_uri": source, "_run_id": f"run-{day}"}
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


@pytest.fixture(scope="module")
def of_duckdb(delivered: dict[str, Rows]) -> dict[str, Rows]:
    """What each model holds, built by DuckDB from its own of the same names."""
    found: dict[str, Rows] = {}
    with duckdb.connect() as connection:
        connection.execute(f"SET TimeZone = 'UTC'; ATTACH ':memory:' AS {PROJECT}; ATTACH ':memory:' AS bronze")
        for name in (
            "bronze.coretelecoms_bronze",
            *(f"{PROJECT}.coretelecoms_{layer}" for layer in ("silver", "gold")),
        ):
            connection.execute(f"CREATE SCHEMA {name}")
        for table, columns in bronze().items():
            named = ", ".join(f"{name} {_DUCKDB.get(of, of)}" for name, of in columns.items())
            there = f"bronze.{table.partition('.')[2]}"
            connection.execute(f"CREATE TABLE {there} ({named})")
            connection.executemany(f"INSERT INTO {there} VALUES ({', '.join('?' * len(columns))})", delivered[table])
        for node in project.nodes(later=False, target="local"):
            if node.kind == "seed":
                connection.execute(f"CREATE TABLE {node.table} AS FROM read_csv('{ROOT}/dbt/{node.file}')")
            elif node.kind == "model":
                connection.execute(f"CREATE TABLE {node.table} AS {node.sql}")
                found[node.name] = connection.table(node.table).fetchall()
    return found


@pytest.fixture(scope="module")
def of_google(delivered: dict[str, Rows]) -> dict[str, Rows]:
    """The same by the evaluator: each model over the rows it made of those before."""
    tables = look_at(project.nodes(later=False)).tables
    rows, found = dict(delivered), {}
    for node in project.nodes(later=False):
        if node.kind == "seed":
            rows[node.table] = _seed(node)
        elif node.kind == "model":
            read = {name: columns for name, columns in tables.items() if f"`{name.rpartition('.')[2]}`" in node.sql}
            rows[node.table] = engine().evaluate(node.sql, read, {name: rows[name] for name in read})
            found[node.name] = rows[node.table]
    return found


def _seed(node: Node) -> Rows:
    numbers = {"string": str, "int64": int, "numeric": Decimal}
    with Path(ROOT, "dbt", node.file).open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    return [tuple(numbers[of](row[name]) if row[name] else None for name, of in node.columns.items()) for row in read]


def comparable(rows: Rows) -> Counter[tuple[Any, ...]]:
    """Decimals without their scale, floats to the twelfth digit: sums are added up in an order of the engine's own."""
    return Counter(tuple(_comparable(value) for value in row) for row in rows)


def _comparable(value: Any) -> Any:
    match value:
        case bool() | int() | None:
            return value
        case float() | Decimal():
            return f"{float(value):.12g}"
        case _:
            return value


@pytest.mark.parametrize("name", [node.name for node in MODELS])
def test_a_model_is_the_same_row_by_row(of_google: dict[str, Rows], of_duckdb: dict[str, Rows], name: str) -> None:
    theirs, ours = comparable(of_google[name]), comparable(of_duckdb[name])
    assert (list((theirs - ours).elements())[:3], list((ours - theirs).elements())[:3]) == ([], [])
    assert ours


def test_the_rows_are_worth_comparing(of_google: dict[str, Rows]) -> None:
    assert len(MODELS) >= 26
    assert len(of_google["fact_complaints"]) > 200
    assert len(of_google["complaints_clean"]) > len(of_google["fact_complaints"])  # some came again
    assert len(of_google["dim_agent"]) > len(of_google["int_agents_newest"]) + 1  # some have a history


def test_one_other_value_is_seen(of_google: dict[str, Rows]) -> None:
    rows = of_google["agg_complaints_daily"]
    other = [(*rows[0][:-1], rows[0][-1] + 1), *rows[1:]]
    assert len(list((comparable(rows) - comparable(other)).elements())) == 1
