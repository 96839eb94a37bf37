"""The four-day demo with sources and lake on S3, against the same on folders."""

import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from demo.faithful import Counts
from demo.postgres import Server as Postgres
from demo.services import Services
from jobs.config.environment import ROOT
from tests.conftest import DAYS, World
from tests.e2e.conftest import SOURCES
from tests.gold import built
from tests.s3.conftest import SOURCES_BUCKET, Cloud, cloud_of, rows_of
from tests.s3.server import Server

RANGE = ("--from", str(DAYS[0]), "--to", str(DAYS[-1]))
CUSTOMERS = "customers/customers_dataset.csv"


@pytest.fixture(scope="module")
def on_folders(delivered: tuple[World, Counts], postgres: Postgres, web: Services) -> World:
    world, _ = delivered
    command = [str(ROOT / "spark-submit.sh"), "run", *RANGE, "--env", str(world.file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return world


@pytest.fixture(scope="module")
def on_s3(on_folders: World, server: Server) -> Cloud:
    cloud = cloud_of(on_folders.root, server, "demo")
    cloud.write(elsewhere="")
    cloud.deliver_all(on_folders.root / "sources")
    done = cloud.submit("run", *RANGE)
    assert done.returncode == 0, done.stderr
    return cloud


def test_the_ledger_is_exactly_that_of_the_folder(on_s3: Cloud, on_folders: World) -> None:
    folder = Cloud(on_folders.root, on_s3.server, "env").status()
    differs = {"run_id", "since", "attempted_at", "attempt_run_id"}
    found = [{name: value for name, value in row.items() if name not in differs} for row in on_s3.status()]
    assert found == [{name: value for name, value in row.items() if name not in differs} for row in folder]
    assert len(found) == len(SOURCES) * len(DAYS)


@pytest.mark.parametrize("source", SOURCES)
def test_bronze_holds_exactly_the_rows_of_the_folder(source: str, on_s3: Cloud, on_folders: World) -> None:
    expected = rows_of(DeltaTable(on_folders.bronze / source).file_uris())
    assert expected
    assert on_s3.bronze(source) == expected


def test_silver_and_gold_are_exactly_those_of_the_folder(on_s3: Cloud, on_folders: World, tmp_path: Path) -> None:
    (tmp_path / "s3").mkdir()
    (tmp_path / "folder").mkdir()
    bronze, first = str(on_s3.environment.warehouse.path), len(on_s3.server.requests)
    found = built(bronze, tmp_path / "s3", AWS_ENDPOINT_URL_S3=on_s3.server.url)
    expected = built(str(on_folders.bronze), tmp_path / "folder")
    assert {name: len(rows) for name, rows in found.items()} == {name: len(rows) for name, rows in expected.items()}
    assert found == expected
    assert expected["coretelecoms_gold.fact_complaints"]
    assert expected["coretelecoms_gold.agg_complaints_per_outage"]
    assert {request.method for request in on_s3.server.requests[first:]} == {"GET", "HEAD"}


def test_every_request_kept_its_hands_off_committed_objects(on_s3: Cloud) -> None:
    """The policy denied nothing, and not because nothing was tried: the record shows what was."""
    seen = [request for request in on_s3.server.requests if request.key.startswith("demo/raw/")]
    made = [request for request in seen if request.completes]
    assert len(made) == len({request.key for request in made}) == len(on_s3.raw())
    assert {request.headers.get("if-none-match") for request in made} == {"*"}
    gone = [request.key for request in seen if request.method == "DELETE" and "uploadId" not in request.query]
    gone += [key for request in on_s3.server.requests for key in request.deleted if key.startswith("demo/raw/")]
    assert not gone


def test_manifests_reports_and_delta_commits_are_put_only_if_absent(on_s3: Cloud) -> None:
    for what in ("/_manifest.json", "/runs/", "/_delta_log/0"):
        puts = [r for r in on_s3.server.requests if r.method == "PUT" and r.key.startswith("demo") and what in r.key]
        assert puts
        assert {request.headers.get("if-none-match") for request in puts} == {"*"}


def test_a_second_run_changes_nothing_and_does_not_read_the_deliveries_again(on_s3: Cloud) -> None:
    raw, first = on_s3.raw(), len(on_s3.server.requests)
    done = on_s3.submit("run", *RANGE)
    assert done.returncode == 0, done.stderr
    assert on_s3.raw() == raw
    seen = [r for r in on_s3.server.requests[first:] if r.bucket == SOURCES_BUCKET]
    assert {r.method for r in seen} == {"HEAD"}
    assert {r.key for r in seen if "customers" in r.key} == {f"demo/{CUSTOMERS}"}


def test_the_same_bytes_put_again_are_no_new_delivery(on_s3: Cloud, on_folders: World) -> None:
    raw, first = on_s3.raw(), len(on_s3.server.requests)
    on_s3.deliver(CUSTOMERS, (on_folders.root / "sources" / CUSTOMERS).read_bytes())
    assert on_s3.submit("run", "--date", str(DAYS[0])).returncode == 0
    assert on_s3.raw() == raw
    assert not [r for r in on_s3.server.requests[first:] if r.method == "GET" and r.key == f"demo/{CUSTOMERS}"]


def test_what_has_not_arrived_is_a_state_and_leaves_nothing(on_s3: Cloud) -> None:
    raw = on_s3.raw()
    done = on_s3.submit("run", "--date", "2025-11-24")
    assert (done.returncode, "4 of 6 did not land" in done.stderr) == (75, True), done.stderr
    states = {row["source"]: row["state"] for row in on_s3.status("--date", "2025-11-24")}
    static = dict.fromkeys(("agents", "customers"), "unchanged")
    assert states == dict.fromkeys(SOURCES, "not_arrived") | static
    assert on_s3.raw() == raw


def test_corrected_and_empty_deliveries_are_seen_under_the_other_spelling_too(on_s3: Cloud, on_folders: World) -> None:
    day, before = DAYS[1], {source: on_s3.bronze(source) for source in SOURCES}
    name = f"call_logs_day_{day}.csv"
    header = (on_folders.root / "sources/call logs" / name).read_bytes().splitlines(keepends=True)[0]
    on_s3.server.client.delete_object(Bucket=SOURCES_BUCKET, Key=f"demo/call logs/{name}")
    on_s3.deliver(f"call_logs/{name}", header)
    done = on_s3.submit("run", *RANGE)
    assert done.returncode == 0, done.stderr
    (row,) = on_s3.status("--date", str(day), "--source", "call_logs")
    assert (row["state"], row["corrected"], row["empty"], row["rows_bronze"]) == ("loaded", True, True, 0)
    position = _ingest_date_position(before["call_logs"])
    assert on_s3.bronze("call_logs") == [values for values in before["call_logs"] if values[position] != day]
    assert {source: on_s3.bronze(source) for source in SOURCES if source != "call_logs"} == {
        source: rows for source, rows in before.items() if source != "call_logs"
    }


def _ingest_date_position(rows: list[tuple[Any, ...]]) -> int:
    return next(position for position, value in enumerate(rows[0]) if type(value) is date)


def test_the_credentials_show_nowhere(on_s3: Cloud) -> None:
    written = [path.read_text() for path in Path(on_s3.root, "logs").iterdir()]
    assert written
    assert not any("dummy-secret-canary" in text for text in written)
    for row in on_s3.ledger.read_reports():
        assert "dummy-secret-canary" not in row.model_dump_json()
