"""A standalone Spark cluster of native processes on loopback: a master and two workers of one core."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from demo.server import die_with_parent
from jobs.engines.jvm import find_jvm
from tests.s3.conftest import (  # noqa: F401 - the same sources and S3 server
    cloud,
    delivered,
    nothing_below_raw_is_deleted_or_replaced,
    postgres,
    server,
)

PATIENCE = 60.0


@dataclass
class Cluster:
    url: str = ""
    logs: Path = Path()
    workers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def log(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text(errors="replace")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with serving(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@contextmanager
def serving(folder: Path) -> Iterator[Cluster]:
    """A cluster whose logs and work lie in `folder`, until the block ends."""
    found = find_jvm().variables
    # What a worker's machine has: a JVM and Spark. Neither the checkout, nor our jars, nor the class archive.
    kept = ("JAVA_HOME", "SPARK_HOME", "PATH", "HOME", "SPARK_LOCAL_IP", "PYSPARK_PYTHON")
    environment = {name: found[name] for name in kept} | {
        "SPARK_WORKER_DIR": str(folder / "work"),
        "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "SPARK_LOG_LEVEL": "info",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, *command: str) -> "subprocess.Popen[bytes]":
        with (folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [f"{found['SPARK_HOME']}/bin/spark-class", f"org.apache.spark.deploy.{command[0]}", *command[1:]],
                env=environment,
                stdout=log,
                stderr=log,
                preexec_fn=partial(die_with_parent, signal.SIGTERM),
            )
        started.append(process)
        return process

    cluster = Cluster(logs=folder)
    try:
        start("master", "master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
        cluster.url = _await(cluster, r"Starting Spark master at (spark://\S+)", "master")
        for number in (1, 2):
            options = ("--host", "127.0.0.1", "--cores", "1", "--memory", "1g", "--webui-port", "0")
            cluster.workers.append(start(f"worker-{number}", "worker.Worker", cluster.url, *options))
        _await(cluster, r"(?s)Registering worker .*Registering worker (\S+)", "master")
        yield cluster
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            process.wait()


def _await(cluster: Cluster, pattern: str, name: str) -> str:
    deadline = time.monotonic() + PATIENCE
    while not (found := re.search(pattern, cluster.log(name))):
        assert time.monotonic() < deadline, cluster.log(name)
        time.sleep(0.1)
    return found.group(1)


def executors_of(worker: "subprocess.Popen[bytes]") -> list[int]:
    """Process ids of the executors that a worker started."""
    task = Path(f"/proc/{worker.pid}/task")
    children = [int(pid) for path in task.glob("*/children") for pid in path.read_text().split()]
    return [pid for pid in children if "CoarseGrainedExecutorBackend" in _command(pid)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
