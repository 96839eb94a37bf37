"""Every number of the complaints page equals the same formula over Gold, whatever is selected."""

import csv
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.conftest import World, make_world
from tests.pages.world import CATEGORIES, CHANNELS, FIRST, Gold, Made, Opened, days_from, gold, make

DAYS = days_from(FIRST, 6)
NAMES = sorted(set(CHANNELS.values()))
STATUSES = ("resolved", "in_progress", "backlog", "blocked", "unknown_status")
SELECTIONS: dict[str, dict[str, Any]] = {
    "everything": {},
    "some days": {"first": DAYS[1], "last": DAYS[3]},
    "two channels": {"without": ["Web form"]},
    "one channel, one category, one day": {
        "first": DAYS[2],
        "last": DAYS[2],
        "without": ["Call", "Social media", *CATEGORIES[1:]],
    },
    "three categories, later days": {"first": DAYS[4], "without": ["Payments"]},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("numbers"))


@pytest.fixture(scope="module")
def built(world: World) -> Gold:
    return gold(world.root / "gold.duckdb", DAYS)


@pytest.fixture(scope="module")
def made(world: World, built: Gold) -> Made:
    return make(world, built.file)


def quantile(counts: dict[int, int], ends: dict[int, tuple[float, float | None]], part: float) -> float:
    """Evenly within a bucket; the last bucket has no upper end."""
    aim, before = part * sum(counts.values()), 0
    for bucket in sorted(counts):
        low, high = ends[bucket]
        if before + counts[bucket] >= aim:
            return low if high is None else low + (aim - before) / counts[bucket] * (high - low)
        before += counts[bucket]
    raise AssertionError("no bucket reaches the aim")


class Expected:
    """The same formulas, in SQL and Python over Gold's rows."""

    def __init__(self, built: Gold, first: Any = DAYS[0], last: Any = DAYS[-1], without: Any = ()) -> None:
        self.gold = built
        self.days = f"reported_date BETWEEN '{first}' AND '{last}'"
        self.channels = [name for name in NAMES if name not in without]
        kept = [name for name in CATEGORIES if name not in without]
        self.where = f"{self.days} AND channel IN {_list(self.channels)} AND complaint_category IN {_list(kept)}"

    def ask(self, what: str, table: str, where: str, rest: str = "") -> list[Any]:
        return self.gold.ask(f"SELECT {what} FROM coretelecoms_gold.{table} WHERE {where} {rest}")

    def volume(self) -> list[list[str]]:
        of_channel = ", ".join(f"coalesce(sum(complaints) FILTER (channel = '{name}'), 0)" for name in self.channels)
        rows = self.ask(
            f"reported_date, {of_channel}, sum(complaints)", "agg_complaints_daily", self.where, "GROUP BY 1 ORDER BY 1"
        )
        return [[str(day), *map(_count, counts)] for day, *counts in rows]

    def categories(self) -> list[list[str]]:
        rows = self.ask(
            "complaint_category, sum(complaints) AS n", "agg_complaints_daily", self.where, "GROUP BY 1 ORDER BY n DESC"
        )
        return _with_shares(rows)

    def statuses(self) -> list[list[str]]:
        sums = ", ".join(f"sum({status})" for status in STATUSES)
        rows = self.ask(
            f"reported_date, sum(complaints), {sums}", "agg_complaints_daily", self.where, "GROUP BY 1 ORDER BY 1"
        )
        return [[str(row[0]), *map(_count, row[1:]), _percent(row[2], row[1])] for row in rows]

    def times(self) -> dict[tuple[str, str], list[str]]:
        rows = self.ask(
            "channel, complaint_category, hours_bucket, from_hours, to_hours, complaints",
            "agg_resolution_time",
            self.where,
        )
        ends = {row[2]: (float(row[3]), row[4] and float(row[4])) for row in rows}
        counts: dict[tuple[str, str], dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for channel, category, bucket, _, _, complaints in rows:
            for key in ((channel, category), (channel, "all categories"), ("all channels", category)):
                counts[key][bucket] += complaints
            counts["all channels", "all categories"][bucket] += complaints
        return {
            key: [_count(sum(found.values())), *(_fixed(quantile(found, ends, part), 2) for part in (0.5, 0.9))]
            for key, found in counts.items()
        }

    def agents(self, by: str) -> list[list[str]]:
        rows = self.ask(
            f"{by}, sum(complaints) AS n, sum(resolved)", "agg_agent_performance", self.days, "GROUP BY ALL"
        )
        return sorted([*row[:-2], _count(row[-2]), _count(row[-1]), _percent(row[-1], row[-2])] for row in rows)

    def repeats(self) -> list[list[str]]:
        rows = self.ask(
            "complaint_number, sum(complaints)", "agg_repeat_complaints", self.where, "GROUP BY 1 ORDER BY 1"
        )
        names = ("1st", "2nd", "3rd", "4th", "5th or later")
        return _with_shares([(names[number - 1], complaints) for number, complaints in rows])

    def outages(self) -> list[list[str]]:
        complaints = dict(
            self.ask("reported_date, sum(complaints)", "agg_complaints_daily", self.where, "GROUP BY ALL")
        )
        rows = self.ask(
            """reported_date, count(*), count(complaints), sum(complaints),
            sum(complaints_28_days_before * counted_seconds / (28 * 86400.0))""",
            "agg_complaints_per_outage",
            self.days,
            "GROUP BY 1 ORDER BY 1",
        )
        return [[str(row[0]), _count(complaints[row[0]]), *map(_count, row[1:4]), _fixed(row[4], 1)] for row in rows]


def _list(names: list[str]) -> str:
    return f"({', '.join(repr(name) for name in names)})"


def _count(number: int) -> str:
    return f"{number:,}"


def _fixed(number: float, digits: int) -> str:
    """As JavaScript's toFixed: of two that are as near the larger one, where Python takes the even one."""
    return str(Decimal(number).quantize(Decimal(10) ** -digits, ROUND_HALF_UP))


def _percent(part: int, whole: int) -> str:
    return f"{_fixed(100 * (part / whole), 1)}\u00a0%"


def _with_shares(rows: list[Any]) -> list[list[str]]:
    whole = sum(row[1] for row in rows)
    return [[name, _count(number), _percent(number, whole)] for name, number in rows]


@pytest.mark.parametrize("selection", SELECTIONS.values(), ids=SELECTIONS)
def test_every_number_equals_the_same_formula_over_gold(
    chromium: Browser, built: Gold, made: Made, selection: dict[str, Any]
) -> None:
    opened, expected = Opened(chromium, made), Expected(built, **selection)

    opened.pick(**selection)

    assert opened.table("volume") == expected.volume()
    assert opened.table("categories") == expected.categories()
    assert opened.table("statuses") == expected.statuses()
    assert {(row[0], row[1]): row[2:] for row in opened.table("times")} == expected.times()
    assert sorted(opened.table("experience")) == expected.agents("experience")
    assert sorted(opened.table("agents")) == expected.agents("agent_id, experience")
    assert opened.table("repeats") == expected.repeats()
    assert opened.table("outages") == expected.outages()
    (whole,) = expected.ask("sum(complaints), sum(resolved), sum(backlog)", "agg_complaints_daily", expected.where)
    figures = opened.figures()
    assert (figures["Complaints"], figures["Backlog"]) == (_count(whole[0]), _count(whole[2]))
    assert figures["Resolved"] == _percent(whole[1], whole[0])
    (again,) = expected.ask(
        "sum(complaints) FILTER (complaint_number > 1), sum(complaints)", "agg_repeat_complaints", expected.where
    )
    assert figures["Repeated complaints"] == _percent(*again)
    assert opened.page.locator("#selection").inner_text().startswith(f"{selection.get('first', DAYS[0]).day} Nov")
    assert opened.said == []
    opened.close()


def test_a_reset_shows_everything_again(chromium: Browser, built: Gold, made: Made) -> None:
    opened = Opened(chromium, made)
    opened.pick(first=DAYS[3], without=["Call"])

    opened.page.get_by_role("button", name="Reset all").click()
    opened.page.get_by_text("20 Nov 2025 to 25 Nov 2025 (6 days), 3 of 3 channels").wait_for()
    opened.ready()

    assert opened.table("volume") == Expected(built).volume()
    opened.close()


def test_nothing_selected_says_so(chromium: Browser, made: Made) -> None:
    opened = Opened(chromium, made)

    opened.pick(without=NAMES)

    assert opened.page.locator("#volume h2").inner_text() == "Nothing in this selection"
    assert opened.page.locator("#volume .csv").is_disabled()
    assert opened.figures()["Complaints"] == "0"
    opened.pick(first=DAYS[3], last=DAYS[1])
    assert "nothing is selected" in opened.page.locator("#selection").inner_text()
    assert opened.said == []
    opened.close()


def test_the_file_behind_a_chart_holds_its_table(chromium: Browser, built: Gold, made: Made, tmp_path: Path) -> None:
    opened = Opened(chromium, made)
    opened.pick(without=["Call"])

    with opened.page.expect_download() as started:
        opened.page.locator("#categories .csv").click()
    started.value.save_as(tmp_path / "categories.csv")

    with (tmp_path / "categories.csv").open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["category", "complaints", "share"]
    shown = [[name, _count(int(number)), f"{_fixed(100 * float(share), 1)}\u00a0%"] for name, number, share in rows]
    assert shown == Expected(built, without=["Call"]).categories()
    assert opened.asked == [url for url in opened.asked if url.startswith("blob:")]
    opened.close()


def test_cells_that_a_spreadsheet_takes_for_formulas_are_neutralised(chromium: Browser, tmp_path: Path) -> None:
    world = make_world(tmp_path)
    formulas = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\tx", "\rx", "plain"]
    opened = Opened(chromium, make(world, gold(tmp_path / "gold.duckdb", DAYS[:2], formulas).file))

    with opened.page.expect_download() as started:
        opened.page.locator("#categories .csv").click()
    started.value.save_as(tmp_path / "categories.csv")

    with (tmp_path / "categories.csv").open(encoding="utf-8-sig", newline="") as file:
        names = {row[0] for row in list(csv.reader(file))[1:]}
    assert names == {f"'{name}" for name in formulas[:-1]} | {"plain"}
    opened.close()
