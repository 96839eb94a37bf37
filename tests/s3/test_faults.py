"""What breaks on the way to and from S3: each converges on the next run, nothing lost, doubled or half visible."""

import gzip
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from demo.complaints import HEADERS
from demo.faithful import Counts
from jobs.contracts.source import load_contracts
from jobs.engines.session import Session
from jobs.errors import ConfigurationError
from jobs.ledger.outcome import Outcome, make_run_id
from jobs.pipeline.execute import execute
from jobs.pipeline.plan import RunRequest
from jobs.pipeline.survey import make_plan
from tests.conftest import AGENTS_FROM_A_FILE, DAYS, World
from tests.e2e.conftest import kill, wait_for
from tests.landing.test_landing import csv_of
from tests.landing.test_typed import DELIVERIES as TYPED
from tests.landing.test_typed import parquet, workbook
from tests.s3.conftest import LAKE_BUCKET, SOURCES_BUCKET, Cloud
from tests.s3.server import ACCOUNT, Request
from tests.s3.test_store import held, landing

KEY = f"call logs/call_logs_day_{DAYS[0]}.csv"
CALLS = ("run", "--date", str(DAYS[0]), "--source", "call_logs")


@pytest.fixture
def calls(cloud: Cloud, delivered: tuple[World, Counts]) -> Cloud:
    cloud.deliver(KEY, (delivered[0].root / "sources" / KEY).read_bytes())
    return cloud


@pytest.fixture
def rows(delivered: tuple[World, Counts]) -> int:
    return delivered[1]["rows"]["call_logs"][str(DAYS[0])]


@dataclass(frozen=True)
class Runner:
    """Runs `run` in this process, by its threads."""

    spill: Path  # where a file lies until it is uploaded
    source: str = "call_logs"

    def __call__(self, cloud: Cloud) -> Outcome:
        contracts = load_contracts(cloud.environment, (self.source,))
        request = RunRequest(cloud.environment, contracts, DAYS[:1], "run")
        plan = make_plan(request)
        (outcome,) = execute(request, plan, make_run_id(newest=plan.newest_run), Session("tests", {})).outcomes
        return outcome

    def converges(self, cloud: Cloud, rows: int) -> None:
        """The next run ends with each row once, in Bronze and in the one landing that counts."""
        outcome = self(cloud)
        assert (outcome.state, outcome.rows_landed, outcome.rows_bronze) == ("loaded", rows, rows), outcome
        bronze = cloud.bronze("call_logs")
        assert len(bronze) == len(set(bronze)) == rows
        assert len(cloud.manifests("call_logs")) == 1
        assert not cloud.server.keys(LAKE_BUCKET, f"{cloud.prefix}/scratch/")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spill))
    return Runner(spill)


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


def test_scratch_of_a_killed_run_goes_once_it_is_old_and_not_before(
    run: Runner, calls: Cloud, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = f"{calls.prefix}/scratch/20251122T000000000000Z-dead"
    calls.server.client.put_object(Bucket=LAKE_BUCKET, Key=f"{folder}/customers.csv", Body=b"Jane Canary")
    assert run(calls).state == "loaded"
    assert calls.server.keys(LAKE_BUCKET, folder)
    monkeypatch.setattr("jobs.pipeline.scratch.ABANDONED", timedelta(minutes=-1))
    run.converges(calls, rows)


def test_a_gzip_delivery_is_unpacked_beside_its_run_and_leaves_nothing(run: Runner, cloud: Cloud) -> None:
    delivery = 'call_logs = { kind = "csv", paths = ["calls/{date}*"], compression = "gzip" }'
    cloud.write(elsewhere=f"{AGENTS_FROM_A_FILE}{delivery}\n")
    cloud.deliver(f"calls/{DAYS[0]}.csv.gz", gzip.compress(csv_of(HEADERS["call_logs"], 500)))
    run.converges(cloud, 500)
    assert [*run.spill.iterdir()] == []


@pytest.mark.parametrize("kind", TYPED)
def test_typed_files_are_read_from_s3_too_and_leave_nothing(kind: str, cloud: Cloud, tmp_path: Path) -> None:
    cloud.write(elsewhere=f"[deliveries]\nagents = {{ {TYPED[kind]} }}\n")
    cloud.deliver(f"agents/0.{kind}", workbook(250) if kind == "xlsx" else parquet(250))
    outcome = Runner(tmp_path, "agents")(cloud)
    assert (outcome.state, outcome.rows_landed, outcome.rows_bronze) == ("loaded", 250, 250), outcome.error
    assert not cloud.server.keys(LAKE_BUCKET, f"{cloud.prefix}/scratch/")


@pytest.mark.parametrize("bucket", [SOURCES_BUCKET, LAKE_BUCKET])
def test_a_bucket_of_somebody_else_is_neither_read_nor_written(bucket: str, run: Runner, calls: Cloud) -> None:
    calls.write(service=f'owners = {{ {bucket} = "999999999999" }}')
    first = len(calls.server.requests)

    def belongs_to_us(request: Request) -> int | None:
        return None if request.headers.get("x-amz-expected-bucket-owner", ACCOUNT) == ACCOUNT else 403

    def ends_with() -> str:
        try:
            return run(calls).error or ""
        except ConfigurationError as error:  # where there is no lake there is no run report either
            return str(error)

    with calls.server.broken(belongs_to_us):
        assert "must belong to 999999999999" in ends_with()
    seen = [request for request in calls.server.requests[first:] if request.bucket == bucket]
    assert seen
    assert {request.status for request in seen} == {403}


@pytest.mark.parametrize("status", [500, 503])
def test_bursts_of_server_errors_are_ridden_out(status: int, run: Runner, calls: Cloud, rows: int) -> None:
    fault = Fault(4, status, times=15)
    with calls.server.broken(fault):
        outcome = run(calls)
    assert (outcome.state, outcome.rows_bronze) == ("loaded", rows), outcome.error
    assert fault.left < 5
    run.converges(calls, rows)


def test_a_connection_cut_in_the_middle_of_an_upload_is_ridden_out(run: Runner, calls: Cloud, rows: int) -> None:
    fault = Fault(1, 0, lambda r: r.method == "PUT" and "/landed/" in r.key, times=2)
    with calls.server.broken(fault):
        outcome = run(calls)
    assert (outcome.state, fault.left) == ("loaded", 0), outcome.error
    run.converges(calls, rows)


def test_a_server_that_stays_down_is_a_service_error_that_a_retry_mends(
    run: Runner, calls: Cloud, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.01)
    with calls.server.broken(Fault(1, 503, lambda request: request.bucket == SOURCES_BUCKET)):
        outcome = run(calls)
    assert (outcome.state, outcome.exit_code, outcome.retry_helps) == ("failed", 69, True), outcome.error
    assert not calls.raw()
    run.converges(calls, rows)


@pytest.mark.parametrize("moment", ["before a task opens it", "after it was read"])
def test_an_object_replaced_while_it_is_read_voids_the_landing(
    moment: str, run: Runner, calls: Cloud, rows: int
) -> None:
    old = calls.server.client.get_object(Bucket=SOURCES_BUCKET, Key=f"{calls.prefix}/{KEY}")["Body"].read()
    header, *lines = old.splitlines(keepends=True)
    new = header + b"".join(reversed(lines))  # as many bytes and rows
    replaced = threading.Event()

    def replace(request: Request) -> None:
        is_read = request.method == "GET" and request.bucket == SOURCES_BUCKET
        is_write = request.method == "PUT" and "/landed/" in request.key
        if (is_read if moment.startswith("before") else is_write) and not replaced.is_set():
            replaced.set()
            calls.deliver(KEY, new)

    with calls.server.broken(replace):
        outcome = run(calls)
    assert replaced.is_set()
    assert (outcome.exit_code, outcome.error_kind) == (75, "DeliveryChangedError"), outcome.error
    assert not calls.manifests("call_logs")
    run.converges(calls, rows)


@pytest.mark.parametrize("step", ["written", "staged"])
def test_after_a_kill_at_a_step_nothing_half_is_visible_and_the_next_run_converges(
    step: str, run: Runner, calls: Cloud, rows: int, tmp_path: Path
) -> None:
    process = calls.start(*CALLS, hold_at=f"{step} call_logs", folder=tmp_path / "hold")
    wait_for((tmp_path / "hold/held").exists, step, process)
    kill(process)
    is_committed = step == "staged"
    assert len(calls.manifests("call_logs")) == is_committed
    assert (calls.status() != []) == is_committed
    run.converges(calls, rows)


def test_a_full_disk_below_the_uploads_fails_the_run_and_the_next_converges(
    run: Runner, calls: Cloud, rows: int, full_disk: Path
) -> None:
    outcome = run(calls)
    assert outcome.exit_code == 70
    assert "No space left" in (outcome.error or "")
    assert not calls.manifests("call_logs")
    (full_disk / "filler").unlink()
    run.converges(calls, rows)


@pytest.fixture
def full_disk(run: Runner) -> Iterator[Path]:
    mounting = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", run.spill]
    mounted = subprocess.run(mounting, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no right to mount a small disk here: {mounted.stderr.strip()}")
    with suppress(OSError), (run.spill / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    yield run.spill
    subprocess.run(["umount", "-l", run.spill], check=True)


def test_of_two_processes_that_load_one_table_at_once_both_days_arrive(cloud: Cloud) -> None:
    manifests = [landing(cloud, "R1", 10 + number, day, "call_logs") for number, day in enumerate(DAYS)]
    with ThreadPoolExecutor(len(DAYS)) as pool:
        days = [("load", "--date", str(day), "--source", "call_logs") for day in DAYS]
        done = list(pool.map(lambda arguments: cloud.submit(*arguments), days))
    assert [run.returncode for run in done] == [0] * len(DAYS), [run.stderr for run in done]
    assert held(cloud, "call_logs") == {manifest.ingest_date: ("R1", manifest.rows_landed) for manifest in manifests}


def test_a_credential_without_rights_is_a_configuration_error(run: Runner, calls: Cloud) -> None:
    with calls.server.broken(lambda request: 403 if request.bucket == SOURCES_BUCKET else None):
        outcome = run(calls)
    assert (outcome.exit_code, outcome.retry_helps) == (78, False)
    assert f"s3://{SOURCES_BUCKET}/{calls.prefix}/{KEY}" in (outcome.error or "")


def test_uploads_that_a_killed_run_left_open_stay_invisible(run: Runner, calls: Cloud, rows: int) -> None:
    """They expire by the lifecycle rule of docs/s3.md; no reader ever sees them."""
    client, killed = calls.server.client, f"{calls.prefix}/raw/call_logs/ingest_date={DAYS[0]}/run_id=killed"
    place = {"Bucket": LAKE_BUCKET, "Key": f"{killed}/landed/part-00000.zstd.parquet"}
    upload = client.create_multipart_upload(**place)["UploadId"]
    client.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"half")
    run.converges(calls, rows)
    left = client.list_multipart_uploads(Bucket=LAKE_BUCKET)["Uploads"]
    assert [one["Key"] for one in left if one["Key"].startswith(f"{calls.prefix}/raw/")] == [place["Key"]]
