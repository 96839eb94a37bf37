"""The state of a day's data and how the last attempt ended are two facts, told side by side."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from demo import services
from jobs.__main__ import main
from jobs.bronze.delta.bronze import DeltaBronze
from jobs.bronze.delta.staged import DeltaStaged
from jobs.errors import ServiceError
from jobs.ledger.ledger import Ledger
from jobs.ledger.outcome import Outcome
from tests.conftest import DAY, DAYS
from tests.landing.test_landing import AGENTS, CALLS, csv_of
from tests.runner import Runner

ONLY = ("call_logs",)


def told(run: Runner, capsys: pytest.CaptureFixture[str], source: str, *more: str) -> dict[str, Any]:
    """What `status` says of a source's day, and its exit code."""
    capsys.readouterr()
    code = main(["status", "--env", str(run.world.file), "--date", str(DAY), "--source", source, "--json", *more])
    [line] = capsys.readouterr().out.splitlines()
    return {**json.loads(line), "code": code}


def served(run: Runner) -> Any:
    (run.world.root / "sources/agents").mkdir(parents=True, exist_ok=True)
    run.world.deliver("agents", csv_of(AGENTS, 3))
    return services.serving(partial(services.agents_of, run.world.root / "sources"))


def test_a_loaded_day_stays_loaded_with_its_counts_when_a_service_is_down_later(
    run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(run) as web:
        web.write_secrets(run.world.root / "services")
        (loaded,) = run(sources=("service_outages",))
    assert (loaded.state, loaded.attempt) == ("loaded", "loaded")

    (later,) = run(sources=("service_outages",), replay=True)

    assert (later.state, later.rows_bronze, later.run_id) == ("loaded", loaded.rows_bronze, loaded.run_id)
    assert (later.attempt, later.exit_code, later.error_kind) == ("failed", 69, "ServiceError")
    found = told(run, capsys, "service_outages")
    assert (found["code"], found["state"], found["rows_bronze"]) == (0, "loaded", loaded.rows_bronze)
    assert (found["error"], found["exit_code"], found["attempt"]) == (None, 0, "failed")
    assert found["attempt_error"] == later.error
    assert found["attempt_run_id"] == later.attempt_run_id > found["run_id"]
    assert found["attempted_at"] > found["since"]
    assert main(["status", "--env", str(run.world.file), "--date", str(DAY), "--source", "service_outages"]) == 0
    assert "service_outages 2025-11-21 last attempt failed: " in capsys.readouterr().err


def test_a_loaded_day_that_was_skipped_stays_loaded_and_no_line_says_that_rows_were(
    run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    run(sources=ONLY)
    capsys.readouterr()
    (again,) = run(sources=ONLY)
    assert (again.state, again.rows_bronze, again.attempt) == ("loaded", 20, "unchanged")
    assert "20 rows" not in capsys.readouterr().err
    assert told(run, capsys, "call_logs")["attempt"] == "unchanged"


def test_a_correction_that_was_refused_leaves_the_day_as_it_was(
    run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    run(sources=ONLY)
    run.world.deliver("call_logs", csv_of(CALLS[1:], 20))
    (refused,) = run(sources=ONLY)
    assert (refused.state, refused.attempt, refused.exit_code) == ("loaded", "refused", 65)
    found = told(run, capsys, "call_logs")
    assert (found["code"], found["state"], found["attempt"], found["rows_landed"]) == (0, "loaded", "refused", 20)
    assert CALLS[0] in found["attempt_error"]


def test_a_day_of_which_nothing_landed_has_the_state_that_its_attempt_ended_with(
    run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    run(sources=ONLY)
    found = told(run, capsys, "call_logs")
    assert (found["state"], found["attempt"], found["exit_code"]) == ("not_arrived", "not_arrived", 75)
    run.world.deliver("call_logs", csv_of(CALLS[1:], 20))
    run(sources=ONLY)
    found = told(run, capsys, "call_logs")
    assert (found["state"], found["attempt"], found["error_kind"]) == ("refused", "refused", "ContractError")
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    run(sources=ONLY)
    found = told(run, capsys, "call_logs")
    assert (found["state"], found["attempt"], found["attempt_error"]) == ("loaded", "loaded", None)


def test_a_static_source_that_cannot_be_looked_at_is_unchanged_and_its_attempt_failed(
    run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    run.world.file.write_text(run.world.file.read_text().partition("[deliveries]")[0])
    with served(run) as web:
        web.write_secrets(run.world.root / "services")
        run(DAYS[0], sources=("agents",))
    (later,) = run(sources=("agents",))
    assert (later.state, later.attempt, later.ingest_date, later.exit_code) == ("unchanged", "failed", DAY, 69)
    found = told(run, capsys, "agents")
    assert (found["state"], found["attempt"], found["error"], found["exit_code"]) == ("unchanged", "failed", None, 0)


def test_a_report_of_an_older_version_is_state_and_attempt_in_one(
    run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    old = {"source": "call_logs", "ingest_date": str(DAY), "state": "failed", "error": "down", "exit_code": 69}
    report = {
        "run_id": "20251122T000000000000Z-aaaa", "step": "run", "started_at": "2025-11-22T00:00:00Z",
        "finished_at": "2025-11-22T00:00:09Z", "exit_code": 69, "outcomes": [old],
    }  # fmt: skip
    at = Path(run.world.lake / "runs" / f"{report['run_id']}.json")
    at.parent.mkdir(parents=True)
    at.write_text(json.dumps(report))
    found = told(run, capsys, "call_logs")
    assert (found["state"], found["error"], found["exit_code"]) == ("failed", "down", 69)
    assert (found["attempt"], found["attempt_error"]) == ("failed", "down")
    assert (found["attempted_at"], found["attempt_run_id"]) == ("2025-11-22T00:00:09Z", report["run_id"])


def test_a_killed_run_s_landing_is_its_own_attempt(run: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    run.world.deliver("call_logs", csv_of(CALLS[1:], 20))
    run(sources=ONLY)
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    (landed,) = run(step="ingest", sources=ONLY)
    for left in run.world.lake.glob(f"*/**/{landed.attempt_run_id}.json"):
        left.unlink()
    found = told(run, capsys, "call_logs")
    assert (found["state"], found["attempt"], found["attempt_error"]) == ("landed", "landed", None)


def down(*_: object, **__: object) -> Any:
    raise ServiceError("the warehouse is down")


def test_an_ingest_needs_no_warehouse(
    run: Runner, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    with monkeypatch.context() as patch:
        patch.setattr(DeltaBronze, "published", down)
        (landed,) = run(step="ingest", sources=ONLY)
        assert (landed.state, landed.attempt, landed.exit_code, landed.rows_bronze) == ("landed", "landed", 0, None)
        (again,) = run(step="ingest", sources=ONLY)
        assert (again.attempt, again.exit_code, again.run_id) == ("unchanged", 0, landed.run_id)
        (loaded,) = run(sources=ONLY)
        assert (loaded.attempt, loaded.exit_code) == ("failed", 69)
    assert told(run, capsys, "call_logs")["state"] == "landed"


@pytest.fixture
def loses_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bronze publishes what it is given, and the answer is lost on its way."""
    publish = DeltaStaged.publish

    def lost(staged: DeltaStaged) -> Any:
        publish(staged)
        raise ServiceError("the answer broke off")

    monkeypatch.setattr(DeltaStaged, "publish", lost)


@pytest.mark.usefixtures("loses_answers")
def test_a_load_whose_answer_was_lost_has_loaded(run: Runner) -> None:
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    (loaded,) = run(sources=ONLY)
    assert (loaded.state, loaded.attempt, loaded.exit_code, loaded.rows_bronze) == ("loaded", "loaded", 0, 20)


@pytest.mark.parametrize("step", ["run", "load"])
def test_the_next_load_mends_an_attempt_that_nobody_could_ask_about(
    step: str, run: Runner, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    if step == "load":
        run(step="ingest", sources=ONLY)
    publish, published = DeltaStaged.publish, DeltaBronze.published

    def lost(staged: DeltaStaged) -> Any:
        publish(staged)
        monkeypatch.setattr(DeltaBronze, "published", down)
        raise ServiceError("the answer broke off")

    with monkeypatch.context() as patch:
        patch.setattr(DeltaStaged, "publish", lost)
        (failed,) = run(step=step, sources=ONLY)
        assert (failed.attempt, failed.error) == ("failed", "the answer broke off")
    monkeypatch.setattr(DeltaBronze, "published", published)
    before = told(run, capsys, "call_logs")
    assert (before["state"], before["attempt"], before["attempt_error"]) == ("loaded", "failed", failed.error)

    (mended,) = run(step="load", sources=ONLY)

    assert (mended.state, mended.attempt) == ("loaded", "unchanged")
    after = told(run, capsys, "call_logs")
    assert (after["state"], after["attempt"], after["attempt_error"]) == ("loaded", "unchanged", None)
    assert after["attempt_run_id"] == mended.attempt_run_id


def test_a_load_with_nothing_to_do_does_not_hide_a_landing_that_failed(
    run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    run(sources=ONLY)
    run.world.deliver("call_logs", csv_of(CALLS[1:], 20))
    run(step="ingest", sources=ONLY)
    (nothing,) = run(step="load", sources=ONLY)
    assert nothing.attempt == "unchanged"
    assert told(run, capsys, "call_logs")["attempt"] == "refused"


@pytest.mark.parametrize("is_refused", [False, True])
def test_an_attempt_that_cannot_be_put_is_told_by_the_report(
    is_refused: bool, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(ledger: Ledger, outcome: Outcome) -> None:
        raise OSError("no space left on device")

    run.world.deliver("call_logs", csv_of(CALLS[is_refused:], 20))
    monkeypatch.setattr(Ledger, "put_attempt", full)
    (told_of,) = run(sources=ONLY)
    (report,) = Ledger(run.world.lake).read_reports()
    assert (report.outcomes, report.exit_code) == ((told_of,), 65 if is_refused else 69)
    if not is_refused:
        assert (told_of.state, told_of.attempt, told_of.retry_helps) == ("loaded", "failed", True)
        assert "could not be put into the lake" in str(told_of.error)


def test_a_check_of_a_source_that_cannot_be_reached_says_so_by_its_exit_code(
    run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(run) as web:
        web.write_secrets(run.world.root / "services")
    found = told(run, capsys, "service_outages", "--check")
    assert (found["code"], found["state"], found["error_kind"]) == (69, "failed", "ServiceError")
    both = ("--source", "service_outages", "--source", "call_logs")
    assert main(["status", "--env", str(run.world.file), "--date", str(DAY), "--check", *both]) == 69
    assert "service_outages 2025-11-21 failed: " in capsys.readouterr().err
