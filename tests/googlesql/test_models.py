"""Every model over the demo's rows: by Google's reference evaluator, and by DuckDB, from Bronze to Gold, row by row."""

import csv
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.googlesql import project, rows
from tests.googlesql.engine import engine
from tests.googlesql.judge import VIEWS
from tests.googlesql.lint import OF_BUILDS, look_at
from tests.googlesql.project import PROJECT, ROOT, Node
from tests.googlesql.rows import Rows

CALLS, CUSTOMERS = 40, 60  # a day; the evaluator is for meaning, not for speed
INVOCATION = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]{15} [\da-f-]{36}")  # which differs: the SQL was compiled twice
PARTITIONS = f"{PROJECT}.coretelecoms_bronze.PARTITIONS"
MODELS = [node for node in project.nodes(later=False) if node.kind == "model"]


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    return rows.delivered(tmp_path_factory.mktemp("models"), CALLS, CUSTOMERS)


@pytest.fixture(scope="module")
def of_duckdb(delivered: dict[str, Rows]) -> dict[str, Rows]:
    """What each model holds, built by DuckDB."""
    return {table.rpartition(".")[2]: found for table, (_, found) in rows.built(delivered).items()}


@pytest.fixture(scope="module")
def of_google(delivered: dict[str, Rows]) -> dict[str, Rows]:
    """The same by the evaluator: each model over the rows it made of those before."""
    tables = look_at(project.nodes(later=False)).tables
    there, found = dict(delivered) | {name: [] for name in OF_BUILDS}, {}
    tables, there = tables | {PARTITIONS: VIEWS["PARTITIONS"]}, there | {PARTITIONS: rows.partitions(delivered)}
    there |= {node.readers: [] for node in project.nodes(later=False) if node.readers}
    for node in project.nodes(later=False):
        if node.kind == "seed":
            there[node.table] = _seed(node)
        elif node.kind == "model":
            sql = node.sql.replace(".INFORMATION_SCHEMA.PARTITIONS", ".`PARTITIONS`")  # the evaluator's own has no rows
            read = {name: columns for name, columns in tables.items() if f"`{name.rpartition('.')[2]}`" in sql}
            read = {name: columns for name, columns in read.items() if name in there}
            there[node.table] = engine().evaluate(sql, read, {name: there[name] for name in read})
            found[node.name] = there[node.table]
            if node.rows:
                there[node.rows] = there[node.table]
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
        case str():
            return INVOCATION.sub("(one of dbt)", value)
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
