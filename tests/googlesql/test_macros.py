"""What mends data means the same in BigQuery, by Google's own evaluator, as in DuckDB, over hostile texts.

Snowflake has no judge that runs here. Of what its documents say (docs.snowflake.com) the expressions use no more than
this: TRIM(text, characters) removes these characters (sql-reference/functions/trim); CHR(n) is the character of that
code point (functions/chr); TRANSLATE is by character (functions/translate); REGEXP_LIKE matches the whole text
(functions/regexp_like); in REGEXP_REPLACE, \\1 is a group (functions/regexp_replace); TRY_CAST to a timestamp is null
where there is no such day (functions/try_cast) and reads the formats listed under "Timestamp formats"
(user-guide/date-time-input-output), which is the list of the JDBC driver's SnowflakeDateTimeFormat too: FORMAT.
"""

import json
import random
import re
import subprocess
import tomllib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from jobs.adopt.dates import find_days
from jobs.adopt.forms import DECIMALS, Form, find_form
from jobs.adopt.questions import Answers
from jobs.adopt.values import read_value
from tests.googlesql.compiled import ADAPTERS, DELIVERED, ROOT, compiled
from tests.googlesql.engine import engine
from tests.googlesql.texts import BLANKS, kinds

WRITTEN = {
    "iso_text": "{{ iso_text('text', 'dd/mm/yyyy') }}",
    "days_before_months": "{{ mended_timestamp(iso_text('text', 'yyyy-dd-mm')) }}",
    "loose_days": "{{ mended_timestamp(iso_text('text', 'yyyy-m-d')) }}",
    "dotted_days": "{{ mended_date(iso_text('text', 'dd.mm.yyyy')) }}",
    "compact_days": "{{ mended_date(iso_text('text', 'yyyymmdd')) }}",
    "mended_decimal": "{{ mended_decimal('text', '1234.5') }}",
    "decimal_comma": "{{ mended_decimal('text', '1.234,5') }}",
    "mended_whole": "{{ mended_whole('text') }}",
    "mended_flag": "{{ mended_flag('text', 'yes', 'no') }}",
    "mapped": "{{ mapped('text', {'Done': 'Resolved', 'İntern': 'Blocked'}, 'null') }}",
    "described_status": (
        "{{ described_status({'status': 1, 'texts': {'status': 'text'}, 'statuses': {'done': 'Blocked'}}) }}"
    ),
}
EXPRESSIONS = {
    "trimmed": "{{ trimmed('text') }}",
    "blank_to_null": "{{ blank_to_null('text') }}",
    "lowered": "{{ lowered('text') }}",
    "mended_status": "{{ mended_status('text') }}",
    "mended_category": "{{ mended_category('text') }}",
    "gender": "{{ canonical('text', ['F', 'M'], 'null') }}",
    "mended_email": "{{ mended_email(lowered(blank_to_null('text'))) }}",
    "is_email": "{{ is_email(lowered(blank_to_null('text'))) }}",
    "mended_timestamp": "{{ mended_timestamp('text') }}",
    "mended_date": "{{ mended_date('text') }}",
    "is_unreadable": "{{ is_unreadable('text', mended_timestamp('text')) }}",
    "mended_count": "{{ mended_count('text') }}",
    "row_hash": "{{ row_hash(['text', 'other']) }}",
    **WRITTEN,
}
# Not of the project: what the macros were made to replace, so that a difference would be seen.
CONTROLS = {
    "bare_trim": "trim(text)",
    "bare_lower": "lower(text)",
    "bare_moment": "{{ dbt.safe_cast('text', dbt.type_timestamp()) }}",
    "bare_count": "{{ dbt.safe_cast('text', dbt.type_bigint()) }}",
}
SNOWFLAKES = {"moment_text": "{{ snowflake_moment_text(trimmed('text')) }}"}
FORMAT = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d{1,6})?([+-]\d\d:\d\d)?)?")
KIND = {
    "moments": re.compile("date|time|_at$"),
    "emails": re.compile("email"),
    "numbers": re.compile("customers_affected"),
    "addresses": re.compile("address"),
}
OF_A_LANDING = ("_source_system", "_source_uri", "_run_id", "_rescued")
ROWS = 500
LANDED = datetime(2025, 11, 21, 1, 2, 3, 456789, tzinfo=UTC)

TEXTS = list(dict.fromkeys(text for texts in kinds().values() for text in texts))
COLUMNS = {"n": "INT64", "text": "STRING", "other": "STRING"}
ROWS_OF_TEXTS = [(n, text, TEXTS[-n]) for n, text in enumerate(TEXTS)]
Rows = Sequence[Sequence[Any]]


@cache
def of_macros(adapter: str) -> dict[str, str]:
    """Name of an expression, or of a stg_ model, to its SQL."""
    (lock,) = (lock for lock, adapters in ADAPTERS.items() if adapter in adapters)
    return _of_environment(lock)[adapter]


@cache
def _of_environment(lock: str) -> dict[str, dict[str, str]]:
    return compiled(lock, EXPRESSIONS | (SNOWFLAKES if "snowflake" in ADAPTERS[lock] else CONTROLS))


def in_bigquery(select: str, columns: dict[str, str], rows: Rows) -> list[tuple[Any, ...]]:
    return engine().evaluate(select, {DELIVERED: columns}, {DELIVERED: rows})


def in_duckdb(select: str, columns: dict[str, str], rows: Rows) -> list[tuple[Any, ...]]:
    """By the DuckDB that dbt runs, at the zone it runs in."""
    types = {"STRING": "VARCHAR", "INT64": "BIGINT", "DATE": "DATE", "TIMESTAMP": "TIMESTAMPTZ"}
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        named = ", ".join(f"{name} {types[of]}" for name, of in columns.items())
        connection.execute(f"CREATE TABLE {DELIVERED} ({named})")
        lists = ", ".join("unnest(?)" for _ in columns)
        connection.execute(
            f"INSERT INTO {DELIVERED} SELECT {lists}", [list(column) for column in zip(*rows, strict=True)]
        )
        return connection.execute(select).fetchall()


def differences(expression: str) -> list[tuple[str | None, Any, Any]]:
    """Texts of which BigQuery makes something else than DuckDB, and what."""
    asked = [
        f"select n, {of_macros(adapter)[expression]} from {DELIVERED} order by n" for adapter in ("bigquery", "duckdb")
    ]
    theirs, ours = in_bigquery(asked[0], COLUMNS, ROWS_OF_TEXTS), in_duckdb(asked[1], COLUMNS, ROWS_OF_TEXTS)
    assert len(theirs) == len(ours) == len(TEXTS)
    return [(TEXTS[n], there, here) for (n, there), (_, here) in zip(theirs, ours, strict=True) if there != here]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_macro_makes_the_same_of_every_text(expression: str) -> None:
    assert differences(expression) == []


@pytest.mark.parametrize(("control", "among"), [
    ("bare_trim", "\n"), ("bare_lower", "İ"), ("bare_moment", "T10:00"), ("bare_count", "1"),
])  # fmt: skip
def test_the_texts_show_what_the_macros_were_made_for(control: str, among: str) -> None:
    found = differences(control)
    assert len(found) > 10
    assert any(among in (text or "") for text, _, _ in found)


def test_many_texts_are_read_and_many_are_not() -> None:
    for expression in ("mended_timestamp", "mended_count", "is_email"):
        select = f"select n, {of_macros('bigquery')[expression]} from {DELIVERED}"
        read = [value is not None and value is not False for _, value in in_bigquery(select, COLUMNS, ROWS_OF_TEXTS)]
        assert 200 < sum(read) < len(read) - 200, expression


def test_some_texts_are_read_by_each_way_to_write_them() -> None:
    for expression in WRITTEN:
        select = f"select n, {of_macros('bigquery')[expression]} from {DELIVERED}"
        assert sum(value is not None for _, value in in_bigquery(select, COLUMNS, ROWS_OF_TEXTS)) > 2, expression


def delivered(source: str) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
    """Columns of a source's Bronze, and rows: each column has texts of its kind, and now and then of another."""
    contract = tomllib.loads((ROOT / f"conf/sources/{source}.toml").read_text(encoding="utf-8"))
    names = [*contract["columns"].values(), *OF_A_LANDING]
    columns = dict.fromkeys(names, "STRING") | {"_ingested_at": "TIMESTAMP", "ingest_date": "DATE"}
    chance, texts, rows = random.Random(source), kinds(), []
    for _ in range(ROWS):
        of_kind = [next((kind for kind, named in KIND.items() if named.search(name)), "words") for name in names]
        row = [chance.choice(texts[kind] if chance.random() < 0.9 else TEXTS) for kind in of_kind]
        rows.append((*row, LANDED, date(2025, 11, 20)))
    return columns, rows


@pytest.mark.parametrize("source", ["agents", "customers", "call_logs", "social_media", "web_forms", "service_outages"])
def test_a_staging_model_makes_the_same_of_every_row(source: str) -> None:
    columns, rows = delivered(source)
    made = {adapter: of_macros(adapter)[f"stg_{source}"] for adapter in ("bigquery", "duckdb")}
    theirs, ours = in_bigquery(made["bigquery"], columns, rows), in_duckdb(made["duckdb"], columns, rows)
    assert len(ours) == ROWS
    assert sorted(theirs, key=repr) == sorted(ours, key=repr)


@cache
def translated() -> dict[str, str]:
    """Snowflake's expressions in DuckDB's words: that they are Snowflake's grammar, as far as sqlglot knows it."""
    found = subprocess.run([ROOT / "setup.sh", "requirements/fakesnow.txt"], check=True, capture_output=True, text=True)
    command: list[str | Path] = [found.stdout.strip(), Path(__file__).with_name("translated.py")]
    asked = {name: f"select {of_macros('snowflake')[name]} from t" for name in (*EXPRESSIONS, *SNOWFLAKES)}
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made: dict[str, str] = json.loads(done.stdout)
    return {name: sql.removeprefix("SELECT ").removesuffix(" FROM t") for name, sql in made.items()}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_snowflakes_expression_translated_makes_the_same_of_every_text(expression: str) -> None:
    asked = f"{translated()[expression]} as theirs, {of_macros('duckdb')[expression]} as ours"
    found = in_duckdb(f"select text, {asked} from {DELIVERED}", COLUMNS, ROWS_OF_TEXTS)
    assert [row for row in found if row[1] != row[2]] == []


def test_moments_are_written_as_snowflakes_documents_list_them() -> None:
    select = f"select text, {translated()['moment_text']}, {translated()['mended_timestamp']} from {DELIVERED}"
    read = [row for row in in_duckdb(select, COLUMNS, ROWS_OF_TEXTS) if row[2]]
    assert len(read) > 200
    assert [row for row in read if not FORMAT.fullmatch(row[1])] == []


FORMS = {
    "mended_timestamp": Form("moment", "yyyy-mm-dd"),
    "days_before_months": Form("moment", "yyyy-dd-mm"),
    "loose_days": Form("moment", "yyyy-m-d"),
    "dotted_days": Form("day", "dd.mm.yyyy"),
    "compact_days": Form("day", "yyyymmdd"),
    "mended_decimal": Form("decimal", "1234.5"),
    "decimal_comma": Form("decimal", "1.234,5"),
    "mended_whole": Form("whole"),
    "mended_flag": Form("flag", "yes"),
}


@pytest.mark.parametrize("expression", FORMS)
def test_what_adopt_counts_as_a_fit_is_read_as_its_unit_test_expects(expression: str) -> None:
    """And no text of which it says that it fits is null in Silver."""
    select = f"select text, {of_macros('duckdb')[expression]} from {DELIVERED}"
    found = {(text or "").strip(BLANKS): value for text, value in in_duckdb(select, COLUMNS, ROWS_OF_TEXTS)}
    fitting = {text: value for text, value in found.items() if fits(FORMS[expression], text)}
    assert len(fitting) > 2
    assert [(text, value) for text, value in fitting.items() if expected(FORMS[expression], text) != value] == []


def fits(form: Form, text: str) -> bool:
    if form.kind in ("day", "moment"):
        evidence = find_days([text], is_named_day=True)
        return evidence is not None and form.written in evidence.fits
    if form.kind == "decimal":
        return DECIMALS[form.written].fullmatch(text) is not None
    return (
        bool(text)
        and (found := find_form("amount", [text], Answers())).kind == form.kind
        and (form.kind != "flag" or found.written == form.written)
    )


def expected(form: Form, text: str) -> Any:
    read = read_value(form, text)
    assert read is not None
    match form.kind:
        case "moment":
            return datetime.fromisoformat(read)
        case "day":
            return date.fromisoformat(read)
        case "decimal":
            return Decimal(read)
        case "whole":
            return int(read)
        case _:
            return read == "true"
