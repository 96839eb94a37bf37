"""A double of EMR Serverless: its REST API, in front of real spark-submits in what docker/Dockerfile.spark installs."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from werkzeug.serving import make_server

ROOT = Path(__file__).resolve().parents[2]
APPLICATION = "00fake0serverless"
ENTRY_POINT = "local:///opt/coretelecoms/jobs/__main__.py"
ENDED = ("SUCCESS", "FAILED", "CANCELLED")


def unpacked_image(folder: Path) -> Path:
    """What the Dockerfile's COPY lines bring into the image, and nothing else of the checkout."""
    for line in (ROOT / "docker/Dockerfile.spark").read_text().splitlines():
        if not line.startswith("COPY ") or "--from=" in line:
            continue
        *sources, target = line.split()[1:]
        (folder / target).mkdir(parents=True, exist_ok=True)
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / target, dirs_exist_ok=True)
            else:
                shutil.copy2(ROOT / source, folder / target)
    return folder


@dataclass
class JobRun:
    """As the API tells it, with the process behind it."""

    id: str
    asked: dict[str, Any]
    state: str = "SUBMITTED"
    details: str = ""
    output: str = ""
    process: "subprocess.Popen[str] | None" = None
    looks: int = 0  # how often its state was asked for

    def described(self) -> dict[str, Any]:
        now = time.time()
        return {
            "applicationId": APPLICATION,
            "jobRunId": self.id,
            "id": self.id,
            "arn": f"arn:aws:emr-serverless:eu-north-1:123456789012:/applications/{APPLICATION}/jobruns/{self.id}",
            "name": self.asked.get("name"),
            "createdBy": "arn:aws:iam::123456789012:role/airflow",
            "createdAt": now,
            "updatedAt": now,
            "executionRole": self.asked["executionRoleArn"],
            "state": self.state,
            "stateDetails": self.details,
            "releaseLabel": "emr-7.13.0",
            "jobDriver": self.asked["jobDriver"],
        }


@dataclass
class Service:
    """`faults`: what becomes of the next job runs, "" for nothing.

    "lost": accepted, but not answered; "waits": does not begin until `released`; "held": both; "fails".
    """

    image: Path
    python: str
    environment: dict[str, str]
    runs: dict[str, JobRun] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    faults: "deque[str]" = field(default_factory=deque)
    released: threading.Event = field(default_factory=threading.Event)
    most_live: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of_name(self, part: str) -> list[JobRun]:
        return [run for run in self.runs.values() if part in run.asked["name"]]

    def start(self, asked: dict[str, Any]) -> tuple[JobRun, str]:
        """The job run, and the fault to be played; the same token is the same job run."""
        with self._lock:
            token = asked["clientToken"]
            if token in self.tokens:
                run = self.runs[self.tokens[token]]
                if run.asked != asked:
                    abort(409, "ConflictException")
                return run, ""
            run = JobRun(f"00job{len(self.runs):04}", asked)
            self.runs[run.id] = run
            self.tokens[token] = run.id
            live = [other for other in self.runs.values() if other.state not in ENDED]
            self.most_live[asked["name"]] = sum(other.asked["name"] == asked["name"] for other in live)
            fault = self.faults.popleft() if self.faults else ""
        if fault == "fails":
            run.state, run.details = "FAILED", "Worker could not be allocated"
        else:
            threading.Thread(target=self._work, args=(run, fault in ("held", "waits")), daemon=True).start()
        return run, fault

    def _work(self, run: JobRun, is_held: bool) -> None:
        if is_held:
            self.released.wait()
        if run.state in ENDED:
            return
        submit = run.asked["jobDriver"]["sparkSubmit"]
        if submit["entryPoint"] != ENTRY_POINT:
            run.state, run.details = "FAILED", f"no such file: {submit['entryPoint']}"
            return
        run.process = subprocess.Popen(
            # With a master it is Spark's own spark-submit that starts the driver, as on EMR.
            [str(self.image / "spark-submit.sh"), *submit["entryPointArguments"], "--master", "local[*]"],
            env=self.environment | {"CORETELECOMS_PYTHON": self.python},
            cwd=self.image,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        run.state = "RUNNING"
        run.output, _ = run.process.communicate()
        if run.state != "CANCELLED":
            run.state = "FAILED" if run.process.returncode else "SUCCESS"
            run.details = run.output.strip().rpartition("\n")[2][:200] if run.process.returncode else ""

    def cancel(self, run: JobRun) -> None:
        if run.state not in ENDED:
            run.state, run.details = "CANCELLED", "Job run was cancelled"
            if run.process and run.process.poll() is None:
                os.killpg(run.process.pid, signal.SIGTERM)

    def close(self) -> None:
        self.released.set()
        for run in self.runs.values():
            self.cancel(run)


def application(service: Service) -> Flask:
    app = Flask("emr")
    jobs = f"/applications/{APPLICATION}/jobruns"

    @app.get(f"/applications/{APPLICATION}")
    def get_application() -> Response:
        return jsonify(application={"applicationId": APPLICATION, "state": "STARTED", "type": "Spark"})

    @app.post(jobs)
    def start_job_run() -> Response:
        run, fault = service.start(request.get_json())
        if fault == "held":
            service.released.wait()
        if fault in ("lost", "held"):
            request.environ["werkzeug.socket"].shutdown(2)
        return jsonify(applicationId=APPLICATION, jobRunId=run.id, arn=run.described()["arn"])

    @app.get(jobs)
    def list_job_runs() -> Response:
        return jsonify(jobRuns=[run.described() for run in service.runs.values()])

    @app.get(f"{jobs}/<job>")
    def get_job_run(job: str) -> Response:
        service.runs[job].looks += 1
        return jsonify(jobRun=service.runs[job].described())

    @app.delete(f"{jobs}/<job>")
    def cancel_job_run(job: str) -> Response:
        service.cancel(service.runs[job])
        return jsonify(applicationId=APPLICATION, jobRunId=job)

    @app.get(f"{jobs}/<job>/dashboard")
    def get_dashboard(job: str) -> Response:
        return jsonify(url=f"https://spark.example/{job}")

    return app


@contextmanager
def serving(service: Service) -> Iterator[str]:
    """The service's address; its job runs end with the block."""
    server = make_server("127.0.0.1", 0, application(service), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        service.close()
        server.shutdown()
