import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable

from demo import services
from demo.faithful import Counts, generate
from demo.postgres import Server, serving
from jobs.config.environment import ROOT
from tests.conftest import DAYS, World, make_world

SOURCES = ("agents", "call_logs", "customers", "service_outages", "social_media", "web_forms")
HOLD = ROOT / "tests/e2e/hold"
PATIENCE = 120.0  # seconds until a run that should have got somewhere is given up


@dataclass(frozen=True)
class Platform:
    """The demo's sources and an empty lake, used by the command that users have."""

    world: World
    counts: Counts
    server: Server

    def submit(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / "spark-submit.sh"), *arguments, "--env", str(self.world.file)]
        return subprocess.run(command, capture_output=True, text=True, cwd=self.world.root, check=False)

    def start(self, *arguments: str, hold_at: str = "", folder: Path | None = None) -> "subprocess.Popen[str]":
        """In a process group of its own; held still at a line of its log where `hold_at` names one."""
        environment = dict(os.environ)
        if folder:
            folder.mkdir()
            environment |= {"HOLD_AT": hold_at, "HOLD_FOLDER": str(folder), "PYTHONPATH": str(HOLD)}
        command = [str(ROOT / "spark-submit.sh"), *arguments, "--env", str(self.world.file)]
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(command, **both, text=True, env=environment, start_new_session=True)

    def ledger(self, *arguments: str) -> list[dict[str, Any]]:
        shown = self.submit("status", "--json", *arguments)
        assert shown.returncode == 0, shown.stderr
        return [json.loads(line) for line in shown.stdout.splitlines()]

    def live_files(self, source: str) -> dict[str, str]:
        """Path -> content hash of what Bronze holds."""
        uris = DeltaTable(self.world.bronze / source).file_uris()
        return {uri: sha256(Path(uri).read_bytes()).hexdigest() for uri in uris}

    def bronze(self, source: str, day: date | None = None) -> list[tuple[Any, ...]]:
        """The rows that Bronze holds, in order, without what differs from run to run."""
        files = [uri for uri in DeltaTable(self.world.bronze / source).file_uris() if day is None or str(day) in uri]
        query = (
            "select * exclude (_run_id, _ingested_at) from read_parquet($files, hive_partitioning = false) order by all"
        )
        with duckdb.connect() as connection:
            return connection.execute(query, {"files": files}).fetchall()

    def all_bronze(self) -> dict[str, list[tuple[Any, ...]]]:
        return {source: self.bronze(source) for source in SOURCES}

    def empty_lake(self) -> None:
        for folder in (self.world.lake, self.world.bronze):
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    world = make_world(tmp_path_factory.mktemp("platform"), agents_from_a_file=False)
    counts = generate(world.root / "sources", DAYS, calls=1500, customers=1000)
    sheet = partial(services.agents_of, world.root / "sources")
    with serving(tmp_path_factory.mktemp("postgres")) as server, services.serving(sheet) as web:
        web.write_secrets(world.root / "services")
        server.load_web_forms(world.root / "sources/web_forms")
        server.write_secrets(world.root / "secrets")
        yield Platform(world, counts, server)


@pytest.fixture(scope="session")
def four_days(platform: Platform) -> Platform:
    """The platform after one undisturbed run over the four days."""
    done = platform.submit("run", "--from", str(DAYS[0]), "--to", str(DAYS[-1]))
    assert done.returncode == 0, done.stderr
    return platform


def wait_for(condition: Callable[[], bool], what: str, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, f"the run ended before {what}: {process.communicate()[0]}"
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} s"
        time.sleep(0.01)


def kill(process: "subprocess.Popen[str]") -> None:
    """The whole tree at once: shell, JVM, Python."""
    with contextlib.suppress(ProcessLookupError):  # it had ended
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
