"""A correction that its source contract holds is landed and compared, and counts once somebody approves of it."""

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from jobs.__main__ import main
from jobs.config.environment import ROOT
from jobs.ledger.ledger import Ledger
from tests.conftest import DAY, World
from tests.landing.test_landing import CALLS, csv_of
from tests.landing.test_retired import own_contract
from tests.runner import Runner

OF_DAY = ("--date", str(DAY), "--source", "call_logs")


def ask(world: World, capsys: pytest.CaptureFixture[str], *command: str, code: int = 0) -> dict[str, Any]:
    assert main([*command, *OF_DAY, "--json", "--env", str(world.file)]) == code
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return dict(line)


def decide(world: World, what: str) -> int:
    return main([what, *OF_DAY, "--who", "ops", "--why", "looked at", "--env", str(world.file)])


@pytest.fixture
def held(world: World, capsys: pytest.CaptureFixture[str]) -> World:
    """Twenty rows in Bronze, and a correction with one more that waits."""
    own_contract(world, 'on_correction = "hold"')
    world.deliver("call_logs", csv_of(CALLS, 20))
    assert ask(world, capsys, "run")["state"] == "loaded"
    world.deliver("call_logs", csv_of(CALLS, 21))
    found = ask(world, capsys, "run", code=75)
    assert (found["state"], found["attempt"], found["rows_bronze"]) == ("held", "held", 20)
    return world


def test_a_held_correction_waits_and_is_read_once(held: World, capsys: pytest.CaptureFixture[str]) -> None:
    files = held.raw_files()
    for command in ("run", "ingest"):
        found = ask(held, capsys, command, code=75)
        assert (found["state"], found["rows_landed"], found["rows_bronze"]) == ("held", 20, 20)
    assert ask(held, capsys, "load")["state"] == "held"
    assert ask(held, capsys, "status")["waits"] > found["run_id"]
    assert held.raw_files() == files
    assert ask(held, capsys, "diff")["added"] == 1


def test_an_approved_one_is_published_by_the_next_load(held: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert decide(held, "approve") == 0
    found = ask(held, capsys, "load")
    assert (found["state"], found["attempt"], found["rows_bronze"]) == ("loaded", "loaded", 21)
    manifest = Ledger(held.lake).find_newest("call_logs", DAY)
    assert manifest is not None
    (amendment,) = (json.loads(at.read_text()) for at in held.lake.rglob("_amendment-*.json"))
    assert (amendment["decision"], amendment["why"]) == ({"decided": "approved", "who": "ops"}, "looked at")
    assert ask(held, capsys, "run")["attempt"] == "unchanged"
    assert decide(held, "approve") == 64
    assert "no correction waits" in capsys.readouterr().err


def test_a_discarded_one_never_counts_and_does_not_land_again(held: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert decide(held, "discard") == 0
    files = held.raw_files()
    found = ask(held, capsys, "run")
    assert (found["state"], found["attempt"], found["rows_bronze"]) == ("loaded", "unchanged", 20)
    assert held.raw_files() == files
    held.deliver("call_logs", csv_of(CALLS, 22))
    assert ask(held, capsys, "run", code=75)["state"] == "held"


def test_a_further_correction_takes_the_place_of_the_one_that_waits(
    held: World, capsys: pytest.CaptureFixture[str]
) -> None:
    held.deliver("call_logs", csv_of(CALLS, 23))
    assert ask(held, capsys, "run", code=75)["state"] == "held"
    assert decide(held, "approve") == 0
    assert ask(held, capsys, "run")["rows_bronze"] == 23
    held.deliver("call_logs", csv_of(CALLS, 24))
    ask(held, capsys, "run", code=75)
    assert decide(held, "approve") == 0
    assert ask(held, capsys, "run")["rows_bronze"] == 24


def test_a_correction_of_few_rows_is_published_where_more_may_be_others(
    world: World, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    own_contract(world, 'on_correction = "hold"\nhold_above = 10')
    for rows, state in ((20, "loaded"), (21, "loaded"), (30, "held")):
        world.deliver("call_logs", csv_of(CALLS, rows))
        assert ask(world, capsys, "run", code=75 if state == "held" else 0)["state"] == state
    assert len(run.bronze("call_logs")) == 21


def test_who_approves_and_is_killed_has_approved_or_not(held: World, capsys: pytest.CaptureFixture[str]) -> None:
    stop = "import os, signal, sys\nfrom jobs.__main__ import main\n"
    stop += f"os.{{}} = lambda *_: os.kill(os.getpid(), {signal.SIGKILL})\nmain(sys.argv[1:])"
    for step in ("link", "fsync"):
        command = [sys.executable, "-c", stop.format(step), "approve", *OF_DAY, "--env", str(held.file)]
        assert subprocess.run(command, cwd=ROOT, env=os.environ, check=False).returncode == -signal.SIGKILL
    assert ask(held, capsys, "run", code=75)["state"] == "held"
    assert decide(held, "approve") == 0
    assert ask(held, capsys, "run")["rows_bronze"] == 21
