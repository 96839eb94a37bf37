"""How Spark is started: with the JIT that suits what is to be read, and not at all where nothing is new."""

import os
import subprocess
from pathlib import Path

import pytest

from demo.faithful import delivery_path, generate
from jobs.session import LARGE
from jobs.settings import ROOT
from tests.conftest import DAYS, World, make_world

DAY = str(DAYS[0])


def flags(world: World) -> str:
    """What the JVM says of its own flags, were one started by a run of two sources; each must have looked at both."""
    command = [str(ROOT / "spark-submit.sh"), "run", "--date", DAY, "--source", "call_logs", "--source", "customers"]
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


def test_a_small_day_is_compiled_by_c1_and_where_nothing_is_new_no_jvm_is_started(world: World) -> None:
    assert "-XX:TieredStopAtLevel=1" in flags(world)
    assert not flags(world)


def test_a_large_day_is_compiled_by_c2_too(world: World) -> None:
    calls = delivery_path(world.root / "sources", ("call_logs", DAY))
    calls.write_bytes(b"no,calls\n" + b"x,y\n" * (LARGE // 4))  # refused for its header: to read it would take its time
    assert "-XX:TieredStopAtLevel=4" in flags(world)
