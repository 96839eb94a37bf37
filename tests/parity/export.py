"""Silver and Gold of any warehouse in one form, so that a comparison is an equality: table -> its rows, sorted."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

LAYERS = ("coretelecoms_silver", "coretelecoms_gold")
NOT_REBUILT = {"agents_snapshot"}  # remembers builds, not only what is in Bronze

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


def differences(found: Tables, expected: Tables) -> dict[str, list[Row]]:
    """Table -> some rows that only one of them has; empty where they are equal, duplicates counted."""
    names = {*found, *expected}
    return {
        name: [*(row for row in found.get(name, []) if row not in set(expected.get(name, [])))][:2]
        + [*(row for row in expected.get(name, []) if row not in set(found.get(name, [])))][:2]
        for name in sorted(names)
        if found.get(name) != expected.get(name)
    }
