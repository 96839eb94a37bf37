import contextlib
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import DAYS
from tests.e2e.conftest import Platform, kill, wait_for

RANGE = ("--from", str(DAYS[0]), "--to", str(DAYS[1]))
Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def undisturbed(platform: Platform) -> Rows:
    platform.empty_lake()
    assert platform.submit("run", *RANGE).returncode == 0
    return platform.all_bronze()


@pytest.fixture
def empty(platform: Platform) -> Platform:
    platform.empty_lake()
    return platform


def converges(platform: Platform, undisturbed: Rows) -> None:
    done = platform.submit("run", *RANGE)
    assert done.returncode == 0, done.stderr
    assert platform.all_bronze() == undisturbed
    assert {row["state"] for row in platform.ledger()} == {"loaded", "unchanged"}
    lake = platform.world.lake
    assert list(lake.glob("scratch/*")) == []
    assert [at for at in lake.glob("raw/*/*/run_id=*") if not (at / "_manifest.json").exists()] == []


def killed_at(step: str, engine: str, platform: Platform, folder: Path) -> None:
    process = platform.start("run", *RANGE, "--engine", engine, hold_at=step, folder=folder / "hold")
    wait_for((folder / "hold/held").exists, step, process)
    kill(process)


@pytest.mark.parametrize(
    ("step", "engine"),
    [
        pytest.param("read call_logs", "in-process", marks=pytest.mark.slow),
        pytest.param("read call_logs", "spark", marks=pytest.mark.slow),
        pytest.param("written web_forms", "in-process", marks=pytest.mark.slow),
        pytest.param("written web_forms", "spark", marks=pytest.mark.slow),
        ("manifest call_logs", "in-process"),
        ("staged social_media", "in-process"),
        pytest.param("published customers", "in-process", marks=pytest.mark.slow),
    ],
)
def test_after_a_kill_at_a_step_the_next_run_converges(
    step: str, engine: str, undisturbed: Rows, empty: Platform, tmp_path: Path
) -> None:
    killed_at(step, engine, empty, tmp_path)
    converges(empty, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(10))
def test_after_a_kill_at_a_random_moment_the_next_run_converges(
    number: int, undisturbed: Rows, empty: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    moment = random.Random().uniform(0, 3)
    logs = set((empty.world.root / "logs").glob("*.jsonl"))
    process = empty.start("run", *RANGE)

    def has_written() -> bool:
        new = set((empty.world.root / "logs").glob("*.jsonl")) - logs
        return any('"written"' in log.read_text() for log in new)

    wait_for(has_written, "the first write", process)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=moment)
    kill(process)
    (log,) = set((empty.world.root / "logs").glob("*.jsonl")) - logs
    with capsys.disabled():  # on record, whatever comes of it
        print(f"\nkilled {moment:.2f} s after the first write, at line {len(log.read_text().splitlines())} of its log")
    converges(empty, undisturbed)


@pytest.mark.parametrize("first", ["older", "newer", "both"])
def test_of_two_runs_of_one_day_held_together_at_publish_the_newer_one_stays_whole(
    first: str, empty: Platform, tmp_path: Path
) -> None:
    command = ("run", "--date", str(DAYS[0]), "--source", "call_logs")
    folders = {"older": tmp_path / "older", "newer": tmp_path / "newer"}
    runs = {"older": empty.start(*command, hold_at="staged call_logs", folder=folders["older"])}
    wait_for((folders["older"] / "held").exists, "the first load at publish", runs["older"])
    runs["newer"] = empty.start(*command, "--replay", hold_at="staged call_logs", folder=folders["newer"])
    wait_for((folders["newer"] / "held").exists, "the replay at publish", runs["newer"])
    order = ["older", "newer"] if first in ("older", "both") else ["newer", "older"]
    for name in order:
        (folders[name] / "go").touch()
        if first != "both":
            runs[name].wait(timeout=120)
    outputs = {name: run.communicate()[0] for name, run in runs.items()}
    ends = {"older": {0}, "newer": {75}, "both": {0, 75}}[first]  # of the older one: loaded for a while, or superseded
    assert runs["newer"].returncode == 0, outputs
    assert runs["older"].returncode in ends, outputs
    assert ("superseded" in outputs["older"]) == (runs["older"].returncode == 75)
    (row,) = empty.ledger()
    manifests = sorted((empty.world.lake / "raw/call_logs").rglob("_manifest.json"))
    assert len(manifests) == 2
    assert f"run_id={row['run_id']}" in str(manifests[1])
    (file,) = empty.live_files("call_logs")
    assert row["run_id"] in file
    assert row["rows_bronze"] == row["rows_landed"] == empty.counts["rows"]["call_logs"][str(DAYS[0])]
