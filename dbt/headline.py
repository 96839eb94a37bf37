"""The numbers that Gold is for, as text."""

from collections.abc import Iterable, Iterator, Sequence

import duckdb
from errors import CONFIGURATION, BuildError
from told import tell
from warehouse import artifacts, bronze, gold_table, opened, shown, warehouse

Row = Sequence[object]

_TO_TRY = """from {0} select state_code, count(*) as customers, sum(complaints) as complaints
    where has_complained_again group by all order by complaints desc limit 5"""


def headline() -> Iterator[str]:
    """Complaints by channel and category, what became of them, who bears most; where the files are.

    Raises BuildError, also where Gold lacks a table, as after a first build that failed.
    """
    with opened(read_only=True) as connection:
        try:
            yield from _numbers(connection)
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            why = tell(str(error))
            raise BuildError(f"Gold is not whole; build it: ./dbt.sh build ({why})", CONFIGURATION) from None
    yield f"Silver and Gold: {shown(warehouse())}; Bronze: {shown(bronze())}; dbt's artifacts: {shown(artifacts())}"
    yield "A query to try:"
    yield f'  ./dbt.sh query "{_TO_TRY.format(gold_table("customer_360"))}"'


def _numbers(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    yield "Complaints by channel and category"
    yield from _table(*_by_category(connection))
    yield "Resolved, and median hours from opening to resolution (a call: its length)"
    yield from _table(["channel", "complaints", "resolved %", "median hours"], _resolution(connection))
    yield "Busiest agents"
    yield from _table(["agent", "experience", "complaints", "resolved %"], _agents(connection))
    yield "Outages during which most complaints were opened in their state (usual: as in the 28 days before)"
    yield from _table(["outage", "service", "region", "hours", "complaints", "usual"], _outages(connection))


def _by_category(connection: duckdb.DuckDBPyConnection) -> tuple[list[str], list[Row]]:
    relation = connection.sql(
        f"""PIVOT {gold_table("agg_complaints_daily")} ON complaint_category
        USING coalesce(sum(complaints), 0)::BIGINT GROUP BY channel ORDER BY channel"""
    )
    return relation.columns, list(relation.fetchall())


def _resolution(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    relation = connection.sql(
        f"""SELECT coalesce(channel, 'all'), count(*), round(100 * avg(is_resolved::INT), 1),
            round(median(resolution_seconds) / 3600, 1)
        FROM {gold_table("fact_complaints")} GROUP BY ROLLUP (channel) ORDER BY grouping(channel), channel"""
    )
    return list(relation.fetchall())


def _agents(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    relation = connection.sql(
        f"""SELECT agent_id, max(experience), sum(complaints)::BIGINT,
            round(100.0 * sum(resolved) / sum(complaints), 1)
        FROM {gold_table("agg_agent_performance")} WHERE agent_key <> 'unknown'
        GROUP BY agent_id ORDER BY 3 DESC, 1 LIMIT 5"""
    )
    return list(relation.fetchall())


def _outages(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    relation = connection.sql(
        f"""SELECT outage_id, service, region, round(counted_seconds / 3600, 1), complaints,
            round(complaints_28_days_before * counted_seconds / (28 * 24 * 3600), 1)
        FROM {gold_table("agg_complaints_per_outage")} WHERE complaints > 0 ORDER BY complaints DESC, 1 LIMIT 5"""
    )
    return list(relation.fetchall())


def _table(names: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    cells = [list(names), *([_cell(value) for value in row] for row in rows)]
    columns = [list(column) for column in zip(*cells, strict=True)]
    numeric = [not any(character.isalpha() for cell in column[1:] for character in cell) for column in columns]
    widths = [max(map(len, column)) for column in columns]
    for row in cells:
        yield "  " + "  ".join(map(_padded, row, widths, numeric)).rstrip()
    yield ""


def _padded(cell: str, width: int, numeric: bool) -> str:
    return cell.rjust(width) if numeric else cell.ljust(width)


def _cell(value: object) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int | float) else str(value)
