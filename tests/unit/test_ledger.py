import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from jobs.__main__ import main
from jobs.bronze.bronze import Published
from jobs.bronze.delta.bronze import DeltaBronze
from jobs.clients import store
from jobs.clients.credentials import read_database
from jobs.clients.store import Input
from jobs.contracts.source import load_contracts
from jobs.errors import ConfigurationError
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import MANIFEST, locate_landing
from jobs.ledger.outcome import Outcome, RunReport, make_run_id
from jobs.pipeline.plan import RunRequest
from jobs.pipeline.status import make_outcome
from jobs.pipeline.survey import make_plan
from tests.conftest import DAY, World
from tests.unit.test_bronze_delta import landing

PARAMETERS = {
    "db_host": "127.0.0.1",
    "db_port": "5432",
    "db_username": "reader",
    "db_password": "hunter2",
    "db_name": "complaints",
    "table_schema_name": "customer_complaints",
}


def test_of_many_writers_of_one_object_exactly_one_wins_and_its_bytes_stay(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: store.put_if_absent(tmp_path / "x", b"%d" % n * 10_000), range(8)))
    assert sum(won) == 1
    assert (tmp_path / "x").read_bytes() == b"%d" % won.index(True) * 10_000
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]


def test_a_landing_is_committed_once(world: World) -> None:
    manifest = landing(world, "R1", 10)
    assert not Ledger(world.lake).put_manifest(manifest)


def test_run_ids_sort_by_time() -> None:
    ids = [make_run_id() for _ in range(50)]
    assert [run_id[:22] for run_id in ids] == sorted(run_id[:22] for run_id in ids)


def test_a_run_id_comes_after_the_newest_one_known_and_after_the_clock() -> None:
    ahead = "29991231T235959999998Z-zzzz"
    assert make_run_id("cafe", ahead) == "29991231T235959999999Z-cafe"
    assert make_run_id("cafe", "20251121T000000000000Z-zzzz")[:4] > "2025"
    assert make_run_id("cafe", "R1")[:4] > "2025"  # none of ours says nothing about time


def test_an_odd_volume_is_seen_against_the_median_of_the_last_seven_days(world: World) -> None:
    for day in range(1, 10):
        landing(world, "R1", 1000 if day < 3 else 100, date(2025, 11, day))
    ledger = Ledger(world.lake)
    assert ledger.describe_odd_volume("agents", DAY, 201) == "201 rows; the median of the last 7 landings is 100"
    assert ledger.describe_odd_volume("agents", DAY, 49)
    assert ledger.describe_odd_volume("agents", DAY, 50) is None
    assert ledger.describe_odd_volume("agents", DAY, 200) is None
    assert ledger.describe_odd_volume("agents", date(2025, 11, 1), 7) is None


def test_secrets_come_from_files_or_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PARAMETERS.items():
        (tmp_path / name).write_text(value)
        monkeypatch.setenv(f"DEMO_{name.upper()}", value)
    assert read_database(f"file:{tmp_path}") == read_database("env:DEMO")
    assert "hunter2" not in repr(read_database("env:DEMO"))
    assert read_database("env:DEMO").jdbc_url == "jdbc:postgresql://127.0.0.1:5432/complaints"


def test_a_half_filled_secret_names_what_is_missing_and_shows_no_value(tmp_path: Path) -> None:
    for name in ("db_host", "db_password"):
        (tmp_path / name).write_text(PARAMETERS[name])
    with pytest.raises(ConfigurationError, match=r"found \['db_host', 'db_password'\], missing \['db_port'") as error:
        read_database(f"file:{tmp_path}")
    assert "hunter2" not in str(error.value)


def test_status_shows_what_landed_and_exits_0(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    landing(world, "R1", 10)
    assert main(["status", "--env", str(world.file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "source": "agents",
        "ingest_date": "2025-11-21",
        "state": "landed",
        "corrected": False,
        "run_id": "R1",
        "bytes_delivered": 0,
        "rows_delivered": 10,
        "rows_landed": 10,
        "rows_rejected": 0,
        "rows_bronze": None,
        "rows_suppressed": 0,
        "rows_supplemented": 0,
        "amendment": None,
        "lines_apart": {},
        "empty": False,
        "odd_volume": None,
        "drift": {},
        "delivery": None,
        "looked_back": False,
        "due": None,
        "notice": None,
        "waits": None,
        "error": None,
        "error_kind": None,
        "retry_helps": None,
        "exit_code": 0,
        "since": "2026-01-01T00:00:00Z",
        "attempt": "landed",
        "attempt_error": None,
        "attempted_at": "2026-01-01T00:00:00Z",
        "attempt_run_id": "R1",
    }


def test_the_bytes_delivered_are_those_of_all_inputs(world: World) -> None:
    inputs = (Input(uri="a", size=3, etag="1"), Input(uri="b", size=4, etag="2"))
    manifest = landing(world, "R1", 10).model_copy(update={"inputs": inputs})
    assert make_outcome(manifest, None).bytes_delivered == 7


def test_a_run_is_known_by_the_key_it_was_given(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--env", str(world.file), "--date", "2025-11-21", "--source", "call_logs", "--json"]
    assert main(["load", *asked, "--key", "cafe01"]) == 75
    assert main(["load", *asked, "--key", "cafe02"]) == 75
    capsys.readouterr()
    assert main(["status", "--env", str(world.file), "--key", "cafe01", "--json"]) == 0
    [outcome] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (outcome["state"], outcome["exit_code"], outcome["retry_helps"]) == ("not_arrived", 75, True)
    assert main(["status", "--env", str(world.file), "--key", "cafe03"]) == 75
    assert "no report of a run with the key cafe03" in capsys.readouterr().err


def test_a_load_that_found_nothing_landed_does_not_hide_what_ingest_reported(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(world.environment.lake)
    refused = Outcome(source="call_logs", ingest_date=DAY, state="refused", error="a column is gone", exit_code=65)
    at = datetime.now(UTC)
    ledger.put_report(
        RunReport(
            run_id="20251122T010000000000Z-old0",
            step="ingest",
            started_at=at,
            finished_at=at,
            exit_code=65,
            outcomes=(refused,),
        )
    )
    assert main(["load", "--env", str(world.file), "--date", str(DAY), "--source", "call_logs"]) == 75
    capsys.readouterr()
    assert main(["status", "--env", str(world.file), "--date", str(DAY), "--source", "call_logs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "refused"


def test_status_check_looks_at_the_sources(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.deliver("call_logs", b"x")
    only = ["--source", "call_logs", "--source", "social_media", "--json"]
    assert main(["status", "--env", str(world.file), "--check", "--date", "2025-11-21", *only]) == 75
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["state"], one["bytes_delivered"]) for one in found] == [("arrived", 1), ("not_arrived", None)]


def test_load_starts_no_spark_and_says_what_has_not_landed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    landing(world, "R1", 10)
    assert main(["load", "--env", str(world.file), "--date", "2025-11-21", "--source", "agents"]) == 0
    assert main(["load", "--env", str(world.file), "--date", "2025-11-21", "--source", "call_logs"]) == 75
    assert "call_logs 2025-11-21 not_arrived: nothing has landed" in capsys.readouterr().err
    assert main(["status", "--env", str(world.file), "--source", "agents"]) == 0
    assert "loaded" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "which day"),
        (["run", "--from", "2025-11-20"], "name the day by --date D"),
        (["run", "--date", "2025-11-20", "--to", "2025-11-21"], "name the day by --date D"),
        (["run", "--from", "2025-11-21", "--to", "2025-11-20"], "--to 2025-11-20 is before"),
        (["run", "--date", "yesterday"], "invalid fromisoformat value: 'yesterday'"),
        (["walk"], "invalid choice: 'walk'"),
    ],
)
def test_a_call_that_cannot_be_understood_exits_64(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 64
    assert message in capsys.readouterr().err


def test_a_wrong_configuration_exits_78(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.file.write_text("lake = 1")
    assert main(["check", "--env", str(world.file)]) == 78
    assert "lake: found 1" in capsys.readouterr().err


def test_check_validates_without_spark(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--env", str(world.file)]) == 0
    assert "6 source contracts are valid" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("counts", "is_right"),
    [
        ((10, 9, 1, 9), True),
        ((10, 9, 0, 9), False),
        ((10, 9, 1, 8), False),
        ((0, 0, 0, 0), True),
        ((10, 10, 0, None), False),
    ],
)
def test_the_four_counts_must_add_up(counts: tuple[int | None, ...], is_right: bool) -> None:
    names = ("rows_delivered", "rows_landed", "rows_rejected", "rows_bronze")
    given = dict(zip(names, counts, strict=True))
    outcome = Outcome.model_validate({"source": "agents", "ingest_date": DAY, "state": "loaded", **given})
    assert outcome.is_complete is is_right


def test_bronze_that_holds_other_rows_than_landed_is_an_error_to_whoever_looks(world: World) -> None:
    outcome = make_outcome(manifest := landing(world, "R1", 10), Published("R1", 9))
    assert (outcome.state, outcome.exit_code, outcome.imbalance) == ("failed", 65, "off by 1 in Bronze")
    assert "10 landed, 0 rejected, 9 in Bronze; replay that day" in str(outcome.error)
    assert make_outcome(manifest, Published("R1", 10)).state == "loaded"


def test_status_check_tells_of_rows_that_bronze_lacks_though_the_delivery_is_there(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    landing(world, "20251121T000000000000Z-aaaa", 10)
    held = {DAY: Published("20251121T000000000000Z-aaaa", 9)}
    monkeypatch.setattr(DeltaBronze, "published", lambda *_: held)
    command = ["status", "--check", "--date", str(DAY), "--source", "agents", "--env", str(world.file)]
    assert main(command) == 65
    assert "off by 1 in Bronze" in capsys.readouterr().err


def test_a_manifest_that_is_none_stops_its_own_source_alone(world: World) -> None:
    manifest = landing(world, "20251121T000000000000Z-aaaa", 10)
    at = locate_landing(world.lake, manifest.source, manifest.ingest_date, manifest.run_id) / MANIFEST
    at.chmod(0o600)
    at.write_text("{}")
    request = RunRequest(world.environment, load_contracts(world.environment), (DAY,), "ingest")
    units = {unit.source: unit for unit in make_plan(request).units}
    assert "no manifest of this platform" in str(units[manifest.source].error)
    assert "not arrived" in units["social_media"].why
