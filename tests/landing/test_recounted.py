"""The recount finds what somebody changed behind the ledger's back, and says who is wrong, and by how much."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from demo.postgres import Server
from jobs.__main__ import main
from jobs.ledger.amendment import Decision
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import Manifest
from tests.amendments import suppress
from tests.conftest import DAY, DAYS
from tests.landing.test_landing import AGENTS, CALLS, csv_of
from tests.runner import Runner

ONLY = ("call_logs",)
Said = dict[str, dict[str, Any]]


@pytest.fixture
def silver(run: Runner, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Silver as dbt builds it, as far as it is counted: the rows of Bronze's days."""
    at = run.world.root / "warehouse.duckdb"
    monkeypatch.setenv("CORETELECOMS_WAREHOUSE", str(at))

    def build(source: str = "call_logs") -> None:
        days = [row["ingest_date"] for row in run.bronze(source)]
        with duckdb.connect(at) as connection:
            connection.execute("create schema if not exists coretelecoms_silver")
            connection.execute(f"create or replace table coretelecoms_silver.stg_{source} (ingest_date date)")
            connection.executemany(f"insert into coretelecoms_silver.stg_{source} values (?)", [[day] for day in days])

    return build


@pytest.fixture
def day(run: Runner, silver: Callable[..., None]) -> Manifest:
    """A day of 200 calls and one that was rejected, and the day before, built down to Silver."""
    for of_day in DAYS[:2]:
        run.world.deliver("call_logs", csv_of(CALLS, 200) + b"Jane,Canary\n", of_day)
    run(*DAYS[:2], sources=ONLY)
    silver()
    found = Ledger(run.world.lake).find_newest("call_logs", DAY)
    assert found
    return found


def recounted(
    run: Runner, capsys: pytest.CaptureFixture[str], *more: str, source: str = "call_logs"
) -> tuple[int, Said, str]:
    """Exit code, what is said of each place, and the errors."""
    capsys.readouterr()
    asked = ("status", "--recount", "--date", str(DAY), "--source", source, "--env", str(run.world.file), "--json")
    code = main([*asked, *more])
    out, err = capsys.readouterr()
    return code, {one["place"]: one for one in map(json.loads, out.splitlines())}, err


def counts(said: Said) -> list[Any]:
    return [one["counted"] for one in said.values()]


def test_a_sound_day_adds_up_at_each_place(run: Runner, day: Manifest, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, errors = recounted(run, capsys)
    assert (code, errors) == (0, "")
    assert [*said] == ["delivered", "landed", "rejected", "bronze", "silver"]
    assert counts(said) == [201, 200, 1, 200, 200]
    assert [one["ledger"] for one in said.values()] == [201, 200, 1, 200, 200]
    every = ("status", "--recount", "--from", str(DAYS[0]), "--to", str(DAY), "--env", str(run.world.file))
    assert main([*every, "--source", "call_logs"]) == 0
    assert capsys.readouterr().out.count("adds up") == 10


def swap_a_landed_file(run: Runner, day: Manifest) -> None:
    """By that of the day before, which has as many rows."""
    (other,) = (run.world.lake / f"raw/call_logs/ingest_date={DAYS[0]}").rglob("landed/*.parquet")
    at = run.world.lake / f"raw/call_logs/ingest_date={DAY}/run_id={day.run_id}" / day.files[0].path
    at.unlink()
    shutil.copyfile(other, at)


def delete_a_bronze_row(run: Runner, day: Manifest) -> None:
    DeltaTable(run.world.bronze / "call_logs").delete(f"call_id = 'x1-3' and ingest_date = '{DAY}'")


def edit_the_manifest(run: Runner, day: Manifest) -> None:
    at = run.world.lake / f"raw/call_logs/ingest_date={DAY}/run_id={day.run_id}/_manifest.json"
    at.chmod(0o600)
    at.write_text(at.read_text().replace('"rows_landed": 200', '"rows_landed": 190').replace(": 201", ": 191"))


def replace_the_delivery(run: Runner, day: Manifest) -> None:
    """As long as it was, and as old: two lines became one."""
    at = run.world.root / f"sources/call logs/call_logs_day_{DAY}.csv"
    before, content = at.stat(), at.read_bytes()
    first, second, *rest = content.splitlines(keepends=True)[1:]
    header = content.splitlines(keepends=True)[0]
    at.write_bytes(header + first[:-1] + b"x" * len(second) + b"\n" + b"".join(rest))
    os.utime(at, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert at.stat().st_size == before.st_size


def lose_a_silver_day(run: Runner, day: Manifest) -> None:
    with duckdb.connect(run.world.root / "warehouse.duckdb") as connection:
        connection.execute(f"delete from coretelecoms_silver.stg_call_logs where ingest_date = '{DAY}'")


def lose_a_rejected_file(run: Runner, day: Manifest) -> None:
    folder = run.world.lake / f"raw/call_logs/ingest_date={DAY}/run_id={day.run_id}"
    (folder / day.rejected_files[0].path).unlink()


def lose_the_landing(run: Runner, day: Manifest) -> None:
    shutil.rmtree(run.world.lake / f"raw/call_logs/ingest_date={DAY}")


@pytest.mark.parametrize(
    ("fault", "place", "verdict"),
    [
        (swap_a_landed_file, "landed", "the landed files: off by 200"),
        (delete_a_bronze_row, "bronze", "Bronze: off by 1"),
        (edit_the_manifest, "landed", "the ledger: off by -10"),
        (replace_the_delivery, "delivered", "the delivery: off by 1"),
        (lose_a_silver_day, "silver", "Silver: off by 200"),
        (lose_a_rejected_file, "rejected", "the rejected files: off by 1"),
        (lose_the_landing, "bronze", "200 rows of a day that the ledger knows no landing of"),
    ],
)
def test_each_planted_fault_is_found_and_named(
    fault: Callable[[Runner, Manifest], None],
    place: str,
    verdict: str,
    run: Runner,
    day: Manifest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fault(run, day)
    code, said, errors = recounted(run, capsys)
    assert code == 65
    assert said[place]["wrong"] == verdict
    assert f" counts do not add up: call_logs {DAY} {place}: {verdict}" in errors.replace(
        "; ", " counts do not add up: "
    )
    blamed = {one["wrong"].partition(":")[0] for one in said.values() if one["wrong"]}
    assert blamed == {verdict.partition(":")[0]}
    assert recounted(run, capsys, "--date", str(DAYS[0]))[0] == 0


def test_a_file_of_as_many_rows_is_told_by_its_size(
    run: Runner, day: Manifest, capsys: pytest.CaptureFixture[str]
) -> None:
    at = run.world.lake / f"raw/call_logs/ingest_date={DAY}/run_id={day.run_id}" / day.files[0].path
    table = pq.ParquetFile(at).read()
    at.unlink()
    pq.write_table(table, at, compression="none")
    code, said, _ = recounted(run, capsys)
    assert (code, said["landed"]["counted"]) == (65, 200)
    assert "is another file: " in said["landed"]["note"]


def test_what_cannot_be_counted_is_said_and_is_no_error(
    run: Runner, silver: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    run.world.deliver("call_logs", csv_of(CALLS, 200) + b'"Jane"Canary\n')
    run(sources=ONLY)
    code, said, _ = recounted(run, capsys)
    assert (code, counts(said)) == (0, [None, 200, 1, 200, None])
    assert said["silver"]["note"] == "it has not been built"
    assert "cannot be counted by Python's reader: Error: ',' expected after '\"'" in said["delivered"]["note"]
    silver()
    run.world.deliver("call_logs", csv_of(CALLS, 210))
    code, said, _ = recounted(run, capsys)
    assert (code, said["delivered"]["note"]) == (0, "cannot be counted: another one came since; the next run lands it")
    (run.world.root / f"sources/call logs/call_logs_day_{DAY}.csv").unlink()
    code, said, _ = recounted(run, capsys)
    assert (code, said["delivered"]["note"]) == (0, "cannot be counted: it is gone from the source")


def test_an_amended_day_adds_up_and_a_withdrawn_one_is_nowhere(
    run: Runner, day: Manifest, silver: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(run.world.lake)
    amended = ledger.amend(day, "asked to be forgotten", suppress(run.world.lake, day, 3))
    run(step="load", sources=ONLY)
    code, said, _ = recounted(run, capsys)
    assert (code, said["silver"]["wrong"]) == (65, "Silver: off by -3")
    silver()
    code, said, _ = recounted(run, capsys)
    assert (code, counts(said)) == (0, [201, 197, 1, 197, 197])
    ledger.amend(amended, "sent by mistake", Decision(decided="withdrawn", who="ops"))
    run(step="load", sources=ONLY)
    silver()
    code, said, _ = recounted(run, capsys)
    assert (code, counts(said)) == (0, [None, 0, 0, 0, 0])


def test_a_table_is_counted_and_one_that_is_down_is_no_verdict(
    run: Runner, web_forms: Callable[..., None], postgres: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    header = "Column1,request_id,customeR iD,COMPLAINT_catego ry,agent ID,resolutionstatus,request_date,"
    lines = [f"{n},r{n},c{n},Payments,1,Resolved,{DAY},{DAY},{DAY}" for n in range(30)]
    web_forms("\n".join([f"{header}resolution_date,webFormGenerationDate", *lines, ""]))
    run(sources=("web_forms",))
    code, said, _ = recounted(run, capsys, source="web_forms")
    assert (code, counts(said)) == (0, [30, 30, 0, 30, None])
    (run.world.root / "secrets/db_port").write_text("9")
    code, said, _ = recounted(run, capsys, source="web_forms")
    assert (code, said["delivered"]["counted"], said["delivered"]["exit_code"]) == (69, None, 69)


def test_a_sheet_says_that_it_cannot(run: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    run.world.deliver("agents", csv_of(AGENTS, 3))
    run(sources=("agents",))
    Path(run.world.file).write_text(run.world.file.read_text().partition("[deliveries]")[0])
    code, said, _ = recounted(run, capsys, source="agents")
    assert (code, counts(said)) == (0, [None, 3, 0, 3, None])
    assert said["delivered"]["note"] == "cannot be counted: it answers with what it holds now"


def test_a_recount_asks_for_its_days() -> None:
    with pytest.raises(SystemExit) as stop:
        main(["status", "--recount"])
    assert stop.value.code == 64
