"""The compose file's Spark services and a driver, each at an address of its own, as a uid that has no name."""

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from deltalake import DeltaTable

from demo.faithful import Counts
from jobs.config.environment import ROOT
from tests.cluster.machines import CannotBeMadeError, Machine, network
from tests.cluster.test_cluster import expected
from tests.conftest import DAYS, World, make_world

WORKERS = ("spark-worker-1", "spark-worker-2")
PATIENCE = 300.0
USER = "50000:0"


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[dict[str, Machine]]:
    try:
        with network(["spark-master", *WORKERS, "driver"], tmp_path) as made:
            yield made
    except CannotBeMadeError as error:
        pytest.skip(f"network namespaces cannot be had here: {error}")


@pytest.fixture
def volume() -> Iterator[Path]:
    """What all of them may write to, as compose's volume is; pytest's own folder only its user may enter."""
    with tempfile.TemporaryDirectory(prefix="coretelecoms-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


def command_of(service: str, work: Path) -> list[str]:
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    given: str = services[service]["command"]
    return shlex.split(given.replace("$$", "$").replace("/tmp/work", str(work)))


def wait_for(log: Path, pattern: str, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + PATIENCE
    while not re.search(pattern, log.read_text()):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)


def test_workers_executors_and_driver_find_each_other_at_their_own_addresses(
    machines: dict[str, Machine], delivered: tuple[World, Counts], volume: Path, tmp_path: Path
) -> None:
    world = make_world(volume)
    shutil.copytree(delivered[0].root / "sources/call logs", world.root / "sources/call logs")
    ours = {"CORETELECOMS_PYTHON": sys.executable, "SPARK_LOCAL_IP": ""}
    log = tmp_path / "master.log"
    master = machines["spark-master"].start("0:0", ROOT, command_of("spark-master", tmp_path / "work"), log, **ours)
    wait_for(log, r"Starting Spark master at spark://spark-master:7077", master)
    for name in WORKERS:
        command = command_of("spark-worker", volume / name)
        worker = machines[name].start(USER, ROOT, command, tmp_path / f"{name}.log", **ours)
        wait_for(tmp_path / f"{name}.log", "Successfully registered with master", worker)
    assert set(re.findall(r"Registering worker ([\d.]+):", log.read_text())) == {
        machines[name].address for name in WORKERS
    }
    command = ["./spark-submit.sh", "run", "--date", str(DAYS[0]), "--source", "call_logs", "--env", str(world.file)]
    said = tmp_path / "driver.log"
    driver = machines["driver"].start(USER, ROOT, [*command, "--master", "spark://spark-master:7077"], said, **ours)
    try:
        assert driver.wait(PATIENCE) == 0, said.read_text()
    except subprocess.TimeoutExpired:
        pytest.fail(f"the submit does not end:\n{log.read_text()[-3000:]}")
    landed = DeltaTable(world.bronze / "call_logs").to_pyarrow_table().num_rows
    assert landed == expected(delivered, str(DAYS[0]))["call_logs"]
    assert len(set(re.findall(r"Launching executor app-\S+ on worker (\S+)", log.read_text()))) == len(WORKERS)
