"""What a killed run left goes with the next run, never that of one which is still running."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jobs.config.environment import ROOT
from jobs.pipeline.scratch import LOCK, held
from tests.conftest import DAY, DAYS, World
from tests.landing.test_landing import CALLS, csv_of
from tests.runner import Runner

ONLY = ("call_logs",)
KILLED = "20251122T000000000000Z-dead"
HOLDS = """
import sys, time
from pathlib import Path
from jobs.pipeline.scratch import held
with held(Path(sys.argv[1]), is_shared=True):
    Path(sys.argv[1], "customers.csv").write_text("Jane Canary")
    print("held", flush=True)
    time.sleep(600)
"""


def left(world: World, run_id: str, day: object = DAYS[3]) -> list[Path]:
    """A landing without a manifest, of a day that the next run does not look at."""
    folder = world.lake / f"raw/call_logs/ingest_date={day}/run_id={run_id}/landed"
    folder.mkdir(parents=True)
    (folder / "part-00000.zstd.parquet").write_bytes(b"rows")
    (folder / f".part-00001.zstd.parquet.{'0' * 32}").write_bytes(b"half")
    return list(folder.iterdir())


@pytest.fixture
def at_work(world: World) -> "subprocess.Popen[str]":
    """Another process's run, that has its folder."""
    command = [sys.executable, "-c", HOLDS, str(world.lake / "scratch" / KILLED)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_a_killed_run_s_scratch_and_void_landings_go_with_the_next_run(
    run: Runner, at_work: "subprocess.Popen[str]"
) -> None:
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    voids = left(run.world, KILLED)
    committed = run.world.lake / f"raw/call_logs/ingest_date={DAY}/run_id={KILLED}/_manifest.json"
    (found,) = run(sources=ONLY)
    assert found.state == "loaded"
    assert all(path.exists() for path in [*voids, run.world.lake / "scratch" / KILLED / "customers.csv"])

    at_work.kill()
    at_work.wait()
    shutil.copytree(run.world.lake / f"raw/call_logs/ingest_date={DAY}/run_id={found.run_id}", committed.parent)
    (again,) = run(sources=ONLY)

    assert again.exit_code == 0
    assert not any(path.exists() for path in voids)
    assert list((run.world.lake / "scratch").iterdir()) == []
    assert committed.exists()


def test_what_a_version_without_locks_left_is_given_a_day(run: Runner) -> None:
    old, young = (run.world.lake / "scratch" / f"20251122T00000000000{n}Z-aaaa" for n in range(2))
    for folder in (old, young, run.world.lake / "scratch/of-somebody-else"):
        folder.mkdir(parents=True)
    two_days_ago = time.time() - 2 * 86400
    os.utime(old, (two_days_ago, two_days_ago))
    run(sources=ONLY)
    assert sorted(at.name for at in (run.world.lake / "scratch").iterdir()) == [young.name, "of-somebody-else"]


def test_a_run_s_folder_has_its_lock_from_the_first_moment_and_goes_with_it(tmp_path: Path) -> None:
    with held(tmp_path / KILLED, is_shared=False):
        assert [at.name for at in tmp_path.iterdir()] == [KILLED]
        assert (tmp_path / KILLED / LOCK).exists()
        assert (tmp_path / KILLED).stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []
