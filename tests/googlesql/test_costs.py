"""What a day costs in BigQuery: which partitions its statements read, and that it grows by looks at keys alone."""

from dataclasses import replace

import pytest

from tests.googlesql import costs, project
from tests.googlesql.costs import Statement, Table
from tests.googlesql.lint import bronze
from tests.googlesql.reads import Read, Touched
from tests.googlesql.test_project import changed

# Who looks at all days, at these columns: which complaints the days can change is known by all their deliveries. What
# reads the two feeds that are static, or hold some rows a day, is no more by a day's history.
OF_ALL_DAYS = {
    "changed_deliveries": {"channel", "complaint_id", "delivered_rows", "ingest_date"},
    "staged_and_clean_balance": {"delivered_rows", "ingest_date"},
}
LITTLE = 10 * costs.MB
TODAY = f"date '{costs.DAY}'"
SMALL = {"stg_agents", "stg_customers", "stg_service_outages", "int_days_begun", "int_days_built", "int_days_settled"}


@pytest.fixture(scope="module")
def day() -> list[Statement]:
    return costs.statements()


@pytest.fixture(scope="module")
def sizes() -> dict[str, Table]:
    return costs.sizes()


def without_days(found: list[Statement], sizes: dict[str, Table]) -> set[tuple[str, str]]:
    """Who reads, or changes, all days of which table of Bronze or Silver."""
    layers = tuple(f"{project.PROJECT}.coretelecoms_{layer}." for layer in ("bronze", "silver"))
    return {
        (one.what, read.table.rpartition(".")[2])
        for one in found
        for read in one.touched.without_days()
        if sizes[read.table].by and read.table.startswith(layers)
    }


def test_every_scan_is_limited_to_the_day_by_constants_but_for_looks_at_keys(
    day: list[Statement], sizes: dict[str, Table]
) -> None:
    others = [one for one in day if one.what not in OF_ALL_DAYS and one.layer != "pages"]
    assert {table for _, table in without_days(others, sizes)} <= SMALL
    assert not [one for one in without_days(day, sizes) if one[1] in {name.rpartition(".")[2] for name in bronze()}]
    limited = [read for one in others for read in one.touched.reads if read.days and one.layer.startswith("Silver")]
    assert {read.days for read in limited} == {(costs.DAY, costs.DAY)}
    assert len(limited) > 30


def test_what_is_deleted_or_merged_is_of_the_day(day: list[Statement], sizes: dict[str, Table]) -> None:
    changed = {one.touched.changed for one in day if one.touched.changed and one.layer != "publication"}
    assert {read.days for read in changed if sizes[read.table].by} == {(costs.DAY, costs.DAY)}
    assert len([read for read in changed if sizes[read.table].by]) == 6 + 10  # of Bronze, and of Silver
    others = {read.table.rpartition(".")[2] for read in changed if not sizes[read.table].by}
    assert others == {"agents_snapshot", *(f"_publish_{feed}" for feed in (*costs.ROWS_A_DAY, *costs.ROWS_ONCE))}


@pytest.mark.parametrize(
    ("file", "planted"),
    [
        ("stg_call_logs.sql", f"date_add(ingest_date, interval 0 day) = {TODAY}"),
        ("stg_call_logs.sql", "ingest_date = (select max(ingest_date) from `p`.`coretelecoms_bronze`.`agents`)"),
        ("complaints_clean.sql", f"(ingest_date = {TODAY} or customer_id is null)"),
        ("int_days_built.sql", "cast(ingest_date as string) <> ''"),
        ("bronze_and_silver_balance.sql", "ingest_date <= current_date()"),
    ],
)
def test_a_filter_that_is_no_constant_is_found(sizes: dict[str, Table], file: str, planted: str) -> None:
    nodes = project.nodes(later=True, day=costs.DAY)
    other = changed(nodes, file, lambda sql: sql.replace(f"ingest_date between {TODAY} and {TODAY}", planted))
    looked_at = [node for node in other if node.name == file.removesuffix(".sql") or node.materialized == "view"]
    assert without_days(costs.of_build(looked_at), sizes)


def test_only_looks_at_keys_cost_more_with_each_day(day: list[Statement], sizes: dict[str, Table]) -> None:
    """Aggregates grow too, by some rows a day: a hundredth part of it."""
    year, later = ([one.billed(sizes, history) for one in day] for history in (365, 1095))
    grown = {one: after - before for one, before, after in zip(day, year, later, strict=True) if after > before}
    looks = {one for one in grown if one.what in OF_ALL_DAYS}
    assert {one.what for one in looks} == set(OF_ALL_DAYS)
    for one in looks:
        for read in one.touched.without_days():
            assert read.columns <= OF_ALL_DAYS[one.what] or sizes[read.table].bytes(read, 1095) < LITTLE, read
    assert sum(more for one, more in grown.items() if one not in looks) < 0.01 * sum(grown.values())


def test_bytes_are_those_of_columns_and_days() -> None:
    table = Table({"a": 10.0, "b": 100.0}, daily=2, once=1, by="ingest_date")
    day, before = costs.DAY, costs.DAY.replace(day=20)
    assert table.bytes(Read("t", frozenset({"a"}), (day, day)), history=30) == 20
    assert table.bytes(Read("t", frozenset({"a", "b"}), (before, day)), history=30) == 440
    assert table.bytes(Read("t", frozenset({"a"}), None), history=30) == 610
    assert table.bytes(Read("t", frozenset(), None), history=30) == 0
    assert table.bytes(Read("t", frozenset({"a"}), (day, day)), history=1) == 30


def test_at_least_ten_megabytes_a_table_are_billed_and_nothing_for_nothing() -> None:
    tables = {"t": Table({"a": 1.0}, once=1), "u": Table({"a": 1.0}, once=11 * costs.MB + 1)}
    both = Statement("", "", "query", Touched((Read("t", frozenset("a"), None), Read("u", frozenset("a"), None))))
    assert both.billed(tables, 1) == (10 + 12) * costs.MB
    none = replace(both, touched=Touched((Read("t", frozenset(), None),)))
    assert none.billed(tables, 1) == 0


def test_the_default_limit_suffices_for_three_years_also_to_build_all_anew(day: list[Statement]) -> None:
    anew, sizes = costs.of_build(project.nodes(later=False)), costs.sizes(anew=True)
    largest = max(one.billed(sizes, 3 * 365) for one in [*day, *anew])
    assert largest < costs.MAXIMUM < 1.5 * largest


def test_the_document_shows_what_is_computed(day: list[Statement], sizes: dict[str, Table]) -> None:
    text = costs.DOCUMENT.read_text(encoding="utf-8")
    assert costs.written(text, costs.table(day, sizes)) == text, "make bigquery-costs"
