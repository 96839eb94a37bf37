"""Gold's aggregates, read from the warehouse as columns; nothing here reads a row of a complaint, customer or agent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.bronze.bronze import Bronze, GoldIsHeldError, GoldIsMissingError
from jobs.bronze.choice import make_bronze
from jobs.config.environment import Environment
from jobs.errors import NotArrivedError

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
# Of a Gold that was built before builds had names, and of an export without Silver, there is no answer.
BUILD = """
    select newest.build, builds.published_at
    from {gold}.newest_build as newest
    left join {gold}.builds as builds on newest.build = builds.build"""
BEHIND = """
    select count(*) as days
    from {silver}.int_days_settled as settled
    left join {gold}.build_days as built on settled.feed = built.feed and settled.ingest_date = built.ingest_date
    where built.written_by is null or built.written_by <> settled.settled_by"""
_TRIES = 3


@dataclass(frozen=True)
class Build:
    """Which build of Gold the numbers are of; `behind`: days of sources that Silver has as Gold has them not yet."""

    name: str
    published_at: datetime
    behind: int


def read(environment: Environment) -> tuple[dict[str, Columns], Build | None]:
    """The answer of each of `QUERIES`, all of one build. Raises GoldIsMissingError, GoldIsHeldError."""
    bronze = make_bronze(environment)
    for _ in range(_TRIES):
        before = _read_build(bronze)
        try:
            answers = bronze.query(QUERIES)
        except NotArrivedError as error:
            raise GoldIsMissingError(f"Gold lacks something; build it: ./dbt.sh build ({error})") from error
        build = _read_build(bronze)
        if (before and before.name) == (build and build.name):
            return {name: _columns(*answer) for name, answer in answers.items()}, build
    raise GoldIsHeldError(f"Gold was published anew each of {_TRIES} times that it was read; try later")


def _read_build(bronze: Bronze) -> Build | None:
    for name, published_at in _ask(bronze, BUILD):
        if published_at:
            behind = _ask(bronze, BEHIND)
            return Build(name, published_at, behind[0][0] if behind else 0)
    return None


def _ask(bronze: Bronze, query: str) -> list[tuple[Any, ...]]:
    """No row where the tables are not there."""
    try:
        return bronze.query({"build": query})["build"].rows
    except NotArrivedError:
        return []


def _columns(names: list[str], rows: list[tuple[Any, ...]]) -> Columns:
    return {name: [row[at] for row in rows] for at, name in enumerate(names)}
