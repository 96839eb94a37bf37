"""An environment leaves a source out: nothing looks for it, and nothing is missing."""

import json
import os
import subprocess

import pytest

from demo.hostile import DELIVERIES
from jobs.__main__ import main
from jobs.config.environment import ROOT
from jobs.contracts.source import load_contracts
from jobs.errors import ConfigurationError
from tests.conftest import DAY, World

OTHERS = ["agents", "customers", "service_outages", "social_media", "web_forms"]


def leave_out(world: World, *sources: str) -> None:
    world.file.write_text(f"without = {json.dumps(sources)}\n{world.file.read_text()}")


def test_a_run_and_status_know_the_others_alone(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    leave_out(world, *OTHERS)
    world.deliver("call_logs", DELIVERIES["calls_original"].write())
    asked = ["--date", str(DAY), "--env", str(world.file)]

    assert main(["run", *asked, "--json"]) == 0
    assert main(["status", "--check", *asked, "--json"]) == 0

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [(line["source"], line["state"]) for line in lines] == [("call_logs", "loaded")] * 2


def test_dbt_is_told_which_sources_there_are(world: World) -> None:
    leave_out(world, "web_forms", "agents")
    shown = ["sh", "-c", "echo $CORETELECOMS_SOURCES"]
    command = [str(ROOT / "dbt.sh"), "--env", str(world.file), "--", *shown]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout == "call_logs,customers,service_outages,social_media\n"


@pytest.mark.parametrize(
    ("without", "asked", "message"),
    [
        (["calls"], (), r"env.toml: without: found \['calls'\], not in conf/sources; there are \['agents'"),
        (["agents"], ("agents",), r"--source \['agents'\]: not in conf/sources, or left out by environment 'env'"),
        (["call_logs", *OTHERS], (), r"conf/sources: no source contract .* in it, but those left out"),
    ],
)
def test_what_cannot_be_left_out_or_asked_for_is_said(
    without: list[str], asked: tuple[str, ...], message: str, world: World
) -> None:
    leave_out(world, *without)
    with pytest.raises(ConfigurationError, match=message):
        load_contracts(world.environment, asked)
