"""Two builds of one warehouse at once: one ends well, the other is told to try later."""

import re
import secrets
import threading
from pathlib import Path

from demo.web import Reply, Request
from jobs.bronze.choice import make_bronze
from jobs.contracts.source import load_contracts
from tests.bigquery.conftest import Cloud, write
from tests.bigquery.stand_in import StandIn, sql
from tests.building import building
from tests.conftest import DAYS, World
from tests.e2e.conftest import PATIENCE

MODEL = ("--select", "stg_agents", "--exclude-resource-type", "test")


def test_on_one_machine_the_second_names_the_first_on_another_it_yields_to_it(
    stand_in: StandIn, tmp_path: Path
) -> None:
    stand_in.reset()
    cloud = Cloud(World(tmp_path), stand_in, None)
    write(cloud)
    environment, file = cloud.world.environment, cloud.world.file
    make_bronze(environment).dbt_variables(load_contracts(environment).values())
    is_open, goes_on = threading.Event(), threading.Event()
    held: list[str] = []

    def hold_the_first_and_abort_the_other(asked: Request) -> Reply | None:
        text = sql(asked)
        if "begin transaction" not in text:
            return None
        if not held:
            held.append(text)
            is_open.set()
        if text != held[0]:
            return stand_in.abortion(asked)
        goes_on.wait(10 * PATIENCE)  # also where its client lost patience and asks again
        return None

    with (
        building(file, "bigquery", tmp_path / "here") as first,
        building(file, "bigquery", tmp_path / "here") as second,
        building(file, "bigquery", tmp_path / "there") as other,
    ):
        assert first.build(DAYS[0], *MODEL)[0] == 0
        with stand_in.broken(hold_the_first_and_abort_the_other):
            first.ask(DAYS[0], *MODEL)
            assert is_open.wait(10 * PATIENCE)
            code, said = second.build(DAYS[1], *MODEL)
            assert (code, f"is being built by process {first.process.pid} since" in said) == (75, True), said
            code, said = other.build(DAYS[1], *MODEL)
            assert (code, "aborted due to concurrent update" in said) == (75, True), said
            (build,) = set(re.findall(r"stg_agents__dbt_tmp_([0-9a-f]{32})_", held[0]))
            assert re.search(rf"at the same time: build {build} on \w+, writing since \d\d:\d\d:\d\d UTC", said), said
            goes_on.set()
            code, said = first.answer()
        assert code == 0, said
        code, said = other.build(DAYS[1], *MODEL)
        assert code == 0, said
    temporary = set(re.findall(r"stg_agents__dbt_tmp_\w+", " ".join(stand_in.sent())))
    assert len(temporary) == 3, temporary  # of each build that came so far one of its own


def test_a_build_outlasts_its_token(stand_in: StandIn, tmp_path: Path) -> None:
    """In its middle BigQuery takes the token no longer; the process that started the build gives out another."""
    stand_in.reset()
    cloud = Cloud(World(tmp_path), stand_in, None)
    write(cloud)
    environment = cloud.world.environment
    make_bronze(environment).dbt_variables(load_contracts(environment).values())
    first = stand_in.services.access_token

    def end_its_hour(asked: Request) -> Reply | None:
        if "begin transaction" in sql(asked) and stand_in.services.access_token == first:
            stand_in.services.access_token = secrets.token_urlsafe(24)
            stand_in.tokens.clear()
        return None

    with building(cloud.world.file, "bigquery", tmp_path / "dbt") as dbt:
        assert dbt.build(DAYS[0], *MODEL)[0] == 0
        stand_in.asked.clear()
        with stand_in.broken(end_its_hour):
            code, said = dbt.build(DAYS[0], *MODEL)
        assert code == 0, said
    assert [asked.path for asked in stand_in.asked].count("/token") == 1
    bearers = [asked.headers["authorization"] for asked in stand_in.asked if asked.path != "/token"]
    assert list(dict.fromkeys(bearers)) == [f"Bearer {first}", f"Bearer {stand_in.services.access_token}"]
    logged = "".join(path.read_text() for path in (tmp_path / "dbt").rglob("*.log"))
    assert "stg_agents" in logged
    assert not [token for token in (first, stand_in.services.access_token) if token in logged]
