"""Loads that are killed, and two of them at once: Bronze is as it was, or as the newer run landed it, never between."""

import contextlib
import os
import random
import subprocess
import threading
from pathlib import Path

import pytest

from jobs.config.environment import ROOT
from tests.bigquery.conftest import Cloud
from tests.conftest import DAYS
from tests.e2e.conftest import HOLD, PATIENCE, kill, wait_for

DAY = DAYS[0]
TABLES = {"call_logs", "_publish_call_logs"}


@pytest.fixture
def corrected(cloud: Cloud) -> Cloud:
    """A day in Bronze, and a newer landing of it that is not loaded yet."""
    cloud.calls(30)
    cloud.run()
    cloud.calls(40)
    cloud.run(step="ingest")
    return cloud


def start(cloud: Cloud, hold_at: str, folder: Path, step: str = "load", *more: str) -> "subprocess.Popen[str]":
    """In a process group of its own, held still at a line of its log."""
    folder.mkdir()
    environment = os.environ | {"HOLD_AT": hold_at, "HOLD_FOLDER": str(folder), "PYTHONPATH": str(HOLD)}
    command = [str(ROOT / "spark-submit.sh"), step, "--date", str(DAY), "--source", "call_logs", *more]
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    command += ["--env", str(cloud.world.file)]
    return subprocess.Popen(command, **both, text=True, env=environment, start_new_session=True)


def converges(cloud: Cloud) -> None:
    (outcome,) = cloud.run(step="load")
    assert (outcome.state, outcome.rows_bronze) == ("loaded", 40), outcome.error
    assert cloud.bronze() == [(DAY, cloud.newest(), 40)]


def is_as_before_or_published(cloud: Cloud, before: list[tuple[object, ...]]) -> bool:
    return cloud.bronze() in (before, [(DAY, cloud.newest(), 40)])


@pytest.mark.parametrize("step", ["staging", "appended", "staged"])
def test_a_load_killed_before_it_publishes_changes_nothing(step: str, corrected: Cloud, tmp_path: Path) -> None:
    before = corrected.bronze()
    process = start(corrected, f"{step} call_logs", tmp_path / "hold")
    wait_for((tmp_path / "hold/held").exists, step, process)
    kill(process)
    assert corrected.bronze() == before
    (staging,) = corrected.tables() - TABLES
    made = [asked.body for asked in corrected.stand_in.asked if asked.path.endswith("/tables")]
    assert [b"expirationTime" in body for body in made if staging.encode() in body] == [True]  # BigQuery acts on it
    converges(corrected)


def test_a_load_killed_while_bigquery_publishes_is_published_or_not_and_converges(
    corrected: Cloud, tmp_path: Path
) -> None:
    before = corrected.bronze()
    process = start(corrected, "never", tmp_path / "hold")
    killed = threading.Event()

    def kill_it() -> None:
        kill(process)
        killed.set()

    corrected.stand_in.while_publishing = kill_it
    try:
        assert killed.wait(PATIENCE), process.communicate()
    finally:
        corrected.stand_in.while_publishing = lambda: None
    assert is_as_before_or_published(corrected, before)
    converges(corrected)


def test_a_load_killed_after_it_published_leaves_the_day_whole(corrected: Cloud, tmp_path: Path) -> None:
    process = start(corrected, "published call_logs", tmp_path / "hold")
    wait_for((tmp_path / "hold/held").exists, "published", process)
    kill(process)
    assert corrected.bronze() == [(DAY, corrected.newest(), 40)]
    converges(corrected)


@pytest.mark.parametrize("number", range(5))
def test_after_a_kill_at_a_random_moment_the_next_load_converges(
    number: int, corrected: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, asked = corrected.bronze(), len(corrected.stand_in.asked)
    moment = random.Random().uniform(0, 2)
    process = start(corrected, "never", tmp_path / "hold")
    wait_for(lambda: len(corrected.stand_in.asked) > asked, "the first request", process)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=moment)
    kill(process)
    with capsys.disabled():  # on record, whatever comes of it
        print(f"\nkilled {moment:.2f} s after its first request, {len(corrected.stand_in.asked) - asked} of them made")
    assert is_as_before_or_published(corrected, before)
    converges(corrected)


@pytest.mark.parametrize("day", ["new to Bronze", "already there"])
def test_of_two_loads_at_once_the_newer_one_stays_whole(day: str, cloud: Cloud, tmp_path: Path) -> None:
    """Each in a process of its own; the transaction that comes while the other is open is aborted, and tried again."""
    if day == "already there":
        cloud.calls(30)
        cloud.run()
    cloud.calls(40)
    older = start(cloud, "staged call_logs", tmp_path / "older", "run")
    wait_for((tmp_path / "older/held").exists, "the first load at publish", older)
    cloud.calls(50)
    newer = start(cloud, "staged call_logs", tmp_path / "newer", "run")
    wait_for((tmp_path / "newer/held").exists, "the second load at publish", newer)
    stand_in = cloud.stand_in
    # Whose transaction is open first waits until the other's was aborted.
    stand_in.while_publishing = lambda: wait_for(lambda: bool(stand_in.aborted), "the other transaction", newer)
    try:
        for name in ("older", "newer"):
            (tmp_path / name / "go").touch()
        outputs = {run: run.communicate(timeout=PATIENCE)[0] for run in (older, newer)}
    finally:
        stand_in.while_publishing = lambda: None
    assert newer.returncode == 0, outputs
    assert older.returncode in (0, 75), outputs  # loaded for a moment, or superseded
    assert ("superseded" in outputs[older]) == (older.returncode == 75)
    assert stand_in.aborted
    assert cloud.bronze() == [(DAY, cloud.newest(), 50)]
    assert cloud.tables() == TABLES
