"""What only real Snowflake can prove, in a scratch schema and a scratch prefix of the lake, removed at the end.

    python -m tests.snowflake.verify [--env snowflake] [--integration NAME]

Account, role, warehouse, database and key are the environment's; the role needs CREATE SCHEMA on the database and USAGE
of the storage integration that reads the lake. Costs seconds of the smallest warehouse. Exit 1: a check failed.
"""

import argparse
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date
from typing import Any

from jobs.bronze.bronze import Bronze
from jobs.bronze.choice import make_bronze
from jobs.bronze.snowflake.session import connect, execute
from jobs.clients import store
from jobs.clients.location import S3Location
from jobs.config.environment import ROOT, Environment, load_environment
from jobs.config.warehouses import SnowflakeWarehouse
from jobs.errors import BalanceError, ConfigurationError, PlatformError
from jobs.pipeline.load import stage_audit_publish
from tests.conftest import DAY, DAYS
from tests.manifests import MOMENT, contract_of
from tests.snowflake.landing import land


@dataclass(frozen=True)
class Scratch:
    """A schema and a prefix of this run's own."""

    environment: Environment
    warehouse: SnowflakeWarehouse
    lake: S3Location

    @property
    def bronze(self) -> Bronze:
        return make_bronze(self.environment.model_copy(update={"warehouse": self.warehouse, "lake": self.lake}))

    def load(
        self, run_id: str, rows: int, log: Callable[[str], None] = lambda event: None, day: date = DAY
    ) -> tuple[str, int]:
        manifest = land(self.lake, run_id, rows, day)
        return stage_audit_publish(self.bronze, contract_of("agent_id"), manifest, log)

    def held(self) -> dict[str, tuple[str, int]]:
        return {str(day): run for day, run in self.bronze.published("agents").items()}

    def ask(self, statement: str) -> list[Any]:
        with connect(self.warehouse, {"step": "verify"}) as connection:
            return execute(connection, statement)

    def table(self, name: str) -> str:
        return f"{self.warehouse.database}.{self.warehouse.bronze}.{name}"


def every_row_is_there(scratch: Scratch) -> bool:
    for day in DAYS:
        scratch.load("R1", 1000, day=day)
    return scratch.held() == {str(day): ("R1", 1000) for day in DAYS}


def a_replay_replaces_its_day(scratch: Scratch) -> bool:
    return scratch.load("R3", 500) == ("R3", 500) and scratch.held()[str(DAYS[0])] == ("R1", 1000)


def an_older_run_stays_away(scratch: Scratch) -> bool:
    return scratch.load("R2", 700) == ("R3", 500)


def a_row_lost_in_staging_is_refused(scratch: Scratch) -> bool:
    def lose(event: str) -> None:
        if event == "staged":
            tables = f"select table_name from {scratch.warehouse.database}.information_schema.tables"
            named = f"table_schema = upper('{scratch.warehouse.bronze}') and startswith(table_name, '_STAGING_AGENTS_')"
            ((staging,),) = scratch.ask(f"{tables} where {named}")
            scratch.ask(f"delete from {scratch.table(staging)} where agent_id = '7'")

    try:
        scratch.load("R4", 100, lose)
    except BalanceError:
        return scratch.held()[str(DAY)] == ("R3", 500)
    return False


def moments_keep_their_microseconds(scratch: Scratch) -> bool:
    found = scratch.ask(f"select distinct _ingested_at from {scratch.table('agents')}")
    return found == [(MOMENT.replace(tzinfo=None),)]


def a_second_publisher_waits_for_the_first(scratch: Scratch) -> bool:
    guard = f"update {scratch.table('_publish')} set run_id = run_id where source = 'agents' and ingest_date is null"
    with connect(scratch.warehouse, {"step": "verify"}) as first, ThreadPoolExecutor(1) as pool:
        execute(first, "begin")
        execute(first, guard)
        second = pool.submit(scratch.ask, guard)
        has_waited = not wait([second], timeout=5).done
        execute(first, "commit")
        try:
            second.result()
        except PlatformError:
            return False
    return has_waited


def statements_bear_the_query_tag(scratch: Scratch) -> bool:
    try:
        found = scratch.ask("select query_tag from table(information_schema.query_history()) where query_tag <> ''")
    except PlatformError:  # the stand-in has no history
        return False
    return any('"step": "load"' in tag for (tag,) in found)


CHECKS: tuple[Callable[[Scratch], bool], ...] = (
    every_row_is_there,
    a_replay_replaces_its_day,
    an_older_run_stays_away,
    a_row_lost_in_staging_is_refused,
    moments_keep_their_microseconds,
    a_second_publisher_waits_for_the_first,
    statements_bear_the_query_tag,
)


def verify(scratch: Scratch) -> bool:
    """Every check is printed."""
    found = []
    for check in CHECKS:
        found.append(check(scratch))
        print(f"{'ok    ' if found[-1] else 'FAILED'}  {check.__name__.replace('_', ' ')}", flush=True)
    return all(found)


def main(given: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.snowflake.verify", description=__doc__)
    parser.add_argument("--env", default="snowflake", help="[snowflake]")
    parser.add_argument("--integration", help="the storage integration that may read the lake")
    asked = parser.parse_args(given)
    environment = load_environment(asked.env)
    if not isinstance(environment.warehouse, SnowflakeWarehouse) or not isinstance(environment.lake, S3Location):
        raise ConfigurationError(f"environment {asked.env}: its Bronze is not in Snowflake")
    name = f"coretelecoms_verify_{secrets.token_hex(4)}"
    lake = environment.lake / "scratch" / name
    warehouse = environment.warehouse.model_copy(update={"bronze": name, "stage": f"{name}.lake"})
    scratch = Scratch(environment, warehouse, lake)
    schema = f"{warehouse.database}.{name}"
    integration = f" storage_integration = {asked.integration}" if asked.integration else ""
    with connect(environment.warehouse, {"step": "verify"}) as connection:
        try:
            execute(connection, f"create schema {schema}")
            execute(connection, f"create stage {schema}.lake url = '{lake}'{integration}")
            return 0 if verify(scratch) else 1
        finally:
            execute(connection, f"drop schema if exists {schema} cascade")
            store.discard(lake)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
