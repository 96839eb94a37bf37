"""A statement of a build fails: Silver and Gold hold the old day or the new one, whole, and the next build mends it.

Silver's day and Gold's tables swap between two contents of Bronze, so that each failure stands between old and new.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from snowflake.connector import SnowflakeConnection

from demo.faithful import delivery_path, generate
from demo.outages import outages
from jobs.bronze.choice import make_bronze
from jobs.bronze.snowflake.session import execute
from jobs.contracts.source import load_contracts
from tests.building import Building, building
from tests.conftest import DAYS, NIGHTLY
from tests.s3.conftest import Cloud
from tests.s3.server import Server
from tests.snowflake.conftest import Platform, Snowflake

YESTERDAY, DAY = DAYS[:2]
STATIC = ("customers", "agents")
SMALL = ["--select", "+fact_service_outages", "agents_snapshot", "channels", "--exclude-resource-type", "test"]
WHOLE = ["--exclude-resource-type", "test"]
OF_BUILDS = ("BUILDS", "BUILD_DAYS", "NEWEST_BUILD", "INT_DAYS_BEGUN", "INT_DAYS_SETTLED")
Tables = dict[str, list[tuple[Any, ...]]]


@dataclass
class Builds:
    """A warehouse of this file's own, and one process that builds."""

    platform: Platform
    building: Building
    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    has_all: bool = True

    def build(self, *more: str) -> tuple[int, str]:
        """The day, one node after the other. Returns exit code and words."""
        return self.building.build(DAY, "--threads", "1", *more)

    def failing(self, *more: str, **which: object) -> tuple[int, str, str]:
        """A build with one statement failed. Returns exit code, words, and the statement ("": there was no such)."""
        with self.platform.snowflake.failing(**which) as failed:
            code, text = self.build(*more)
        return code, text, failed.read_text() if failed.exists() else ""

    def tables(self) -> Tables:
        """Silver and Gold by schema and name, without what dbt left on its way, and what Gold says of its builds."""
        found = {}
        with self.platform.snowflake.connect() as connection:
            for schema, name in execute(
                connection,
                "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE' "
                f"and table_schema in (upper('{self.name}_silver'), upper('{self.name}_gold'))",
            ):
                if not name.upper().endswith("__DBT_TMP") and name.upper() not in OF_BUILDS:
                    rows = execute(connection, f'select * from {schema}."{name}"')
                    found[f"{schema}.{name}"] = sorted(rows, key=repr)
        return found

    @property
    def name(self) -> str:
        return self.platform.cloud.prefix

    def swap(self) -> None:
        """Bronze's day: without every third row, or with all of them again."""
        with self.platform.snowflake.connect() as connection:
            for source, rows in self.rows.items():
                kept = rows if not self.has_all else [row for at, row in enumerate(rows) if at % 3]
                execute(connection, f"delete from {self.name}.{source} where ingest_date = '{DAY}'")
                _insert(connection, f"{self.name}.{source}", kept)
        self.has_all = not self.has_all


def _insert(connection: SnowflakeConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(f"insert into {table} values ({', '.join(['%s'] * len(rows[0]))})", rows)


def _delivered(folder: Path, source: str, day: date) -> list[dict[str, Any]]:
    if source == "service_outages":
        return outages(day)
    path = delivery_path(folder, (source, "" if source in STATIC else str(day)))
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            return list(csv.DictReader(file))
        columns = json.load(file)
    return [{name: values[at] for name, values in columns.items()} for at in next(iter(columns.values()))]


def _texts(row: dict[str, Any], headers: Iterable[str]) -> list[str | None]:
    return [None if row[header] is None else str(row[header]) for header in headers]


@pytest.fixture(scope="module")
def builds(server: Server, snow: Snowflake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builds]:
    root = tmp_path_factory.mktemp("failed")
    platform = Platform(Cloud(root, server, "failed_statements"), snow).make()
    text, name = platform.cloud.file.read_text(), platform.cloud.prefix
    layers = f'silver = "{name}_silver", gold = "{name}_gold", bronze = '
    platform.cloud.file.write_text(text.replace("bronze = ", layers))
    generate(root / "sources", [YESTERDAY, DAY], calls=30, customers=20)
    environment = platform.cloud.environment
    contracts = load_contracts(environment)
    make_bronze(environment).dbt_variables(contracts.values())
    with building(platform.cloud.file, "snowflake", root / "dbt") as process:
        builds = Builds(platform, process)
        with snow.connect() as connection:
            for source, contract in contracts.items():
                for day in (YESTERDAY, DAY):
                    builds.rows[source] = [
                        (*_texts(row, contract.columns), "2026-01-01 00:00:00", source, source, "R1", None, str(day))
                        for row in _delivered(root / "sources", source, day)
                    ]
                    _insert(connection, f"{name}.{source}", builds.rows[source])
        yield builds


def is_whole(builds: Builds, *more: str, **which: object) -> str:
    """Fail a statement on the way to Bronze's other content, and build again. Returns the statement."""
    before = builds.tables()
    builds.swap()
    code, text, failed = builds.failing(*more, **which)
    between = builds.tables()
    if not failed:
        assert code == 0, text
        return ""
    mended, words = builds.build(*more)
    after = builds.tables()
    assert mended == 0, words
    torn = {
        name: (len(before[name]), len(rows), len(after[name]))
        for name, rows in between.items()
        if rows not in (before[name], after[name])
    }
    assert torn == {}, failed
    changed = [name for name in after if "_GOLD." in name.upper() and before[name] != after[name]]
    assert len({between[name] == before[name] for name in changed}) <= 1, failed  # of one build, all of them
    assert before.keys() == between.keys() == after.keys(), failed
    return failed


def afterwards(builds: Builds, first: int, failed: str) -> list[str]:
    """What the session that sent the statement went on with, in a word each."""
    requests = builds.platform.snowflake.requests[first:]
    session, at = next((session, at) for at, (session, sql) in enumerate(requests) if sql == failed)
    return [sql.split()[0].lower() for other, sql in requests[at + 1 :] if other == session]


@pytest.fixture(scope="module")
def built(builds: Builds) -> Builds:
    code, text = builds.build()
    assert code == 0, text
    return builds


STATEMENTS = {
    "a temporary table": "^create or replace temporary table .*stg_service_outages",
    "a day's DELETE": "^delete from .*stg_service_outages",
    "a day's INSERT": "^insert into .*stg_service_outages",
    "a day's COMMIT": "^commit\\b.*model.coretelecoms.stg_service_outages",
    "a temporary table's DROP": "^drop table .*stg_service_outages__dbt_tmp",
    "a seed's INSERT": "^insert overwrite into .*channels",
    "a seed's COMMIT": "^commit\\b.*seed.coretelecoms.channels",
    "a snapshot's MERGE": "^merge into .*agents_snapshot",
    "a view of Silver": r"^create or replace\s+view .*int_service_outages_newest",
    "a table of Gold": "^create or replace transient table .*fact_service_outages",
}
OF_PUBLICATION = {
    "the guard's UPDATE": "^update .*newest_build.* set build = case",
    "a DELETE": "^delete from .*dim_agent ",
    "the last INSERT": "^insert into .*fact_service_outages",
    "what remembers it": "^insert into .*_gold.builds",
    "the COMMIT": "^commit\\b",
}


@pytest.mark.parametrize("pattern", STATEMENTS.values(), ids=STATEMENTS)
def test_whichever_statement_fails_tables_are_old_or_new_and_the_next_build_mends_them(
    built: Builds, pattern: str
) -> None:
    assert is_whole(built, *SMALL, like=pattern)


@pytest.mark.parametrize("which", OF_PUBLICATION)
def test_a_publication_that_fails_leaves_gold_as_it_was_and_the_next_build_publishes(built: Builds, which: str) -> None:
    if which != "the last INSERT" and not NIGHTLY:
        pytest.skip("two whole builds each: make test-nightly")
    first = len(built.platform.snowflake.requests)
    failed = is_whole(built, *WHOLE, like=OF_PUBLICATION[which], behind="newest_build.* set build = case")
    assert failed
    assert afterwards(built, first, failed)[:1] == ["rollback"]


def test_a_failed_day_is_rolled_back_by_its_own_session_which_sends_nothing_more(built: Builds) -> None:
    first = len(built.platform.snowflake.requests)
    failed = is_whole(built, *SMALL, like=STATEMENTS["a day's INSERT"])
    assert afterwards(built, first, failed) == ["rollback"]


def test_a_cancelled_day_ends_with_its_session_although_no_handler_runs(built: Builds) -> None:
    """The next node's DDL must not stand in that session: it would commit the DELETE."""
    first = len(built.platform.snowflake.requests)
    failed = is_whole(built, *SMALL, like=STATEMENTS["a day's INSERT"], cancelled=True)
    assert afterwards(built, first, failed) == []


def test_a_build_whose_statement_too_many_wait_for_is_told_to_try_later(built: Builds) -> None:
    code, text, failed = built.failing(*SMALL, like=STATEMENTS["a day's DELETE"], locked=True)
    assert failed
    assert (code, "number of waiters for this lock exceeds" in text) == (75, True), text
    assert built.build(*SMALL)[0] == 0


VERB = r"\s*(create( or replace)?( temporary| transient)?( view| table)?|insert( overwrite)? into|\w+)"


def kinds(requests: Iterable[tuple[int, str]]) -> set[tuple[str, str]]:
    """Of whom (a kind of dbt's nodes; "": dbt itself, or a macro), and the words that a statement begins with."""
    found = set()
    for _, sql in requests:
        of, bare = re.search(r'"node_id": "(\w+)', sql), re.sub(r"/\*.*?\*/", "", sql, flags=re.DOTALL).lower()
        found |= {(of[1] if of else "", words[1]) for words in [re.match(VERB, bare)] if words}
    return found


def test_a_whole_build_sends_no_kind_of_statement_that_the_chain_does_not(built: Builds) -> None:
    """So that failing each of the chain's stands for all tables; those that publish Gold fail by themselves, above."""

    def sent(*more: str) -> set[tuple[str, str]]:
        first = len(built.platform.snowflake.requests)
        assert built.build(*more)[0] == 0
        return kinds(built.platform.snowflake.requests[first:])

    chain, whole = sent(*SMALL), sent(*WHOLE)
    assert {(of, verb) for of, verb in whole - chain if of and verb not in ("show", "describe", "select")} == set()
    assert {of for of, _ in whole} == {"", "model", "seed", "snapshot"}


@pytest.mark.skipif(not NIGHTLY, reason="the chain half an hour, the whole build hours: make test-nightly")
@pytest.mark.parametrize("more", [SMALL, WHOLE], ids=["a chain", "a whole build"])
def test_each_statement_of_a_build_failed_once(built: Builds, more: list[str]) -> None:
    failed = []
    while statement := is_whole(built, *more, number=len(failed) + 1):
        failed.append(statement)
    print(f"{len(failed)} statements failed, one after the other")
    assert len(failed) > 30
