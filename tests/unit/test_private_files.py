"""What holds persons is for its user only, whatever the umask; a stricter one is heeded."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from demo.hostile import DELIVERIES
from jobs.clients import store
from jobs.config.environment import ROOT
from tests.conftest import DAY, World


def open_to_others(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.stat().st_mode & 0o077]


@pytest.mark.parametrize("name", ["calls_original", "calls_short_row"])
def test_x9_what_a_run_leaves_is_for_its_user_only(world: World, name: str) -> None:
    world.deliver("call_logs", DELIVERIES[name].write())
    run = ["run", "--date", str(DAY), "--source", "call_logs", "--env", str(world.file)]
    done = subprocess.run([sys.executable, "-m", "jobs", *run], cwd=ROOT, umask=0o022, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    left = [world.lake, world.bronze, world.root / "logs"]
    assert [path for folder in left for path in [*open_to_others(folder), folder] if path.stat().st_mode & 0o077] == []
    kinds = {path.suffix for folder in left for path in folder.rglob("*") if path.is_file()}
    assert kinds >= {".parquet", ".json", ".jsonl"}
    assert open_to_others(world.root / "sources"), "the search finds what is open to others"


def test_x9_an_executor_with_its_own_umask_writes_no_file_for_others(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with store.create_file(tmp_path / "lake/raw/part") as file:
            file.write(b"x")
        store.put_if_absent(tmp_path / "lake/raw/_manifest.json", b"x")
        store.copy(tmp_path / "lake/raw/part", tmp_path / "lake/copied/part")
        os.umask(0o277)
        store.copy(tmp_path / "lake/raw/part", tmp_path / "lake/copied/strict")
    finally:
        os.umask(before)
    assert open_to_others(tmp_path) == []
    assert stat.S_IMODE((tmp_path / "lake/copied/strict").stat().st_mode) == 0o400


def test_the_duckdb_file_of_an_older_version_becomes_private_and_so_is_what_is_built_from_then_on(
    tmp_path: Path,
) -> None:
    (tmp_path / "warehouse.duckdb").touch(0o644)
    keep = f"import warehouse; warehouse.keep_private(); open({str(tmp_path / 'manifest.json')!r}, 'w').close()"
    variables = os.environ | {"CORETELECOMS_WAREHOUSE": str(tmp_path / "warehouse.duckdb"), "PYTHONPATH": "dbt"}
    subprocess.run([sys.executable, "-c", keep], cwd=ROOT, env=variables, umask=0o022, check=True)
    assert {path.name for path in tmp_path.iterdir()} == {"warehouse.duckdb", "manifest.json"}
    assert open_to_others(tmp_path) == []
