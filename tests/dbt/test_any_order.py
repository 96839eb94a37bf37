"""Whatever lands, in whatever order, and whichever builds fail: published Gold is what a build of everything gives.

Few keys on few days, so that they meet: complaints come again, with more, fewer or other rows; customers and agents
come late, move and vanish. By the models and macros without dbt (rendered.py), and in one sequence by dbt itself.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.conftest import NIGHTLY
from tests.dbt.rendered import Rendered
from tests.dbt.test_days_are_replaced import assert_equal
from tests.dbt.world import COMPLAINTS, DAYS, LAYERS, NOT_REBUILT, SOURCES, Row, Tables, World, product, row_of

SEEDS = range(300) if NIGHTLY else range(4)
PLANTED = [
    ("changed_dates", "select was_reported_date as reported_date", "select reported_date"),
    ("changed_measures", "(has_lost_last and not is_now_last)", "false"),
    ("changed_customer_states", "where difference <> 0", "where difference > 1"),
    ("changed_repeats", "days_around(days, 0, 30)", "days_around(days, 0, 29)"),
]
SEEDS_FOR_A_BUG = 1000 if NIGHTLY else 2
SEEDS_OF_DBT = range(20) if NIGHTLY else range(1)
SPAN = [*DAYS, DAYS[0] + timedelta(days=30), DAYS[0] + timedelta(days=31)]  # repeats count within 30 days
KEYS = {"call_logs": "call_id", "social_media": "complaint_id", "web_forms": "request_id"}
WITHOUT_SHARES = ["--exclude", "test_name:per_thousand"]  # among so few rows many are odd
STATES = {"OH": "Ohio", "UT": "Utah", "NV": "Nevada"}
OPENED = {"call_logs": ("call_start_time", "call_end_time")}


class Suppliers:
    """Rows of a generator's own, of which only what Gold looks at is changed."""

    def __init__(self, templates: dict[str, Row], seed: int) -> None:
        self.chance, self.templates = random.Random(seed), templates

    def deliver(self, source: str, day: date, how_many: int) -> list[Row]:
        return [self._row(source, day) for _ in range(how_many)]

    def _row(self, source: str, day: date) -> Row:
        pick = self.chance.choice
        if source in COMPLAINTS:
            more = self._complaint(source, day)
        elif source == "customers":
            state = pick([*STATES])
            more = {"customer_id": pick(["c1", "c2", "c3", "c4"]), "address": f"1 High St\nTown, {state} 12345"}
        elif source == "agents":
            more = {"agent_id": pick(["1", "2"]), "experience": pick(["Junior", "Senior"])}
        else:
            began = self._moment(day)
            ended = pick([None, str(datetime.fromisoformat(began) + timedelta(days=self.chance.randint(0, 40)))])
            outage = pick(["o1", "o2", "o3"])
            more = {"outage_id": outage, "region": pick([*STATES.values()]), "started_at": began, "ended_at": ended}
        return self.templates[source] | more

    def _complaint(self, source: str, day: date) -> Row:
        pick = self.chance.choice
        began, ended = OPENED.get(source, ("request_date", "resolution_date"))
        row: Row = {KEYS[source]: f"k{self.chance.randint(1, 5)}", began: pick([None, self._moment(day)])}
        row |= {"customer_id": pick([None, "c1", "c2", "c3", "c4"]), "agent_id": pick([None, "1", "2"])}
        row |= {"resolution_status": pick(["Resolved", "Backlog"]), ended: self._moment(day)}
        return row | {"complaint_category": pick(["Payments", "Network Failure"])}

    def _moment(self, day: date) -> str:
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        return f"{noon - timedelta(hours=self.chance.randint(0, 900)):%Y-%m-%d %H:%M:%S}"


def sequence(suppliers: Suppliers, steps: int) -> Iterator[tuple[dict[tuple[str, date], list[Row]], list[date], bool]]:
    """Steps: what lands, the days that are built then, and whether that build fails."""
    chance = suppliers.chance
    for _ in range(steps):
        days = sorted(chance.sample(SPAN, chance.choice([1, 1, 2])))
        sources = chance.sample(SOURCES, chance.choice([2, 4]))
        landed = {
            (source, day): suppliers.deliver(source, day, chance.choice([0, 2, 6]))
            for source in sources
            for day in days
        }
        yield landed, days, chance.random() < 0.2


class InMemory:
    """Bronze, Silver and Gold of the rendered models."""

    def __init__(self, rendered: Rendered) -> None:
        self.rendered, self.landings = rendered, 0
        self.ask = rendered.connection.execute
        rendered.empty()
        for source in SOURCES:
            names = ", ".join(f"{name} VARCHAR" for name in row_of(source, {}, ""))
            self.ask(f"CREATE TABLE bronze.{source} ({names}, _ingested_at TIMESTAMPTZ, ingest_date DATE)")

    def land(self, source: str, day: date, rows: list[Row]) -> None:
        self.landings += 1
        self.ask(f"DELETE FROM bronze.{source} WHERE ingest_date = ?", [day])
        moment = datetime.fromtimestamp(self.landings, UTC)
        for row in rows:
            values = [*row_of(source, row, f"run-{self.landings:04}").values(), moment, day]
            self.ask(f"INSERT INTO bronze.{source} VALUES ({', '.join('?' * len(values))})", values)

    def tables(self) -> Tables:
        found: Tables = {}
        for layer, name in self.ask("SELECT schemaname, tablename FROM pg_tables ORDER BY ALL").fetchall():
            if layer in LAYERS and name not in NOT_REBUILT:
                found[name] = sorted(self.ask(f"FROM {layer}.{name}").fetchall(), key=repr)
        return found


@pytest.fixture(scope="module")
def templates(base: World) -> dict[str, Row]:
    return {source: base.delivered(source, DAYS[0])[0] for source in SOURCES}


@pytest.fixture(scope="module")
def rendered(base: World) -> Rendered:
    return Rendered(product.invoke("parse", "--no-write-json"))


@pytest.mark.parametrize("seed", SEEDS)
def test_gold_is_what_a_build_of_everything_gives(templates: dict[str, Row], rendered: Rendered, seed: int) -> None:
    by_days, at_once = build_both_ways(templates, rendered, seed)
    assert_equal(by_days, at_once)


@pytest.mark.parametrize(("model", "text", "planted"), PLANTED if NIGHTLY else PLANTED[:2])
def test_a_planted_bug_is_found(
    templates: dict[str, Row], rendered: Rendered, model: str, text: str, planted: str
) -> None:
    with rendered.planted(model, text, planted):
        found = (build_both_ways(templates, rendered, seed) for seed in range(SEEDS_FOR_A_BUG))
        assert any(by_days != at_once for by_days, at_once in found)


def build_both_ways(templates: dict[str, Row], rendered: Rendered, seed: int) -> tuple[Tables, Tables]:
    """After a sequence: what builds of days made, and then one of everything."""
    suppliers, one = Suppliers(templates, seed), InMemory(rendered)
    for source in SOURCES:
        one.land(source, DAYS[0], suppliers.deliver(source, DAYS[0], 3))
    one.rendered.build()
    for landed, days, fails in sequence(suppliers, 5):
        for (source, day), rows in landed.items():
            one.land(source, day, rows)
        one.rendered.build(days[0], days[-1], fails)
    one.rendered.build(SPAN[0], SPAN[0])
    by_days = one.tables()
    one.rendered.build()
    return by_days, one.tables()


@pytest.mark.parametrize("seed", SEEDS_OF_DBT)
def test_so_it_is_by_dbt_itself(world: World, templates: dict[str, Row], seed: int) -> None:
    suppliers = Suppliers(templates, seed)
    for source in SOURCES:
        for day in DAYS:
            world.land(source, day, suppliers.deliver(source, day, 3 if day == DAYS[0] else 0))
    world.file.unlink()
    world.build(tests=False)
    for landed, days, fails in sequence(suppliers, 3):
        for (source, day), rows in landed.items():
            world.land(source, day, rows)
        with pytest.MonkeyPatch.context() as patch:
            if fails:
                patch.setattr(product.gold, "publish", lambda *_: None)
            product.build(days[0], days[-1], dbt_arguments=WITHOUT_SHARES)
    product.build(SPAN[0], SPAN[0], dbt_arguments=WITHOUT_SHARES)
    assert_equal(world.tables(), world.rebuilt())
