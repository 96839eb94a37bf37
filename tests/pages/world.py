"""Gold as tables of the tests' own, with the columns that dbt's yml gives them, and the pages made of it."""

import io
import os
import re
import resource
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from playwright.sync_api import Browser, Page

from pages.__main__ import main
from tests.conftest import World

ROOT = Path(__file__).resolve().parents[2]
FIRST = date(2025, 11, 20)
CHANNELS = {"call": "Call", "social/twitter": "Social media", "social/facebook": "Social media", "web_form": "Web form"}
CATEGORIES = ("Network Failure", "Payments", "Router Delivery", "Technician Support")
TABLES = (
    *("agg_complaints_daily", "agg_resolution_time", "agg_agent_performance"),
    *("agg_repeat_complaints", "agg_complaints_per_outage"),
)
TYPES = {"string": "varchar"}


@dataclass(frozen=True)
class Gold:
    """A DuckDB file with Gold's aggregates."""

    file: Path

    def ask(self, sql: str) -> list[Any]:
        with duckdb.connect(str(self.file), read_only=True) as connection:
            return connection.execute(sql).fetchall()


def gold(
    file: Path,
    days: Sequence[date],
    categories: Sequence[str] = CATEGORIES,
    agents: Sequence[str] = tuple(map(str, range(1000, 1012))),
    calls: int = 900,
) -> Gold:
    """Tables with numbers that differ in every row; `calls`: complaints a day by the largest channel, about."""
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE SCHEMA coretelecoms_gold; USE coretelecoms_gold")
        for table in TABLES:
            described = yaml.safe_load((ROOT / f"dbt/models/gold/{table}.yml").read_text(encoding="utf-8"))
            columns = described["models"][0]["columns"]
            typed = (f"{column['name']} {TYPES.get(column['data_type'], column['data_type'])}" for column in columns)
            connection.execute(f"CREATE TABLE {table} ({', '.join(typed)})")
        if days:
            _fill(connection, days, categories, agents, calls)
        connection.execute("CREATE SCHEMA coretelecoms_gold_private; USE coretelecoms_gold_private")
        connection.execute("CREATE TABLE dim_agent_private AS SELECT '1000' AS agent_key, 'Zelda Canary' AS agent_name")
    return Gold(file)


def _fill(
    connection: duckdb.DuckDBPyConnection,
    days: Sequence[date],
    categories: Sequence[str],
    agents: Sequence[str],
    calls: int,
) -> None:
    for name, values in (("days", days), ("categories", categories), ("agents", agents)):
        connection.execute(f"CREATE TEMP TABLE {name} AS SELECT unnest($1) AS one", [list(values)])
    connection.execute("CREATE TEMP TABLE channels (channel_key varchar, channel varchar, weight double)")
    connection.executemany(
        "INSERT INTO channels VALUES (?, ?, ?)",
        [[key, channel, {"call": 1, "web_form": 0.7}.get(key, 0.05)] for key, channel in CHANNELS.items()],
    )
    # A number in [0, 1) that any table's row has for itself, the same at each call.
    connection.execute("CREATE TEMP MACRO luck(a, b) AS (hash(a || '/' || b) % 1000003) / 1000003.0")
    connection.execute(
        f"""CREATE TEMP TABLE cells AS
        SELECT days.one AS reported_date, channel_key, channel, categories.one AS complaint_category,
            concat_ws('/', days.one, channel_key, categories.one) AS place,
            ceil({calls / len(categories)} * weight * (0.8 + 0.4 * luck(place, 'n')))::bigint AS complaints
        FROM days, channels, categories"""
    )
    connection.execute(
        """INSERT INTO agg_complaints_daily BY NAME
        SELECT reported_date, channel, channel_key, complaint_category, complaints,
            floor(complaints * (0.5 + 0.1 * luck(place, 'r')))::bigint AS resolved,
            floor(complaints * 0.2)::bigint AS in_progress, floor(complaints * 0.15)::bigint AS backlog,
            complaints - resolved - in_progress - backlog AS blocked, 0 AS unknown_status
        FROM cells"""
    )
    connection.execute(
        f"""INSERT INTO agg_resolution_time BY NAME
        SELECT reported_date, channel, channel_key, complaint_category, hours_bucket, from_hours, to_hours,
            ceil(cells.complaints * luck(place, hours_bucket) / 12)::bigint AS complaints
        FROM cells, read_csv('{ROOT}/dbt/seeds/resolution_hours.csv') AS buckets
        WHERE CASE channel WHEN 'Call' THEN hours_bucket <= 6 ELSE hours_bucket > 8 END"""
    )
    connection.execute(
        f"""INSERT INTO agg_agent_performance BY NAME
        SELECT days.one AS reported_date, agents.one || '@1900-01-01' AS agent_key,
            nullif(agents.one, 'unknown') AS agent_id,
            ['Senior', 'Mid-level', 'Junior', 'Intern'][1 + (hash(agents.one) % 4)::int] AS experience,
            ceil({calls} * luck(days.one, agents.one) / 7)::bigint AS complaints,
            floor(complaints * (0.4 + 0.3 * luck(agents.one, days.one)))::bigint AS resolved
        FROM days, agents"""
    )
    connection.execute(
        """INSERT INTO agg_repeat_complaints BY NAME
        SELECT reported_date, channel, channel_key, complaint_category, number AS complaint_number,
            ceil(cells.complaints * luck(place, number) / number / 2)::bigint AS complaints
        FROM cells, range(1, 6) AS numbers(number)"""
    )
    connection.execute(
        """INSERT INTO agg_complaints_per_outage BY NAME
        SELECT 'OUT-' || days.one || '-' || n AS outage_id, days.one AS reported_date, 7200 * n AS counted_seconds,
            CASE WHEN n < 5 THEN floor(40 * luck(days.one, n))::bigint END AS complaints,
            CASE WHEN n < 5 THEN floor(4000 * luck(n, days.one))::bigint END AS complaints_28_days_before
        FROM days, range(1, 6) AS numbers(n)"""
    )


def days_from(first: date, number: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(number)]


@dataclass(frozen=True)
class Made:
    """Both pages, and what was said while they were made."""

    out: Path
    code: int
    said: str

    def text(self, page: str = "complaints") -> str:
        return (self.out / f"{page}.html").read_text(encoding="utf-8")


def make(world: World, file: Path) -> Made:
    """In this process: bundling the charts' script takes most of the time, and is done once."""
    out, said = world.root / "out", io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        for name, value in places(world, file).items():
            patch.setenv(name, value)
        code = main(["--env", str(world.file), "--out", str(out)])
    return Made(out, code, said.getvalue())


def places(world: World, file: Path) -> dict[str, str]:
    return {"CORETELECOMS_WAREHOUSE": str(file), "DBT_TARGET_PATH": str(world.root / "dbt")}


def make_by_command(world: World, file: Path) -> tuple[Made, float]:
    """As users do, and the CPU seconds that it took; no proxy lets anything be fetched meanwhile."""
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "pages", "--env", str(world.file), "--out", str(world.root / "out")],
        cwd=ROOT,
        env={"HOME": str(world.root), "PATH": os.defpath, **nowhere, **places(world, file)},
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Made(world.root / "out", done.returncode, done.stdout + done.stderr), spent


class Opened:
    """A page in the browser; what it says in the console and asks of any network is kept."""

    def __init__(
        self, chromium: Browser, made: Made, name: str = "complaints", width: int = 1280, scheme: Any = "light"
    ):
        self.page: Page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        address = (made.out / f"{name}.html").as_uri()
        self.page.on("request", lambda request: request.url == address or self.asked.append(request.url))
        self.page.goto(address)
        if self.page.locator("#filters").count():
            self.ready()

    def ready(self) -> None:
        self.page.wait_for_selector("html[data-ready]", state="attached")

    def pick(self, **selection: Any) -> None:
        """Set `first`, `last` (days) and untick `without` (labels of channels or categories)."""
        for name, field in (("first", "from"), ("last", "to")):
            if name in selection:
                self.page.fill(f"input[name={field}]", str(selection[name]))
        for label in selection.get("without", ()):
            self.page.locator(".chip").filter(has_text=re.compile(f"^\\s*{re.escape(label)}\\s*$")).locator(
                "input"
            ).uncheck()
        self.ready()

    def table(self, chart: str) -> list[list[str]]:
        """The rows behind a chart, as they are shown."""
        section = self.page.locator(f"#{chart}")
        if section.locator("details[open]").count() == 0:
            section.locator("summary").click()
            section.locator("table").wait_for()
        rows: list[list[str]] = section.locator("tbody").evaluate(
            "body => [...body.rows].map(row => [...row.cells].map(cell => cell.textContent))"
        )
        return rows

    def figures(self) -> dict[str, str]:
        found: dict[str, str] = self.page.locator("#figures").evaluate(
            """list => Object.fromEntries([...list.children].map(one =>
            [one.children[0].textContent, one.children[1].textContent]))"""
        )
        return found

    def close(self) -> None:
        self.page.close()
