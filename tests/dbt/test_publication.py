"""Gold is published whole or not at all: whatever fails or is killed, readers see one build."""

import json
import os
import re
import shutil
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest
import query

from tests.conftest import NIGHTLY
from tests.dbt.world import DAYS, ROOT, World, product

GOLD, BUILD = "coretelecoms_gold", "coretelecoms_gold_build"
TABLES = sorted(path.stem for path in (ROOT / "dbt/models/gold").rglob("*.sql") if path.parent.name != "changed")
# Of each table a test that fails; the others only by night, for each is a build.
PLANTED = TABLES if NIGHTLY else ["agg_complaints_daily", "dim_customer_private"]

Gold = dict[str, Any]


def seen(connection: duckdb.DuckDBPyConnection) -> Gold:
    """All that readers may see, each table as a number of rows and a hash of them; of the guard row not who builds."""
    connection.begin()
    names = connection.execute(
        f"SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('{GOLD}', '{GOLD}_private')"
    ).fetchall()
    found: Gold = {
        name: connection.execute(f"SELECT count(*), bit_xor(hash(rows)) FROM {name} AS rows").fetchone()
        for (name,) in names
    }
    found[f"{GOLD}.newest_build"] = connection.execute(f"SELECT build, version FROM {GOLD}.newest_build").fetchall()
    connection.rollback()
    return found


def seen_in(file: Path) -> Gold:
    with duckdb.connect(file) as connection:
        return seen(connection)


def correct(world: World) -> None:
    """Each table of Gold is another one after it, but for the calendar and the channels."""
    first, *others = world.delivered("call_logs", DAYS[1])
    world.land("call_logs", DAYS[1], [first | {"resolution_status": "Blocked", "call_id": "new"}, *others[20:]])
    world.land("customers", DAYS[1], [row | {"name": "Other", "gender": ""} for row in world.delivered("customers")])
    agents = [row | {"experience": "Intern", "name": "Other"} for row in world.delivered("agents")]
    world.land("agents", DAYS[1], agents)
    world.land("service_outages", DAYS[1], world.delivered("service_outages", DAYS[1])[3:])


def test_silver_that_is_older_than_what_gold_was_published_from_is_not_published(world: World) -> None:
    before = seen_in(world.file)
    with duckdb.connect(world.file) as connection:  # as another copy of Silver has it
        for table, column in (("int_days_begun", "begun_by"), ("int_days_settled", "settled_by")):
            connection.execute(
                f"UPDATE coretelecoms_silver.{table} SET {column} = '2000-01-01' "
                f"WHERE feed = 'call_logs' AND ingest_date = '{DAYS[0]}'"
            )

    with pytest.raises(product.BuildError, match="silver_is_as_new_as_gold") as caught:
        world.build(DAYS[1])

    assert caught.value.code == 65
    assert seen_in(world.file) == before


@pytest.mark.parametrize("table", PLANTED)
def test_a_failed_test_of_any_table_leaves_gold_as_it_was_and_what_was_built_beside_it(
    world: World, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    project = world.root / "planted"
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(ROOT / "dbt", project, ignore=shutil.ignore_patterns("__pycache__"))
    (project / "tests/planted.sql").write_text(f"select 1 as wrong from {{{{ ref('{table}') }}}} limit 1")
    monkeypatch.setattr(product, "PROJECT", project)
    before = seen_in(world.file)
    correct(world)

    with pytest.raises(product.BuildError, match="planted") as caught:
        world.build(DAYS[1])

    assert caught.value.code == 65
    ((build,),) = world.ask(f"SELECT build FROM {GOLD}.newest_build")
    assert f"Gold is as it was (build {build}); what was built beside it is in {BUILD}" in str(caught.value)
    assert seen_in(world.file) == before
    asked = "SELECT count(*) FROM fact_complaints WHERE complaint_id = 'new'"
    assert list(query.show(asked, of_build=True))[2:] == ["1", "1 rows"]


@pytest.fixture
def script(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that publish a build of a corrected day, which are then not sent."""
    sent: list[str] = []
    correct(world)
    listen = product.listen

    def hear(said: list[str], event: Any) -> None:
        listen(said, event)
        if event.info.name == "SQLQuery" and "begin transaction" in event.data.sql:
            sent.append(event.data.sql)

    monkeypatch.setattr(product, "listen", hear)
    shutil.copy(world.file, world.root / "unpublished.duckdb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(product.gold, "publish", lambda *_: None)
        world.build(DAYS[1])
        shutil.copy(world.file, world.root / "unpublished.duckdb")
    world.build(DAYS[1])
    (text,) = sent
    shutil.copy(world.root / "unpublished.duckdb", world.file)
    with duckdb.connect(world.file) as connection:
        building = re.findall(r"building = '(\w+)'", text)[:1]
        connection.execute(f"UPDATE {GOLD}.newest_build SET building = ?", building)
    return [statement for statement in text.partition("*/")[2].strip().split(";\n") if statement.strip()]


def test_killed_at_any_statement_of_a_publication_gold_is_the_old_one_or_the_new_one(
    world: World, script: list[str]
) -> None:
    before = seen_in(world.file)
    assert len(script) > 2 * len(TABLES)
    assert "commit" in script[-1]
    for number in range(len(script) + 1):
        file = world.root / f"killed-{number}.duckdb"
        shutil.copy(world.file, file)
        _publish_until(number, file, script)
        after = seen_in(file)
        assert (after == before) == (number < len(script)), script[number - 1]
        file.unlink()
        file.with_suffix(".duckdb.wal").unlink(missing_ok=True)
    same = {name for name, rows in after.items() if rows == before[name]}
    assert same <= {f"{GOLD}.dim_channel", f"{GOLD}.dim_date"}


def _publish_until(number: int, file: Path, script: list[str]) -> None:
    """In a process that kills itself before that statement, or after the last one."""
    if child := os.fork():
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        return
    with suppress(duckdb.Error), duckdb.connect() as connection:
        connection.execute(f"ATTACH '{file}' AS warehouse")
        for statement in script[:number]:
            connection.execute(statement)
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(1)


def test_a_reader_meets_one_build_at_a_time(world: World, script: list[str]) -> None:
    with duckdb.connect(world.file) as writer, writer.cursor() as reader:
        before = seen(reader)
        for statement in script[:-1]:
            writer.execute(statement)
            assert seen(reader) == before, statement
        writer.execute(script[-1])
        assert seen(reader) != before


def test_of_two_builds_that_began_with_the_same_the_second_publishes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = product.gold.prepare

    def while_another_publishes(ask: Any) -> Any:
        found = prepare(ask)
        with duckdb.connect(world.file) as connection:
            connection.execute(f"UPDATE {GOLD}.newest_build SET build = 'theirs'")
        return found

    monkeypatch.setattr(product.gold, "prepare", while_another_publishes)
    correct(world)
    before = seen_in(world.file) | {f"{GOLD}.newest_build": None}

    with pytest.raises(
        product.BuildError, match="another build was published meanwhile, or is at work: theirs"
    ) as caught:
        world.build(DAYS[1])

    assert caught.value.code == 75
    assert seen_in(world.file) | {f"{GOLD}.newest_build": None} == before


def test_a_second_build_ends_at_once_and_names_the_first_until_that_ended_or_was_killed(world: World) -> None:
    """As two machines ask a cloud's warehouse; here a lock on the file comes before."""
    parsed = product.invoke("parse")
    now, before = "2025-12-01 12:00:00", "2025-12-01 11:00:00"

    def ask(build: str, ours: str, at: str = now, before: str = before) -> list[str]:
        said: list[str] = []
        given = {"build": f"{build}{ours}", "version": "v", "at": at, "before": before, "ours": ours}
        product.invoke("run-operation", "prepare_gold", "--args", json.dumps(given), parsed=parsed, said=said)
        return said

    assert "gold holds" in ask("1", "-here")[-1]
    assert "another build is at work: 1-here, since 2025-12-01 12:00:00" in " ".join(ask("2", "-there"))
    assert "gold holds" in ask("3", "-here")[-1], "that one was killed: a lock of its machine would say otherwise"
    product.invoke("run-operation", "yield_gold", "--args", '{"build": "3-here"}', parsed=parsed)
    assert "gold holds" in ask("4", "-there")[-1]
    assert "gold holds" in ask("5", "-here", "2025-12-01 13:00:01", "2025-12-01 12:00:01")[-1]


def test_a_build_says_what_it_published_and_upon_what(world: World) -> None:
    ((base,),) = world.ask(f"SELECT build FROM {GOLD}.newest_build")
    world.build(DAYS[1], DAYS[2])
    ((build,),) = world.ask(f"SELECT build FROM {GOLD}.newest_build")
    assert world.ask(f"SELECT build, base, first_day, last_day FROM {GOLD}.builds ORDER BY published_at, build") == [
        (base, "", None, None),
        (build, base, DAYS[1], DAYS[2]),
    ]


def test_columns_that_came_or_went_since_an_older_version_come_and_go(world: World) -> None:
    before = world.tables()
    with product.opened() as connection:
        connection.execute(f"ALTER TABLE {GOLD}.dim_agent ADD COLUMN agent_name VARCHAR DEFAULT 'Ada'")
        connection.execute(f"ALTER TABLE {GOLD}.agg_complaints_daily DROP COLUMN blocked")
        connection.execute(f"DROP TABLE {GOLD}.customer_360; DROP TABLE {GOLD}.newest_build; DROP TABLE {GOLD}.builds")

    world.build(DAYS[3])

    assert in_any_order(world.tables()) == in_any_order(before)


def in_any_order(tables: dict[str, list[Any]]) -> dict[str, Counter[frozenset[Any]]]:
    """Whatever the order of rows, and of a row's columns."""
    return {name: Counter(map(frozenset, rows)) for name, rows in tables.items()}
