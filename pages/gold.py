"""Gold's aggregates, read from the warehouse as columns; nothing here reads a row of a complaint, customer or agent."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, assert_never

import duckdb

from jobs.errors import ConfigurationError, PlatformError
from jobs.location import ROOT
from jobs.settings import DeltaWarehouse, Environment

Columns = dict[str, list[Any]]

# Plain SQL that the warehouses share; `{gold}` is Gold's schema.
QUERIES = {
    "daily": """
        select reported_date as day, channel, complaint_category as category, sum(complaints) as complaints,
            sum(resolved) as resolved, sum(in_progress) as in_progress, sum(backlog) as backlog,
            sum(blocked) as blocked, sum(unknown_status) as unknown_status
        from {gold}.agg_complaints_daily group by reported_date, channel, complaint_category order by 1, 2, 3""",
    "times": """
        select reported_date as day, channel, complaint_category as category, hours_bucket as bucket,
            sum(complaints) as complaints
        from {gold}.agg_resolution_time
        group by reported_date, channel, complaint_category, hours_bucket order by 1, 2, 3, 4""",
    "buckets": """
        select hours_bucket as bucket, min(from_hours) as from_hours, min(to_hours) as to_hours
        from {gold}.agg_resolution_time group by hours_bucket order by 1""",
    "agents": """
        select reported_date as day, coalesce(agent_id, 'Unknown') as agent, experience,
            sum(complaints) as complaints, sum(resolved) as resolved
        from {gold}.agg_agent_performance group by reported_date, coalesce(agent_id, 'Unknown'), experience
        order by 1, 2, 3""",
    "repeats": """
        select reported_date as day, channel, complaint_category as category, complaint_number as number,
            sum(complaints) as complaints
        from {gold}.agg_repeat_complaints
        group by reported_date, channel, complaint_category, complaint_number order by 1, 2, 3, 4""",
    # By chance alone: what the outage's state complains in as many seconds of the 28 days before.
    "outages": """
        select reported_date as day, count(*) as outages, count(complaints) as counted,
            coalesce(sum(complaints), 0) as during,
            coalesce(sum(complaints_28_days_before * counted_seconds / (28 * 86400.0)), 0) as by_chance
        from {gold}.agg_complaints_per_outage group by reported_date order by 1""",
}


class GoldIsHeldError(PlatformError):
    """Another process writes the DuckDB file."""

    exit_code = 75
    retry_helps = True


class GoldIsMissingError(ConfigurationError):
    """Nothing was built yet, or before the pages needed a table."""


def read(environment: Environment) -> dict[str, Columns]:
    """The answer of each of `QUERIES`. Raises GoldIsMissingError, GoldIsHeldError."""
    gold = os.environ.get("CORETELECOMS_GOLD", "coretelecoms_gold")
    queries = {name: query.format(gold=gold) for name, query in QUERIES.items()}
    match environment.warehouse:
        case DeltaWarehouse():  # there dbt builds Gold in one DuckDB file
            return _of_duckdb(queries)
        case _ as unknown:
            assert_never(unknown)


def _of_duckdb(queries: dict[str, str]) -> dict[str, Columns]:
    with _opened() as connection:
        try:
            return {name: _columns(connection.execute(query)) for name, query in queries.items()}
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            message = f"Gold lacks something; build it: ./dbt.sh build ({str(error).partition(chr(10))[0]})"
            raise GoldIsMissingError(message) from error


@contextmanager
def _opened() -> Iterator[duckdb.DuckDBPyConnection]:
    path = ROOT / os.environ.get("CORETELECOMS_WAREHOUSE", ".local/warehouse.duckdb")
    if not path.exists():
        raise GoldIsMissingError("there is no warehouse file; build it: ./dbt.sh build")
    try:
        connection = duckdb.connect(path, read_only=True)
    except duckdb.IOException as error:
        if "lock" in str(error):
            raise GoldIsHeldError(f"{path} is held by another process, which writes it; try later: {error}") from error
        raise ConfigurationError(f"{path}: {error}") from error
    with connection:
        yield connection


def _columns(answer: duckdb.DuckDBPyConnection) -> Columns:
    names: Sequence[str] = [column[0] for column in answer.description or ()]
    rows = answer.fetchall()
    return {name: [row[at] for row in rows] for at, name in enumerate(names)}
