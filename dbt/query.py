"""The answer of one SELECT over Silver and Gold, as a table or as CSV; nothing else is read, and nothing is written."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import duckdb
from errors import CONFIGURATION, BuildError
from export import written
from told import tell
from warehouse import opened, schema_of, shown

LIMIT = 40  # rows of a table, where nobody says another number
_BATCH = 10_000
_SETTINGS = (
    "explain_output = 'all'",
    "enable_external_access = false",
    "python_enable_replacements = false",
    "lock_configuration = true",
)
# Of DuckDB's logical plan: what makes rows by itself, or holds those that the statement made before.
_NO_TABLE = {"DUMMY_SCAN", "EMPTY_RESULT", "CTE_SCAN", "CHUNK_GET", "EXPRESSION_GET", "DELIM_GET"}
_NO_TABLE |= {"RANGE", "GENERATE_SERIES", "UNNEST"}


def show(sql: str, limit: int = LIMIT, of_build: bool = False) -> Iterator[str]:
    """At most `limit` rows, with all their columns however wide; `of_build` as in `save`. Raises BuildError."""
    with _answer(sql, of_build) as answer:
        names = [column[0] for column in answer.description or ()]
        rows = answer.fetchmany(limit + 1)
    cells = [names, *([_inert(_text(value, null="NULL")) for value in row] for row in rows[:limit])]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for number, row in enumerate(cells):
        yield "  ".join(map(str.ljust, row, widths)).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)
    more = "; there are more: --limit N shows N, --csv FILE has all" if len(rows) > limit else ""
    yield f"{min(len(rows), limit):,} rows{more}"


def save(sql: str, to: Path | None, limit: int | None = None, of_build: bool = False) -> str:
    """All rows, or `limit`, as CSV (RFC 4180; NULL is nothing, an empty text is "") into a file of its user's only.

    The file is whole, or not there. None: to stdout, and then nothing is said. `of_build`: a table without a schema is
    Gold's as the last build made it, published or not. Raises BuildError.
    """
    with _answer(sql, of_build) as answer:
        if to is None:
            _write(sys.stdout, answer, limit)
            return ""
        with written(to) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as file:
            rows = _write(file, answer, limit)
    return f"{rows:,} rows in {shown(to)}"


def _write(file: TextIO, answer: duckdb.DuckDBPyConnection, limit: int | None) -> int:
    rows = 0
    file.write(",".join(_quoted(column[0]) for column in answer.description or ()) + "\n")
    while batch := answer.fetchmany(_BATCH if limit is None else min(_BATCH, limit - rows)):
        file.writelines(",".join(map(_field, row)) + "\n" for row in batch)
        rows += len(batch)
    return rows


def _field(value: object) -> str:
    return "" if value is None else _quoted(_text(value))


def _quoted(text: str) -> str:
    needs_quotes = not text or any(mark in text for mark in ',"\r\n')
    return '"' + text.replace('"', '""') + '"' if needs_quotes else text


def _text(value: object, null: str = "") -> str:
    match value:
        case None:
            return null
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _inert(text: str) -> str:
    """What a supplier wrote moves no cursor."""
    return text if text.isprintable() else "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


@contextmanager
def _answer(sql: str, of_build: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    with opened(read_only=True) as connection:
        schemas = [schema_of(layer) for layer in ("silver", "gold", "gold_private")]
        settings: Sequence[str] = _SETTINGS
        if of_build:
            schemas = [schema_of("gold_build"), *schemas]
            settings = [f"search_path = '{','.join(schemas)}'", *settings]
        for setting in settings:
            connection.execute(f"SET {setting}")
        try:
            _check(connection, sql, schemas)
        except duckdb.Error as error:  # of its words and the tables' names: no row was read
            raise BuildError(f"query: {str(error).partition(chr(10))[0]}{_hint(connection)}", CONFIGURATION) from None
        try:
            yield connection.execute(sql)
        except duckdb.Error as error:
            raise BuildError(f"query: {tell(str(error))}", CONFIGURATION) from None


def _hint(connection: duckdb.DuckDBPyConnection) -> str:
    gold = schema_of("gold")
    built = connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = ? LIMIT 1", [gold]).fetchall()
    return "" if built else f" ({gold} has no table yet; build it: ./dbt.sh build)"


def _check(connection: duckdb.DuckDBPyConnection, sql: str, allowed: Sequence[str]) -> None:
    """By DuckDB's own parser, and the plan that it binds, before anything in it is found not to be needed.

    Raises BuildError that names what is not allowed.
    """
    kinds = [statement.type.name for statement in connection.extract_statements(sql)]
    if kinds != ["SELECT"]:
        found = ", ".join(kinds) or "nothing"
        message = f"query: found {found}; allowed is one SELECT, DESCRIBE or SUMMARIZE (a PIVOT says its values: IN)"
        raise BuildError(message, CONFIGURATION)
    plans = dict(connection.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall())
    (catalog,) = connection.execute("SELECT current_database()").fetchall()[0]
    for read in _reads(json.loads(plans["logical_plan"])):
        if read.rpartition(".")[0] not in [f"{catalog}.{schema}" for schema in allowed]:
            message = f"query: it would read {read}; allowed are tables of {', '.join(allowed)}"
            raise BuildError(message, CONFIGURATION)


def _reads(plan: Sequence[Any]) -> Iterable[str]:
    """Tables as catalog.schema.table, and functions that read something else, by their names."""
    for node in plan:
        facts, name, children = node["extra_info"], node["name"].strip(), node["children"]
        if table := facts.get("Table"):
            yield str(table)
        elif name not in _NO_TABLE and ("Filters" in facts or not children):
            yield f"{name.lower()}()"
        yield from _reads(children)
