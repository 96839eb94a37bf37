"""What statements read, from what the analyzer made of them."""

from datetime import date

import pytest

from tests.googlesql.engine import engine
from tests.googlesql.reads import Days, Touched, touched

CALLS = {"call_id": "STRING", "agent": "STRING", "seconds": "INT64", "ingest_date": "DATE"}
TABLES = {"p.d.calls": CALLS, "p.d.forms": CALLS, "p.d.agents": {"agent": "STRING", "name": "STRING"}}
PARTITIONS = {"p.d.calls": "ingest_date", "p.d.forms": "ingest_date"}
UNIONED = """with c as (select * from p.d.calls)
select call_id, ingest_date, agent from c union all select call_id, ingest_date, agent from p.d.forms"""
DAY, NEXT = date(2025, 11, 20), date(2025, 11, 21)
ONE: Days = (DAY, DAY)


def looked_at(sql: str) -> Touched:
    view = engine().analyze(UNIONED, TABLES)
    tables = TABLES | {"p.d.unioned": view.columns}
    return touched(engine().analyze(sql, tables), PARTITIONS, {"p.d.unioned": view})


def days_of(sql: str) -> set[Days | None]:
    return {read.days for read in looked_at(sql).reads}


@pytest.mark.parametrize(
    ("condition", "days"),
    [
        ("ingest_date = date '2025-11-20'", ONE),
        ("date '2025-11-20' = ingest_date", ONE),
        ("ingest_date between date '2025-11-20' and date '2025-11-21'", (DAY, NEXT)),
        ("ingest_date >= '2025-11-20' and ingest_date < '2025-11-21'", ONE),
        ("date '2025-11-20' <= ingest_date and agent = 'a'", (DAY, date.max)),
    ],
)
@pytest.mark.parametrize("table", ["calls", "unioned"])
def test_a_constant_says_which_days_are_read(condition: str, days: Days, table: str) -> None:
    assert days_of(f"select call_id from p.d.{table} where {condition}") == {days}


@pytest.mark.parametrize(
    "sql",
    [
        "select call_id from p.d.calls",
        "select call_id from p.d.calls where ingest_date = (select max(ingest_date) from p.d.calls)",
        "select call_id from p.d.calls where cast(ingest_date as string) = '2025-11-20'",
        "select call_id from p.d.calls where date_add(ingest_date, interval 1 day) = date '2025-11-20'",
        "select call_id from p.d.calls where ingest_date = date '2025-11-20' or agent = 'a'",
        "select call_id from p.d.calls where ingest_date = current_date()",
        """select * from (select *, row_number() over (partition by agent order by seconds) as n from p.d.calls)
        where ingest_date = date '2025-11-20'""",
        """select c.call_id from p.d.agents as a left join p.d.calls as c on a.agent = c.agent
        and c.ingest_date = date '2025-11-20' where c.ingest_date >= date '2025-11-20'""",
        "select max(ingest_date) as d from p.d.calls group by agent having d = date '2025-11-20'",
    ],
)
def test_anything_else_says_nothing(sql: str) -> None:
    assert None in {read.days for read in looked_at(sql).reads if read.table == "p.d.calls"}


@pytest.mark.parametrize(
    "sql",
    [
        "with c as (select *, agent as a from p.d.calls) select * from c where ingest_date = date '2025-11-20'",
        "select count(*) as n, ingest_date as d from p.d.unioned group by d having d = date '2025-11-20'",
        """select * from (select *, count(*) over (partition by ingest_date) as n from p.d.calls) as x
        where x.ingest_date = date '2025-11-20'""",
        """select a.name from p.d.agents as a inner join p.d.calls as c on a.agent = c.agent
        and c.ingest_date = date '2025-11-20'""",
        "create table p.d.made as select * from p.d.unioned where ingest_date = date '2025-11-20'",
        "insert into p.d.forms (call_id) select call_id from p.d.calls where ingest_date = date '2025-11-20'",
    ],
)
def test_it_holds_through_what_stands_between(sql: str) -> None:
    assert {read.days for read in looked_at(sql).reads if read.table in PARTITIONS} == {ONE}


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("select call_id from p.d.calls", {"call_id"}),
        ("select count(*) from p.d.calls", set()),
        ("select * from (select * from p.d.calls) where false and agent = 'a' limit 0", set()),
        ("select call_id from (select *, seconds + 1 as later from p.d.calls)", {"call_id"}),
        ("with c as (select * from p.d.calls) select agent from c where seconds > 1", {"agent", "seconds"}),
        ("select agent from p.d.unioned", {"agent"}),
        ("select count(*) from p.d.calls group by agent", {"agent"}),
        ("select agent from p.d.calls qualify row_number() over (order by seconds) = 1", {"agent", "seconds"}),
        ("select 1 from p.d.calls as c where exists (select 1 from p.d.forms as f where f.agent = c.call_id)",
         {"call_id"}),
        ("select call_id from p.d.calls order by seconds limit 1", {"call_id", "seconds"}),
    ],
)  # fmt: skip
def test_only_the_columns_that_are_needed_are_read(sql: str, columns: set[str]) -> None:
    assert looked_at(sql).by_table()["p.d.calls"].columns == columns


def test_values_that_are_inserted_read_what_they_ask_for() -> None:
    assert looked_at("insert into p.d.agents (agent) values ('a')").reads == ()
    asking = looked_at("insert into p.d.agents (agent) values ((select max(call_id) from p.d.calls))")
    assert {read.table for read in asking.reads} == {"p.d.calls"}


def test_several_scans_of_a_table_are_one_for_the_bill() -> None:
    sql = "select call_id from p.d.calls where ingest_date = date '2025-11-20' union all "
    found = looked_at(sql + "select agent from p.d.calls where ingest_date = date '2025-11-21'")
    (read,) = found.by_table().values()
    assert set(read.columns) == {"call_id", "agent", "ingest_date"}
    assert read.days == (DAY, NEXT)
    assert len(found.reads) == 2


def test_what_a_statement_changes_is_told_with_its_days() -> None:
    day = "ingest_date = date '2025-11-20'"
    deleted = looked_at(f"delete from p.d.calls where {day}")
    updated = looked_at(f"update p.d.calls set agent = call_id where {day}")
    using = "merge p.d.calls as t using (select agent, name from p.d.agents) as s on t.agent = s.agent"
    then = "when matched then update set call_id = s.name"
    merged = looked_at(f"{using} and t.{day} {then}")
    assert {one.changed.days for one in (deleted, updated, merged) if one.changed} == {ONE}
    assert {read.table: read.columns for read in merged.reads} == {"p.d.agents": {"agent", "name"}}
    assert [read.table for read in looked_at(f"{using} {then}").without_days()] == ["p.d.agents", "p.d.calls"]
