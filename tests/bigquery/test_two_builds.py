"""Two builds of one warehouse at once: one ends well, the other is told to try later."""

import re
import threading
from pathlib import Path

from demo.web import Asked, Reply
from jobs.bronze.choice import bronze_of
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
    bronze_of(environment).dbt_variables(load_contracts(environment).values())
    is_open, goes_on = threading.Event(), threading.Event()
    held: list[str] = []

    def hold_the_first_and_abort_the_other(asked: Asked) -> Reply | None:
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
            goes_on.set()
            code, said = first.answer()
        assert code == 0, said
        code, said = other.build(DAYS[1], *MODEL)
        assert code == 0, said
    temporary = set(re.findall(r"stg_agents__dbt_tmp_\w+", " ".join(stand_in.sent())))
    assert len(temporary) == 3, temporary  # of each build that came so far one of its own
