"""`--master spark://...`: sources and lake on S3, on machines that have Spark and nothing else of ours."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from demo.faithful import Counts
from jobs.config.environment import ROOT
from tests.cluster.conftest import Cluster, executors_of, kill
from tests.conftest import DAYS, World
from tests.e2e.conftest import HOLD, wait_for
from tests.s3.conftest import Cloud

FILES = ("call_logs", "customers", "social_media")  # what needs no database
ONLY = [option for source in FILES for option in ("--source", source)]


@pytest.fixture
def filled(cloud: Cloud, delivered: tuple[World, Counts]) -> Cloud:
    cloud.deliver_all(delivered[0].root / "sources")
    return cloud


def submit(cloud: Cloud, cluster: Cluster, *arguments: str, **more: str) -> "subprocess.Popen[str]":
    command = [str(ROOT / "spark-submit.sh"), "run", *arguments, "--env", str(cloud.file), "--master", cluster.url]
    environment = os.environ | {"SPARK_LOCAL_IP": "127.0.0.1"} | more
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, **both, text=True, env=environment, cwd="/", start_new_session=True)


def expected(delivered: tuple[World, Counts], *days: str) -> dict[str, int]:
    _, counts = delivered
    return {source: sum(rows for day, rows in counts["rows"][source].items() if day in ("", *days)) for source in FILES}


def found(cloud: Cloud) -> dict[str, int]:
    return {source: len(cloud.bronze(source)) for source in FILES}


def test_a_run_on_two_workers_lands_and_loads_every_row(
    filled: Cloud, cluster: Cluster, delivered: tuple[World, Counts], tmp_path: Path
) -> None:
    # Their Python is not where the driver's is.
    python, started = tmp_path / "python", tmp_path / "started"
    python.write_text(f'#!/bin/sh\necho "$$" >>{started}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    filled.file.write_text(f'{filled.file.read_text()}[spark]\n"spark.pyspark.python" = "{python}"\n')
    # The last row has too few fields: what executors reject is counted and kept too.
    path = delivered[0].root / f"sources/call logs/call_logs_day_{DAYS[0]}.csv"
    filled.deliver(f"call logs/{path.name}", path.read_bytes() + b"1,2,3\n")
    run = submit(filled, cluster, "--from", str(DAYS[0]), "--to", str(DAYS[1]), *ONLY)
    output, _ = run.communicate()
    assert run.returncode == 0, output
    assert found(filled) == expected(delivered, str(DAYS[0]), str(DAYS[1]))
    (manifest,) = [m for m in filled.manifests("call_logs") if m.ingest_date == DAYS[0]]
    assert (manifest.rows_rejected, manifest.reject_reasons) == (1, {"3 fields, the header has 9": 1})
    assert started.read_text()
    assert len(re.findall(r"Launching executor app-\S+/\d+ on worker", cluster.log("master"))) >= 2


def test_a_worker_that_dies_for_good_leaves_its_work_to_the_other(
    filled: Cloud, cluster: Cluster, delivered: tuple[World, Counts], tmp_path: Path
) -> None:
    (tmp_path / "hold").mkdir()
    hold = {"HOLD_AT": "read customers", "HOLD_FOLDER": str(tmp_path / "hold"), "PYTHONPATH": str(HOLD)}
    run = submit(filled, cluster, "--date", str(DAYS[0]), *ONLY, **hold)
    wait_for((tmp_path / "hold/held").exists, "the read of customers", run)
    for executor in executors_of(cluster.workers[1]):
        kill(executor)
    cluster.workers[1].kill()
    (tmp_path / "hold/go").touch()
    output, _ = run.communicate()
    assert run.returncode == 0, output
    assert found(filled) == expected(delivered, str(DAYS[0]))
