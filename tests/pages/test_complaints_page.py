"""The complaints page of odd warehouses: each gives a sensible page, and runs nobody's script."""

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser

from tests.conftest import World
from tests.pages.world import CATEGORIES, FIRST, Opened, days_from, gold, make, make_by_command

HOSTILE = "<script>alert('here')</script>"
LATE = 2.0  # seconds until a page must answer


def test_an_empty_warehouse_gives_a_page_that_says_so(chromium: Browser, world: World) -> None:
    opened = Opened(chromium, make(world, gold(world.root / "gold.duckdb", []).file))

    assert opened.page.locator("main h2").all_inner_texts() == ["No complaints yet"]
    assert opened.page.locator("form, svg").count() == 0
    assert (opened.said, opened.asked) == ([], [])
    opened.close()


def test_a_warehouse_that_was_never_built_gives_a_page_that_says_how(chromium: Browser, world: World) -> None:
    made = make(world, world.root / "nowhere.duckdb")

    opened = Opened(chromium, made)

    assert made.code == 0
    assert opened.page.locator("main h2").all_inner_texts() == ["Gold is not built yet"]
    assert "./dbt.sh build" in opened.page.locator("main").inner_text()
    opened.close()


def test_a_warehouse_that_is_being_written_is_to_be_tried_later(world: World) -> None:
    file = gold(world.root / "gold.duckdb", []).file
    hold = f"import duckdb; held = duckdb.connect({str(file)!r}); print('held', flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()

    made = make(world, file)
    holder.communicate(b"\n")

    assert made.code == 75
    assert "try later" in made.said
    assert (made.out / "runs.html").exists()


def test_one_day_is_enough(chromium: Browser, world: World) -> None:
    opened = Opened(chromium, make(world, gold(world.root / "gold.duckdb", [FIRST]).file))

    assert len(opened.table("volume")) == 1
    assert "20 Nov 2025 to 20 Nov 2025 (1 day)" in opened.page.locator("#selection").inner_text()
    assert opened.page.locator(".chart svg").count() == 9
    assert opened.said == []
    opened.close()


def test_the_build_is_named_and_so_is_silver_that_is_newer(chromium: Browser, world: World) -> None:
    file = gold(world.root / "gold.duckdb", [FIRST]).file
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            """CREATE TABLE coretelecoms_gold.newest_build AS SELECT 'B7' AS build;
            CREATE TABLE coretelecoms_gold.builds AS
                SELECT 'B7' AS build, TIMESTAMP '2025-11-21 06:30:00' AS published_at;
            CREATE TABLE coretelecoms_gold.build_days AS
                SELECT 'call_logs' AS feed, DATE '2025-11-20' AS ingest_date, 'W1' AS written_by;
            CREATE SCHEMA coretelecoms_silver;
            CREATE TABLE coretelecoms_silver.int_days_settled AS
                SELECT 'call_logs' AS feed, DATE '2025-11-20' AS ingest_date, 'W2' AS settled_by"""
        )

    opened = Opened(chromium, make(world, file))

    assert "Gold's build B7, published 2025-11-21 06:30 UTC." in opened.page.locator("footer").inner_text()
    assert "Gold is older than Silver: 1 day of sources changed" in opened.page.locator("main").inner_text()
    opened.close()


def test_names_that_are_script_are_shown_as_text(chromium: Browser, world: World) -> None:
    categories = [HOSTILE, "Payments", "Never seen before"]
    made = make(world, gold(world.root / "gold.duckdb", [FIRST], categories, agents=["1000", HOSTILE]).file)

    opened = Opened(chromium, made)

    assert "<script>alert" not in made.text()
    assert {row[0] for row in opened.table("categories")} == set(categories)
    assert HOSTILE in {row[0] for row in opened.table("agents")}
    assert opened.page.locator(".chip", has_text="Never seen before").count() == 1
    opened.page.locator("#categories .chart svg path").first.hover(force=True)
    assert opened.said == []
    opened.close()


def test_no_name_of_an_agent_is_in_the_page(world: World) -> None:
    file = gold(world.root / "gold.duckdb", [FIRST]).file

    made = make(world, file)

    assert "Canary" not in made.text()
    assert '"1000"' in made.text(), "agents are there by number"


def test_it_can_be_used_by_keyboard_alone(chromium: Browser, world: World) -> None:
    opened = Opened(chromium, make(world, gold(world.root / "gold.duckdb", [FIRST]).file))
    before = opened.figures()["Complaints"]

    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.textContent") == "Skip to the content"
    for _ in range(40):
        opened.page.keyboard.press("Tab")
        if opened.page.evaluate("document.activeElement.name") == "channel":
            break
    opened.page.keyboard.press("Space")
    opened.ready()

    assert opened.figures()["Complaints"] != before
    assert "2 of 3 channels" in opened.page.locator("#selection").inner_text()
    opened.page.locator("#volume summary").focus()
    opened.page.keyboard.press("Enter")
    opened.page.locator("#volume table").wait_for()
    opened.close()


def test_a_year_at_700_000_complaints_a_day_with_days_missing(chromium: Browser, world: World) -> None:
    days = days_from(FIRST, 365)
    missing = [day for at, day in enumerate(days) if at % 20 == 7]
    kept = [day for day in days if day not in missing]
    agents = [str(number) for number in range(1000, 1100)]
    made, cpu = make_by_command(world, gold(world.root / "gold.duckdb", kept, CATEGORIES, agents, calls=378_993).file)

    opened = Opened(chromium, made)

    session = opened.page.context.new_cdp_session(opened.page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    opened.page.reload()
    opened.ready()
    busy = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}["TaskDuration"]
    size = (made.out / "complaints.html").stat().st_size
    waited = int(opened.page.evaluate("document.documentElement.dataset.ready")) / 1000
    print(f"{size / 1e6:.2f} MB, made in {cpu:.1f} CPU-s, busy {busy:.2f} s, ready after {waited:.2f} s")
    assert made.code == 0, made.said
    assert size < 6e6
    assert cpu < 10
    assert busy < LATE, "seconds that the page itself works, whatever else the machine does"
    assert f"no data for {len(missing)} of 365 days" in opened.page.locator("#volume .what").inner_text()
    rows = opened.table("volume")
    assert len(rows) == 365
    assert [row[0] for row in rows if row[-1] == "no data"] == [str(day) for day in missing]
    assert opened.said == []
    opened.close()


@pytest.mark.parametrize("table", ["agg_repeat_complaints", "agg_complaints_per_outage"])
def test_gold_built_before_the_pages_needed_a_table_is_named(world: World, table: str) -> None:
    import duckdb

    file: Path = gold(world.root / "gold.duckdb", [FIRST]).file
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"DROP TABLE coretelecoms_gold.{table}")

    made = make(world, file)

    assert made.code == 0
    assert table in made.text()
    assert "./dbt.sh build" in made.text()
    assert re.search(f"^note: .*{table}.*$", made.said, re.MULTILINE)


def test_gold_of_another_environment_is_refused(world: World) -> None:
    import duckdb

    file: Path = gold(world.root / "gold.duckdb", [FIRST]).file
    for name, code in ((world.environment.name, 0), ("another", 78)):
        with duckdb.connect(str(file)) as connection:
            connection.execute(
                f"CREATE OR REPLACE VIEW main.environment AS SELECT '{name}' AS name, '{world.bronze}' AS bronze"
            )
        made = make(world, file)
        assert made.code == code, made.said
    assert re.search(r"is of environment 'another' \(Bronze: .*\), not of environment 'env' .*--env\n", made.said)
