"""All SQL of the project as BigQuery gets it, analysed without a server: `make test-sql`."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.googlesql import project
from tests.googlesql.lint import analysis, bronze, documented, everything, guards, look_at, views
from tests.googlesql.project import PROJECT, Node

# As they were until the analyzer saw them: what to put back, where.
HIDDEN = ("from complaints as facts", "from complaints"), ("facts.", "complaints.")
THE_THREE = [
    pytest.param(
        "bronze_and_silver_balance.sql",
        (("as bronze_rows", "as in_bronze"), ("as silver_rows", "as in_silver")),
        "Aggregations of aggregations are not allowed",
        id="an output in HAVING",
    ),
    pytest.param(
        "dim_date.sql",
        (("cast(series.generated_number as INT64)", "series.generated_number"),),
        "Interval value must be coercible to INT64",
        id="FLOAT64 as a number of days",
    ),
    pytest.param("agg_resolution_time.sql", HIDDEN, "not allowed in GROUP BY", id="an alias hides its table"),
]


def changed(nodes: list[Node], file: str, change: Callable[[str], str]) -> list[Node]:
    (node,) = (node for node in nodes if node.file.endswith(file) and node.sql)
    other = change(node.sql)
    assert other != node.sql
    return [replace(one, sql=other) if one is node else one for one in nodes]


def test_bigquery_takes_all_that_goes_there() -> None:
    found = everything()
    assert found.wrong == []
    assert found.analysed > 70


def test_bigquery_takes_what_an_environment_with_fewer_sources_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORETELECOMS_SOURCES", "call_logs")
    nodes = project.nodes(later=False)
    read = {table for node in nodes for table in re.findall("`coretelecoms_bronze`[.]`(\\w+)`", node.sql)}
    assert read == {"call_logs"}
    found = look_at(nodes, project.nodes(later=True))
    assert found.wrong == []
    assert found.analysed > 70


def test_bigquery_takes_a_channel_that_a_source_contract_describes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A moment and a day are compared, a key is of two columns, words are mapped."""
    texts = {"opened": "started_at_as_delivered", "resolved": "report_date_as_delivered"}
    channel = {"feed": "service_outages", "channel": "Outage", "key": "outage", "ids": ["outage_id", "service"]}
    columns = {"opened": "started_at", "resolved": "report_date", "status": "cause", "category": "service"}
    others = {"customer": None, "agent": "region", "has_unreadable_date": True}
    words = {"statuses": {"fixed": "Resolved"}, "categories": {"voice": "Network Failure"}}
    described = channel | columns | others | words | {"texts": texts | {"status": "cause", "category": "service"}}
    monkeypatch.setenv("CORETELECOMS_COMPLAINTS", json.dumps([described]))
    nodes = project.nodes(later=False)
    (unioned,) = (node for node in nodes if node.name == "int_complaints_unioned")
    assert "'Outage' as channel" in unioned.sql
    assert look_at(nodes).wrong == []


def test_both_kinds_of_build_were_looked_at() -> None:
    first, later = project.nodes(later=False), project.nodes(later=True)
    assert [node.name for node in first] == [node.name for node in later]
    assert {node.kind for node in first} == {"model", "snapshot", "seed", "test", "analysis"}
    incremental = [node.name for node in first if node.is_incremental]
    assert len(incremental) == 10


@pytest.mark.parametrize(("file", "before", "said"), THE_THREE)
def test_each_of_the_three_is_refused_as_it_was(file: str, before: tuple[tuple[str, str], ...], said: str) -> None:
    def as_it_was(sql: str) -> str:
        for now, then in before:
            assert now in sql
            sql = sql.replace(now, then)
        return sql

    line = look_at(changed(project.nodes(later=False), file, as_it_was)).wrong[0]  # others follow from it
    assert file in line
    assert said in line
    assert "[at " in line


@pytest.mark.parametrize(
    ("file", "now", "then", "said"),
    [
        ("dim_agent.sql", "is_listed", "is_listedd", "Unrecognized name: is_listedd"),
        ("complaints_clean.sql", "qualify", "where has_unreadable_date = 1 qualify", "argument types: BOOL, INT64"),
        ("dim_channel.sql", "media_channel", "media_chanel", "media_chanel"),
        ("agg_complaints_daily.sql", "cast(count(*) as bigint)", "count(*) / 1", "FLOAT64, its contract says INT64"),
    ],
)
def test_a_mistake_in_a_model_is_found(file: str, now: str, then: str, said: str) -> None:
    wrong = look_at(changed(project.nodes(later=False), file, lambda sql: sql.replace(now, then))).wrong
    assert any(file in line and said in line for line in wrong), wrong


def test_x7_the_analysts_views_show_all_of_bronze_but_what_tells_of_persons() -> None:
    tables = bronze() | guards()
    shown = {source: analysis(sql, tables) for source, sql in views().items()}
    assert {source: refused for source, (_, refused) in shown.items() if refused} == {}
    left_out = {
        source: {*tables[f"{PROJECT}.coretelecoms_bronze.{source}"]} - {*of} for source, (of, _) in shown.items()
    }
    customers = {"name", "gender", "date_of_birth", "signup_date", "email", "address", "_rescued"}
    assert left_out == {source: {"_rescued"} for source in shown} | {
        "customers": customers,
        "agents": {"name", "_rescued"},
    }


def test_sql_in_documents_is_looked_at() -> None:
    assert documented("x\n```sql\nselect 1;\nselect 2\n```\n```bash\nls\n```\n") == ["select 1", "\nselect 2\n"]
