"""That the judge bites, and that values come back as they are."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from tests.googlesql.engine import RefusedError, engine

TABLES = {"p.d.calls": {"call_id": "STRING", "answered": "BOOL", "seconds": "INTEGER", "called_at": "TIMESTAMP"}}


@pytest.mark.parametrize(
    ("statement", "said", "at"),
    [
        ("SELECT call_idd FROM p.d.calls", "Unrecognized name: call_idd", (1, 8)),
        ("SELECT *\nFROM p.d.calls WHERE answered = 1", "argument types: BOOL, INT64", (2, 22)),
        ("SELECT * FROM p.d.missing", "Table not found", (1, 15)),
        ("SELECT TO_HEX(seconds) FROM p.d.calls", "No matching signature", (1, 8)),
        ("INSERT INTO p.d.calls (seconds) VALUES ('x')", "cannot", (1, 41)),
        ("SELECT 1 AS qualify", "Syntax error", (1, 13)),
    ],
)
def test_what_bigquery_refuses_is_refused_with_its_position(statement: str, said: str, at: tuple[int, int]) -> None:
    with pytest.raises(RefusedError) as refused:
        engine().analyze(statement, TABLES)
    assert said in str(refused.value)
    assert (refused.value.line, refused.value.column) == at


@pytest.mark.parametrize("name", ["p.d.calls", "`p.d.calls`", "`p`.`d`.`calls`", "`p.d`.calls", "d.calls"])
def test_a_table_is_known_by_each_way_of_writing_its_name(name: str) -> None:
    found = engine().analyze(f"SELECT seconds, called_at FROM {name}", TABLES)
    assert (found.kind, found.columns) == ("query", {"seconds": "INT64", "called_at": "TIMESTAMP"})
    rows = {"p.d.calls": [("c", True, 60, datetime(2025, 11, 20, 10)), (None, None, None, None)]}  # noqa: DTZ001
    assert engine().evaluate(f"SELECT calls.seconds + 1, called_at FROM {name}", TABLES, rows) == [
        (61, datetime(2025, 11, 20, 10)),  # noqa: DTZ001
        (None, None),
    ]


def test_what_a_statement_makes_is_known() -> None:
    made = engine().analyze(
        "CREATE OR REPLACE TABLE p.d.n AS SELECT answered, COUNT(*) AS n FROM d.calls GROUP BY 1", TABLES
    )
    assert (made.kind, made.makes, made.columns) == (
        "create_table_as_select",
        "p.d.n",
        {"answered": "BOOL", "n": "INT64"},
    )
    view = engine().analyze("CREATE VIEW d.v AS (SELECT call_id FROM p.d.calls)", TABLES)
    assert (view.kind, view.makes, view.columns) == ("create_view", "d.v", {"call_id": "STRING"})


def test_values_are_pythons() -> None:
    select = """SELECT 1, 'ä', DATE '2025-01-02', TIMESTAMP '1969-12-31 10:00:00.5+01:00', NULL, NUMERIC '-1.5', 1.5,
        b'x', DATETIME '2025-01-02 03:04:05.6', [1, 2], STRUCT('x', DATE '2025-01-02'), TRUE, SAFE_CAST('x' AS INT64)"""
    assert engine().evaluate(select) == [
        (
            1,
            "ä",
            date(2025, 1, 2),
            datetime(1969, 12, 31, 9, 0, 0, 500000),  # noqa: DTZ001
            None,
            Decimal("-1.5"),
            1.5,
            b"x",
            datetime(2025, 1, 2, 3, 4, 5, 600000),  # noqa: DTZ001
            [1, 2],
            ("x", date(2025, 1, 2)),
            True,
            None,
        )
    ]


def test_scripts_are_parsed_as_a_whole() -> None:
    engine().parse_script(
        "DECLARE x BOOL; BEGIN TRANSACTION; SET x = TRUE; IF x THEN SELECT 1; END IF; COMMIT TRANSACTION;"
    )
    with pytest.raises(RefusedError, match="SELEC") as refused:
        engine().parse_script("IF TRUE THEN\n  SELEC 1;\nEND IF;")
    assert refused.value.line == 2
