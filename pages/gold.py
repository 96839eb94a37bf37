"""Gold's aggregates, read from the warehouse as columns; nothing here reads a row of a complaint, customer or agent."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, assert_never

import duckdb

from jobs.bronze import Answer
from jobs.clients.location import ROOT
from jobs.config.environment import Environment
from jobs.config.warehouses import BigQueryWarehouse, DeltaWarehouse, SnowflakeWarehouse
from jobs.errors import ConfigurationError, NotArrivedError, PlatformError

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
    try:
        match environment.warehouse:
            case DeltaWarehouse():  # there dbt builds Gold in one DuckDB file
                found = _of_duckdb(_queries(os.environ.get("CORETELECOMS_GOLD", "coretelecoms_gold")))
            case BigQueryWarehouse() as warehouse:
                from jobs.bronze import bigquery

                found = bigquery.answers(warehouse, environment, _queries(f"`{warehouse.project}`.{warehouse.gold}"))
            case SnowflakeWarehouse() as warehouse:
                from jobs.bronze import snowflake

                found = snowflake.answers(warehouse, _queries(f"{warehouse.database}.{warehouse.gold}"))
            case _ as unknown:
                assert_never(unknown)
    except NotArrivedError as error:
        raise GoldIsMissingError(f"Gold lacks something; build it: ./dbt.sh build ({error})") from error
    return {name: _columns(*answer) for name, answer in found.items()}


def _queries(gold: str) -> dict[str, str]:
    return {name: query.format(gold=gold) for name, query in QUERIES.items()}


def _of_duckdb(queries: dict[str, str]) -> dict[str, Answer]:
    found = {}
    with _opened() as connection:
        for name, query in queries.items():
            try:
                answer = connection.execute(query)
            except (duckdb.CatalogException, duckdb.BinderException) as error:
                raise NotArrivedError(str(error).partition("\n")[0]) from error
            found[name] = Answer([column[0] for column in answer.description or ()], answer.fetchall())
    return found


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


def _columns(names: list[str], rows: list[tuple[Any, ...]]) -> Columns:
    return {name: [row[at] for row in rows] for at, name in enumerate(names)}
