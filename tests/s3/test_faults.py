"""What breaks on the way to and from S3: each converges on the next run, nothing lost, doubled or half visible."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from demo.faithful import Counts
from jobs.ledger import Manifest
from tests.conftest import DAYS, World
from tests.e2e.conftest import kill, wait_for
from tests.s3.conftest import LAKE_BUCKET, SOURCES_BUCKET, Cloud
from tests.s3.server import Request, Server

DAY = str(DAYS[0])
CALLS = ("run", "--date", DAY, "--source", "call_logs")
KEY = f"call logs/call_logs_day_{DAY}.csv"
RETRY_SOON = 'spark = { "spark.hadoop.fs.s3a.retry.interval" = "50ms", "spark.hadoop.fs.s3a.attempts.maximum" = "3" }'


@pytest.fixture
def calls(cloud: Cloud, delivered: tuple[World, Counts]) -> Cloud:
    cloud.deliver(KEY, (delivered[0].root / "sources" / KEY).read_bytes())
    return cloud


@pytest.fixture
def rows(delivered: tuple[World, Counts]) -> int:
    return delivered[1]["rows"]["call_logs"][DAY]


def converges(cloud: Cloud, rows: int) -> Manifest:
    """The next run ends with each row once, in Bronze and in the one landing that counts."""
    done = cloud.submit(*CALLS)
    assert done.returncode == 0, done.stderr
    manifest = cloud.manifests("call_logs")[-1]
    assert manifest.rows_delivered == manifest.rows_landed == rows
    bronze = cloud.bronze("call_logs")
    assert len(bronze) == len(set(bronze)) == rows
    return manifest


class Fault:
    """Every n-th request that matches is answered with `status`, at most `times` of them; 0 cuts the connection."""

    def __init__(
        self, number: int, status: int, only: Callable[[Request], bool] = lambda request: True, times: int = 1000
    ) -> None:
        self._number, self._status, self._only, self.left = number, status, only, times
        self._lock, self._seen = threading.Lock(), 0

    def __call__(self, request: Request) -> int | None:
        if not self._only(request):
            return None
        with self._lock:
            self._seen += 1
            if self._seen % self._number or not self.left:
                return None
            self.left -= 1
            return self._status


@pytest.mark.parametrize("status", [500, 503])
def test_bursts_of_server_errors_are_ridden_out(status: int, calls: Cloud, rows: int) -> None:
    calls.write(RETRY_SOON)
    fault = Fault(4, status, times=60)
    with calls.server.broken(fault):
        done = calls.submit(*CALLS)
    assert done.returncode == 0, done.stderr
    assert fault.left < 40
    converges(calls, rows)


def test_a_connection_cut_in_the_middle_of_an_upload_is_ridden_out(calls: Cloud, rows: int) -> None:
    calls.write(RETRY_SOON)
    fault = Fault(1, 0, lambda r: "partNumber" in r.query and "call_logs" in r.key, times=2)
    with calls.server.broken(fault):
        done = calls.submit(*CALLS)
    assert (done.returncode, fault.left) == (0, 0), done.stderr
    converges(calls, rows)


def test_a_server_that_stays_down_is_a_service_error_that_a_retry_mends(calls: Cloud, rows: int) -> None:
    with calls.server.broken(Fault(1, 503, lambda request: request.bucket == SOURCES_BUCKET)):
        done = calls.submit(*CALLS)
    assert done.returncode == 69, done.stderr
    (outcome,) = next(iter(calls.ledger.reports())).outcomes
    assert (outcome.state, outcome.retry_helps, outcome.error_kind) == ("failed", True, "ServiceError")
    assert not calls.raw()
    converges(calls, rows)


@pytest.mark.parametrize("moment", ["before Spark opens it", "after Spark read it"])
def test_an_object_replaced_while_it_is_read_voids_the_landing(moment: str, calls: Cloud, rows: int) -> None:
    old = calls.server.client.get_object(Bucket=SOURCES_BUCKET, Key=f"{calls.prefix}/{KEY}")["Body"].read()
    header, *lines = old.splitlines(keepends=True)
    new = header + b"".join(reversed(lines))  # as many bytes and rows
    replaced = threading.Event()

    def replace(request: Request) -> None:
        is_hadoop = "Hadoop" in request.headers.get("user-agent", "")
        is_read = request.method == "HEAD" and request.bucket == SOURCES_BUCKET and is_hadoop
        is_write = request.method == "POST" and "uploads" in request.query
        if (is_read if moment.startswith("before") else is_write) and not replaced.is_set():
            replaced.set()
            calls.deliver(KEY, new)

    with calls.server.broken(replace):
        done = calls.submit(*CALLS)
    assert replaced.is_set()
    assert (done.returncode, "changed while it was read" in done.stderr) == (75, True), done.stderr
    assert not calls.manifests("call_logs")
    converges(calls, rows)


@pytest.mark.parametrize("step", ["read", "written", "manifest", "staged"])
def test_after_a_kill_at_a_step_nothing_half_is_visible_and_the_next_run_converges(
    step: str, calls: Cloud, rows: int, tmp_path: Path
) -> None:
    process = calls.start(*CALLS, hold_at=f"{step} call_logs", folder=tmp_path / "hold")
    wait_for((tmp_path / "hold/held").exists, step, process)
    kill(process)
    is_committed = step in ("manifest", "staged")
    assert len(calls.manifests("call_logs")) == is_committed
    assert (calls.status() != []) == is_committed
    converges(calls, rows)
    assert len(calls.manifests("call_logs")) == 1


def test_a_full_disk_below_the_uploads_fails_the_run_and_the_next_converges(
    calls: Cloud, rows: int, small_disk: Path
) -> None:
    (small_disk / "filler").write_bytes(b"\0" * 2**20)
    calls.write(f'spark = {{ "spark.hadoop.fs.s3a.buffer.dir" = "{small_disk}" }}')
    done = calls.submit(*CALLS)
    assert (done.returncode, "No space left" in done.stderr) == (70, True), done.stderr
    assert not calls.manifests("call_logs")
    (small_disk / "filler").unlink()
    converges(calls, rows)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no right to mount a small disk here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_of_two_processes_that_load_one_table_at_once_both_days_arrive(
    cloud: Cloud, delivered: tuple[World, Counts]
) -> None:
    for day in DAYS[:2]:
        key = f"call logs/call_logs_day_{day}.csv"
        cloud.deliver(key, (delivered[0].root / "sources" / key).read_bytes())
    both = ("--from", str(DAYS[0]), "--to", str(DAYS[1]), "--source", "call_logs")
    assert cloud.submit("ingest", *both).returncode == 0
    with ThreadPoolExecutor(2) as pool:
        days = [("load", "--date", str(day), "--source", "call_logs") for day in DAYS[:2]]
        done = list(pool.map(lambda arguments: cloud.submit(*arguments), days))
    assert [run.returncode for run in done] == [0, 0], [run.stderr for run in done]
    counts = delivered[1]["rows"]["call_logs"]
    assert len(cloud.bronze("call_logs")) == sum(counts[str(day)] for day in DAYS[:2])


def test_a_credential_without_rights_is_a_configuration_error(calls: Cloud) -> None:
    with calls.server.broken(lambda request: 403 if request.bucket == SOURCES_BUCKET else None):
        done = calls.submit(*CALLS)
    assert done.returncode == 78, done.stderr
    assert f"s3://{SOURCES_BUCKET}/{calls.prefix}/{KEY}" in done.stderr


def test_uploads_that_a_killed_run_left_open_stay_invisible(calls: Cloud, server: Server, rows: int) -> None:
    """They expire by the lifecycle rule of docs/s3.md; no reader ever sees them."""
    held = threading.Event()

    def hold(request: Request) -> int | None:
        is_upload = request.method == "POST" and "uploadId" in request.query and "call_logs" in request.key
        if not is_upload or held.is_set():
            return None
        held.set()
        os.killpg(process.pid, signal.SIGKILL)
        return 503

    with server.broken(hold):
        environment = {"hold_at": "never", "folder": calls.root / "hold"}
        process = calls.start(*CALLS, **environment)
        process.communicate()
    assert held.is_set()
    open_uploads = server.client.list_multipart_uploads(Bucket=LAKE_BUCKET).get("Uploads", ())
    assert [upload["Key"] for upload in open_uploads if upload["Key"].startswith(f"{calls.prefix}/raw/")]
    assert not calls.manifests("call_logs")
    converges(calls, rows)
