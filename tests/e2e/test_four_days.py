import json
import subprocess
from datetime import date
from pathlib import Path

from demo.faithful import delivery_path
from demo.outages import outages
from jobs.config.environment import ROOT
from tests.conftest import DAYS
from tests.e2e.conftest import SOURCES, Platform

DAILY = ("call_logs", "service_outages", "social_media", "web_forms")


def test_every_row_that_was_generated_is_delivered_landed_and_in_bronze(four_days: Platform) -> None:
    ledger = {(row["source"], row["ingest_date"]): row for row in four_days.ledger()}
    assert set(ledger) == {(source, str(day)) for source in SOURCES for day in DAYS}
    for source, by_day in four_days.counts["rows"].items():
        for day, rows in by_day.items():
            found = ledger[source, day or str(DAYS[0])]
            assert found["state"] == "loaded"
            assert rows == found["rows_delivered"] == found["rows_landed"] + found["rows_rejected"]
            assert (
                found["rows_landed"]
                == found["rows_bronze"]
                == len(four_days.bronze(source, date.fromisoformat(found["ingest_date"])))
            )
    for day in DAYS:
        found = ledger["service_outages", str(day)]
        assert len(outages(day)) == found["rows_delivered"] == found["rows_landed"] == found["rows_bronze"]
    assert {ledger[source, str(day)]["state"] for source in ("agents", "customers") for day in DAYS[1:]} == {
        "unchanged"
    }


def test_status_prints_an_object_a_line_with_the_promised_fields(four_days: Platform) -> None:
    first = list(four_days.ledger()[0])
    promised = ["source", "ingest_date", "state", "corrected", "run_id"]
    assert set(first) >= {*promised, "rows_delivered", "rows_landed", "rows_rejected", "rows_bronze"}


def test_a_day_that_has_not_arrived_exits_75_and_leaves_nothing(four_days: Platform) -> None:
    before = four_days.world.raw_files()
    done = four_days.submit("run", "--date", "2025-11-24")
    assert done.returncode == 75
    assert "4 of 6 did not land" in done.stderr
    assert "Traceback" not in done.stderr
    states = {row["source"]: row["state"] for row in four_days.ledger("--date", "2025-11-24")}
    assert states == {source: "not_arrived" if source in DAILY else "unchanged" for source in SOURCES}
    assert four_days.world.raw_files() == before


def test_a_second_run_changes_nothing(four_days: Platform) -> None:
    raw, bronze = four_days.world.raw_files(), {source: four_days.live_files(source) for source in SOURCES}
    done = four_days.submit("run", "--from", str(DAYS[0]), "--to", str(DAYS[-1]), "--json")
    assert done.returncode == 0, done.stderr
    assert {json.loads(line)["state"] for line in done.stdout.splitlines()} == {"loaded", "unchanged"}
    assert four_days.world.raw_files() == raw
    assert {source: four_days.live_files(source) for source in SOURCES} == bronze


def test_spark_lands_the_rows_that_threads_land(four_days: Platform) -> None:
    before, files = four_days.all_bronze(), {source: four_days.live_files(source) for source in SOURCES}
    done = four_days.submit("run", "--from", str(DAYS[0]), "--to", str(DAYS[-1]), "--replay", "--engine", "spark")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("engine: spark; asked for")
    assert four_days.all_bronze() == before
    assert all(four_days.live_files(source).keys().isdisjoint(files[source]) for source in SOURCES)


def test_a_replay_replaces_its_own_day_and_leaves_the_others(four_days: Platform) -> None:
    day = str(DAYS[1])
    before = {source: (four_days.live_files(source), four_days.bronze(source)) for source in SOURCES}
    done = four_days.submit("run", "--date", day, "--replay")
    assert done.returncode == 0, done.stderr
    for source in SOURCES:
        files, rows = before[source]
        others = {path: content for path, content in files.items() if day not in path}
        now = four_days.live_files(source)
        assert others == {path: content for path, content in now.items() if day not in path}
        assert now.keys() != files.keys() or source not in DAILY
        assert four_days.bronze(source) == rows


def test_a_corrected_delivery_changes_just_its_day(four_days: Platform) -> None:
    path = delivery_path(four_days.world.root / "sources", ("call_logs", str(DAYS[1])))
    original, before = path.read_bytes(), {source: four_days.live_files(source) for source in SOURCES}
    try:
        path.write_bytes(b"".join(original.splitlines(keepends=True)[:-7]))
        done = four_days.submit("run", "--from", str(DAYS[0]), "--to", str(DAYS[-1]))
        assert done.returncode == 0, done.stderr
        after = {source: four_days.live_files(source) for source in SOURCES}
        changed = {file for source in SOURCES for file in before[source].keys() ^ after[source].keys()}
        assert changed
        assert [file for file in changed if f"call_logs/ingest_date={DAYS[1]}" not in file] == []
        (found,) = four_days.ledger("--date", str(DAYS[1]), "--source", "call_logs")
        assert (found["corrected"], found["state"]) == (True, "loaded")
        assert found["rows_bronze"] == four_days.counts["rows"]["call_logs"][str(DAYS[1])] - 7
    finally:
        path.write_bytes(original)
        assert four_days.submit("run", "--date", str(DAYS[1])).returncode == 0


def test_output_and_errors_in_one_file_do_not_write_over_each_other(four_days: Platform, tmp_path: Path) -> None:
    command = [str(ROOT / "spark-submit.sh"), "run", "--date", "2025-11-24", "--env", str(four_days.world.file)]
    with (tmp_path / "log").open("wb") as log:
        assert subprocess.run(command, stdout=log, stderr=log, check=False).returncode == 75
    shown = (tmp_path / "log").read_text()
    assert shown.count("not_arrived") == 4 * len(DAILY)  # as it comes; state and attempt in the table; in the error
    assert "error: 4 of 6 did not land (exit 75):" in shown
