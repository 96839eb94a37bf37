"""When Spark is started, and how: never where threads read; with the JIT that suits what is to be read."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from demo.faithful import delivery_path, generate
from jobs.config.environment import ROOT
from jobs.engines.session import LARGE
from tests.conftest import DAYS, World, make_world

DAY = str(DAYS[0])


def flags(world: World, *engine: str) -> str:
    """What the JVM says of its own flags, were one started by a run of two sources; each must have looked at both."""
    command = [
        str(ROOT / "spark-submit.sh"),
        "run",
        "--date",
        DAY,
        "--source",
        "call_logs",
        "--source",
        "customers",
        *engine,
    ]
    environment = os.environ | {"SPARK_SUBMIT_OPTS": "-XX:+PrintCommandLineFlags"}
    done = subprocess.run(
        [*command, "--env", str(world.file)], env=environment, capture_output=True, text=True, check=False
    )
    assert "customers" in done.stdout, done.stderr
    assert "log level" not in done.stderr  # Spark's own talk
    return "\n".join(line for line in done.stdout.splitlines() if line.startswith("-XX:"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = make_world(tmp_path)
    generate(made.root / "sources", DAYS[:1], calls=10, customers=10)
    return made


def engine_of(world: World) -> str:
    """Of the newest run, as its report says."""
    newest = max((world.lake / "runs").glob("*.json"))
    return str(json.loads(newest.read_text())["engine"])


def test_a_day_is_read_without_a_jvm_unless_spark_is_asked_for(world: World) -> None:
    assert not flags(world)
    assert engine_of(world) == "in-process"
    assert not flags(world, "--engine", "spark")  # nothing is new
    assert "-XX:TieredStopAtLevel=1" in flags(world, "--engine", "spark", "--replay")
    assert engine_of(world) == "spark"


def test_a_run_above_the_environments_size_goes_to_spark_by_itself(world: World) -> None:
    world.file.write_text("engine = { spark_above_gb = 1e-6 }\n" + world.file.read_text())
    assert "-XX:TieredStopAtLevel=1" in flags(world)
    assert engine_of(world) == "spark"


def test_a_large_day_is_compiled_by_c2_too(world: World) -> None:
    calls = delivery_path(world.root / "sources", ("call_logs", DAY))
    calls.write_bytes(b"no,calls\n" + b"x,y\n" * (LARGE // 4))  # refused for its header: to read it would take its time
    assert "-XX:TieredStopAtLevel=4" in flags(world, "--engine", "spark")
