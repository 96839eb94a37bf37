"""A source that has ended: days after its last one are retired; those until then go on as before."""

import json
import shutil
from datetime import timedelta

import pytest

from demo.hostile import DELIVERIES
from jobs.__main__ import main
from jobs.config.environment import ROOT
from jobs.contracts.source import load_contracts
from tests.conftest import DAY, World

NEXT = DAY + timedelta(days=1)


def own_contract(world: World, line: str) -> None:
    """Of the only source, with one line more."""
    (world.root / "contracts").mkdir(exist_ok=True)
    text = (ROOT / "conf/sources/call_logs.toml").read_text()
    (world.root / "contracts/call_logs.toml").write_text(f"{line}\n{text}")
    world.file.write_text(f'contracts = "{world.root}/contracts"\n{world.file.read_text()}')


def states(world: World, capsys: pytest.CaptureFixture[str], *asked: str) -> list[tuple[str, str]]:
    code = main([*asked, "--env", str(world.file), "--json"])
    assert code == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [(line["ingest_date"], line["state"]) for line in lines]


def test_days_after_the_last_one_are_retired_and_nobody_looks_for_them(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    both = ("--from", str(DAY), "--to", str(NEXT))
    delivered = DELIVERIES["calls_original"].write()
    for day in (DAY, NEXT):
        world.deliver("call_logs", delivered, day)
    own_contract(world, f"until = {DAY}")

    assert states(world, capsys, "run", *both) == [(str(DAY), "loaded"), (str(NEXT), "retired")]
    assert states(world, capsys, "status", "--check", *both) == [(str(DAY), "loaded"), (str(NEXT), "retired")]
    assert states(world, capsys, "run", "--date", str(NEXT)) == [(str(NEXT), "retired")]
    assert not list(world.lake.glob(f"raw/*/ingest_date={NEXT}"))

    world.deliver("call_logs", delivered + delivered.splitlines(keepends=True)[-1])
    assert states(world, capsys, "run", *both) == [(str(DAY), "loaded"), (str(NEXT), "retired")]
    assert states(world, capsys, "status") == [(str(DAY), "loaded")]


def test_an_attempt_of_before_it_was_known_to_end_is_not_missed_either(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = ["run", "--date", str(NEXT), "--source", "call_logs", "--env", str(world.file)]
    assert main(missing) == 75
    capsys.readouterr()
    own_contract(world, f"until = {DAY}")
    assert states(world, capsys, "status", "--date", str(NEXT)) == [(str(NEXT), "retired")]
    assert states(world, capsys, "status") == [(str(NEXT), "retired")]


def test_what_landed_before_does_not_land_anew_for_it(world: World) -> None:
    before = load_contracts(world.environment)["call_logs"].fingerprint
    own_contract(world, f"until = {DAY}")
    assert load_contracts(world.environment)["call_logs"].fingerprint == before


def test_static_sources_retire_too(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    own_contract(world, f"until = {DAY}")
    shutil.copy(ROOT / "conf/sources/customers.toml", world.root / "contracts/customers.toml")
    contract = world.root / "contracts/customers.toml"
    contract.write_text(f"until = {DAY}\n{contract.read_text()}")
    both = [(str(NEXT), "retired")] * 2
    assert states(world, capsys, "status", "--check", "--date", str(NEXT)) == both
    assert states(world, capsys, "run", "--date", str(NEXT)) == both
