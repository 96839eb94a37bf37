"""Silver and Gold of any warehouse in one form, so that a comparison is an equality: table -> its rows, sorted."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from jobs.config.environment import ROOT

LAYERS = ("coretelecoms_silver", "coretelecoms_gold", "coretelecoms_gold_private")
KEYS = ("_key", "_id", "_date")
MOST_SHOWN = 5  # differences of a table
OF_A_RUN = ("_run_id", "_ingested_at", "_source_uri")
EXPORTS = ROOT / ".local/parity"
# Remember builds, not only what is in Bronze.
NOT_REBUILT = {"agents_snapshot", "builds", "build_days", "newest_build", "int_days_begun", "int_days_settled"}

Row = tuple[tuple[str, str | None], ...]
Tables = dict[str, list[Row]]


def rows(found: Iterable[dict[str, Any]]) -> list[Row]:
    """Columns by name, values as text that is the same from every warehouse's client."""
    return sorted(
        (tuple(sorted((name.lower(), _text(value)) for name, value in row.items())) for row in found), key=repr
    )


def _text(value: Any) -> str | None:
    match value:
        case None:
            return None
        case datetime():
            return (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value.normalize():f}"
        case _:
            return str(value)


def from_duckdb(file: Path) -> Tables:
    """Of the local target."""
    found: Tables = {}
    with duckdb.connect(file, read_only=True) as connection:
        names = connection.sql("SELECT schemaname, tablename FROM pg_tables").fetchall()
        for layer, name in names:
            if layer in LAYERS and name not in NOT_REBUILT:
                table = connection.table(f"{layer}.{name}")
                found[f"{layer}.{name}"] = rows(dict(zip(table.columns, row, strict=True)) for row in table.fetchall())
    return found


def from_bigquery(client: Any) -> Tables:
    """Of a BigQuery project, by its client."""
    return {
        f"{layer}.{table.table_id}": rows(
            dict(row) for row in client.query(f"SELECT * FROM {layer}.{table.table_id}").result()
        )
        for layer in LAYERS
        for table in client.list_tables(layer)
        if table.table_type == "TABLE" and table.table_id not in NOT_REBUILT
    }


def from_snowflake(ask: Callable[[str], list[dict[str, Any]]]) -> Tables:
    """Of a Snowflake database; `ask`: a statement's rows by column name."""
    columns: dict[str, dict[str, bool]] = {}
    for column in ask(
        "select table_schema, table_name, column_name, data_type from information_schema.columns join "
        "information_schema.tables using (table_catalog, table_schema, table_name) where table_type = 'BASE TABLE'"
    ):
        layer, table, name = (column[of].lower() for of in ("TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME"))
        # dbt's temporary tables are ordinary ones in the stand-in.
        if layer in LAYERS and table not in NOT_REBUILT and not table.endswith("__dbt_tmp"):
            columns.setdefault(f"{layer}.{table}", {})[name] = column["DATA_TYPE"].startswith("TIMESTAMP")
    found = {}
    for table, names in columns.items():
        # Moments as text: the stand-in's client reads one that is null as 1970.
        listed = ", ".join(f"{name}::varchar as {name}" if is_moment else name for name, is_moment in names.items())
        found[table] = rows(
            {
                name: datetime.fromisoformat(value) if value and names[name.lower()] else value
                for name, value in row.items()
            }
            for row in ask(f"select {listed} from {table}")
        )
    return found


def differences(found: Tables, expected: Tables) -> list[str]:
    """A line a difference, the first few of each table: model, key, column and both values; none where all is equal."""
    lines = []
    for name in sorted({*found, *expected}):
        if name not in found or name not in expected:
            lines.append(f"{name}: only {'expected' if name in expected else 'found'}")
            continue
        ours, theirs = Counter(found[name]), Counter(expected[name])
        lines += _of_table(name, list((ours - theirs).elements()), list((theirs - ours).elements()))
    return lines


def _of_table(name: str, ours: list[Row], theirs: list[Row]) -> list[str]:
    """Rows that only one side has, each beside the one that is most like it on the other side."""
    lines = []
    for row in ours[:MOST_SHOWN]:
        nearest = max(theirs, key=lambda other: len({*row} & {*other}), default=())
        if nearest:
            theirs.remove(nearest)
        key = ", ".join(f"{column} {value}" for column, value in row if column.endswith(KEYS))
        expected = dict(nearest)
        columns = [f"{column}: {value!r}, expected {expected.get(column)!r}" for column, value in {*row} - {*nearest}]
        lines.append(f"{name}, {key}: " + ("; ".join(sorted(columns)) if nearest else "a row too many"))
    missing = [dict(row) for row in theirs[:MOST_SHOWN]] if len(ours) <= MOST_SHOWN else []
    return lines + [f"{name}: missing {row}" for row in missing]


def save(tables: Tables, warehouse: str, when: str) -> None:
    """For `make test-parity`, which compares what the warehouses' suites exported."""
    EXPORTS.mkdir(parents=True, exist_ok=True)
    text = json.dumps({name: _comparable(found) for name, found in tables.items()})
    (EXPORTS / f"{when}-{warehouse}.json").write_text(text, encoding="utf-8")


def saved(warehouse: str, when: str) -> Tables:
    """Raises FileNotFoundError where the warehouse's suite has not run."""
    text = (EXPORTS / f"{when}-{warehouse}.json").read_text(encoding="utf-8")
    found = json.loads(text)
    return {name: [tuple((column, value) for column, value in row) for row in rows] for name, rows in found.items()}


def _comparable(found: list[Row]) -> list[Row]:
    """Each suite lands the same deliveries by runs of its own."""
    return sorted((tuple(cell for cell in row if cell[0] not in OF_A_RUN) for row in found), key=repr)
