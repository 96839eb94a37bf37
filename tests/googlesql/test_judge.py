"""Scripts as BigQuery takes them, statement by statement."""

import pytest

from tests.googlesql.judge import CONTROL, Judge, Table, Verdict
from tests.googlesql.scripts import UnknownControlError, paths

THERE = {
    ("bronze", "calls"): Table({"call_id": "STRING", "ingest_date": "DATE"}),
    ("bronze", "_stage"): Table({"call_id": "STRING", "ingest_date": "DATE"}),
    ("bronze", "guard"): Table({"run_id": "STRING", "ingest_date": "DATE", "published_at": "TIMESTAMP"}),
}
# As jobs/bronze/bigquery/sql.py publishes a day.
PUBLISH = """DECLARE is_newest BOOL;
INSERT INTO `p`.`bronze`.`guard` (ingest_date) SELECT DATE '2025-11-20' FROM (SELECT 1 AS one);
BEGIN TRANSACTION;
UPDATE `p`.`bronze`.`guard` SET run_id = 'r;1' WHERE ingest_date = DATE '2025-11-20';
SET is_newest = (SELECT MAX(run_id) = 'r;1' FROM `p`.`bronze`.`guard`); -- a comment; with a semicolon
IF is_newest THEN
    DELETE FROM `p`.`bronze`.`calls` WHERE ingest_date = DATE '2025-11-20';
    INSERT INTO `p`.`bronze`.`calls` (call_id) SELECT call_id FROM `p`.`bronze`.`_stage`;
END IF;
COMMIT TRANSACTION;"""


def judged(script: str) -> list[Verdict]:
    return Judge("p", lambda dataset, table: THERE.get((dataset, table))).judge(script)


def test_a_column_that_was_added_is_known_until_the_table_is_made_anew() -> None:
    moments = ["1"]
    judge = Judge("p", lambda _, table: Table({"a": "STRING"}, moments[0]) if table == "t" else None)
    (altered,) = judge.judge("ALTER TABLE `p`.`d`.`t` ADD COLUMN IF NOT EXISTS note STRING OPTIONS (description='x')")
    assert altered == Verdict("alter_table")
    assert judge.judge("SELECT note FROM p.d.t") == [Verdict("query")]
    moments[:] = ["2"]
    assert "Unrecognized name: note" in judge.judge("SELECT note FROM p.d.t")[0].refused


def test_each_statement_of_a_script_is_analysed() -> None:
    kinds = [verdict.kind for verdict in judged(PUBLISH)]
    assert kinds == ["DECLARE", "insert", "begin", "update", "SET", "IF", "delete", "insert", "END", "commit"]
    assert not [verdict for verdict in judged(PUBLISH) if verdict.refused]
    assert {kind for kind in kinds if kind.isupper()} < set(CONTROL)


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("SELECT call_id FROM", "SELECT call_idd FROM", "Unrecognized name: call_idd; Did you mean call_id? [at 8:55]"),
        ("SET is_newest = (SELECT MAX(run_id) = 'r;1'", "SET is_newest = (SELECT MAX(run_id)", "wants BOOL"),
        ("IF is_newest THEN", "IF 1 THEN", "IF wants BOOL, found INT64 [at 6:4]"),
        ("IF is_newest THEN", "IF is_new THEN", "Unrecognized name: is_new; Did you mean is_newest? [at 6:4]"),
        ("`_stage`;", "`_stages`;", "Table not found: p.bronze._stages [at 8:68]"),
        ("END IF;", "END;", "Syntax error"),
    ],
)
def test_a_mistake_anywhere_in_it_is_refused_with_its_position(good: str, bad: str, said: str) -> None:
    assert good in PUBLISH
    assert said in judged(PUBLISH.replace(good, bad))[-1].refused


def test_a_scripts_own_tables_and_views_are_known_and_stay_known() -> None:
    judge = Judge(
        "p", lambda dataset, table: Table({"one": "INTEGER"}) if (dataset, table) == ("silver", "made") else None
    )
    script = "CREATE TABLE silver.made AS SELECT 1.5 AS one; CREATE TEMP TABLE t AS SELECT * FROM silver.made;"
    script += "SELECT one FROM t"
    assert [verdict.refused for verdict in judge.judge(script)] == ["", "", ""]
    # The types are Google's, whatever the stand-in made of it.
    assert judge.judge("SELECT DATE_ADD(DATE '2025-01-01', INTERVAL one DAY) FROM p.silver.made")[-1].refused


def test_control_that_nobody_sent_so_far_is_not_passed_over() -> None:
    with pytest.raises(UnknownControlError, match="WHILE"):
        judged("WHILE FALSE DO SELECT 1; END WHILE;")


def test_names_of_tables_are_found_in_any_spelling() -> None:
    sql = "SELECT x.a FROM `p`.`d`.`one` AS x JOIN p.d.two ON '`p.d.no`' = 'p.d.no' JOIN `p.d.three` -- p.d.not"
    assert paths(sql) == {"x.a", "p.d.one", "p.d.two", "p.d.three"}


BY_DAY = {
    ("bronze", "calls"): Table({"call_id": "STRING", "ingest_date": "DATE"}, "", "ingest_date", True),
    ("bronze", "calls_view"): Table({"call_id": "STRING", "ingest_date": "DATE"}),
    ("bronze", "guard"): Table({"call_id": "STRING", "ingest_date": "DATE"}),
}
ONE_DAY = "ingest_date = DATE '2025-11-20'"


def by_day(script: str) -> Verdict:
    judge = Judge("p", lambda dataset, table: BY_DAY.get((dataset, table)))
    judge.judge("CREATE VIEW `p`.`bronze`.`calls_view` AS SELECT * FROM `p`.`bronze`.`calls`")
    return judge.judge(script)[-1]


@pytest.mark.parametrize(
    "script",
    [
        f"SELECT * FROM bronze.calls WHERE {ONE_DAY}",
        f"SELECT * FROM bronze.calls_view WHERE {ONE_DAY}",
        f"DELETE FROM bronze.calls WHERE {ONE_DAY}",
        f"MERGE bronze.calls t USING bronze.guard s ON t.call_id = s.call_id AND t.{ONE_DAY} WHEN MATCHED THEN DELETE",
        "SELECT * FROM bronze.guard",
        "CREATE VIEW bronze.other AS SELECT * FROM bronze.calls",
    ],
)
def test_a_table_that_wants_a_filter_is_asked_with_one(script: str) -> None:
    assert by_day(script).refused == ""


@pytest.mark.parametrize(
    "script",
    [
        "SELECT COUNT(*) FROM bronze.calls",
        "SELECT * FROM bronze.calls_view",
        "SELECT * FROM bronze.calls WHERE ingest_date = (SELECT MAX(ingest_date) FROM bronze.guard)",
        "SELECT * FROM bronze.calls WHERE CAST(ingest_date AS STRING) = '2025-11-20'",
        "DELETE FROM bronze.calls WHERE call_id = 'c'",
        "MERGE bronze.calls AS t USING bronze.guard AS s ON t.call_id = s.call_id WHEN MATCHED THEN DELETE",
        "INSERT INTO bronze.guard (call_id) SELECT call_id FROM bronze.calls",
        "DECLARE n INT64 DEFAULT (SELECT COUNT(*) FROM bronze.calls)",
    ],
)
def test_without_one_it_is_refused_in_bigquerys_words(script: str) -> None:
    said = "Cannot query over table 'p.bronze.calls' without a filter over column(s) 'ingest_date' that can be used"
    assert by_day(script).refused.startswith(said)
