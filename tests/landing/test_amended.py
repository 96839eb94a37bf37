"""A landing that was amended is loaded as it is now, told with its counts, and nothing of before comes back."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from jobs.__main__ import main
from jobs.config.environment import ROOT
from jobs.ledger.amendment import Decision
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import Manifest
from tests.amendments import supplement, suppress
from tests.conftest import DAY
from tests.e2e.conftest import HOLD, kill, wait_for
from tests.landing.test_attempts import told
from tests.landing.test_landing import CALLS, csv_of
from tests.runner import Runner

ONLY = ("call_logs",)
WITHDRAWN = Decision(decided="withdrawn", who="ops")
COUNTS = ("rows_delivered", "rows_landed", "rows_rejected", "rows_suppressed", "rows_supplemented", "rows_bronze")


def landed(run: Runner) -> Manifest:
    """A day of 200 rows and one that was rejected, in Bronze."""
    run.world.deliver("call_logs", csv_of(CALLS, 200) + b"Jane,Canary\n")
    (outcome,) = run(sources=ONLY)
    assert (outcome.state, outcome.rows_rejected) == ("loaded", 1)
    return newest(run)


def newest(run: Runner) -> Manifest:
    found = Ledger(run.world.lake).find_newest("call_logs", DAY)
    assert found
    return found


def counts(found: dict[str, Any]) -> tuple[Any, ...]:
    return (found["state"], *(found[name] for name in COUNTS))


def test_an_amended_day_waits_to_be_loaded_and_adds_up_then(run: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    before, ledger = landed(run), Ledger(run.world.lake)
    suppressed = ledger.amend(before, "asked to be forgotten", suppress(run.world.lake, before, 3))
    waiting = told(run, capsys, "call_logs")
    assert counts(waiting) == ("landed", 201, 197, 1, 3, 0, 200)
    assert (waiting["code"], waiting["amendment"]) == (0, "amendment-0001")
    (loaded,) = run(step="load", sources=ONLY)
    assert (loaded.state, loaded.attempt, loaded.rows_bronze) == ("loaded", "loaded", 197)
    assert {row["_run_id"] for row in run.bronze("call_logs")} == {before.run_id}

    ledger.amend(suppressed, "mended", supplement(run.world.lake, suppressed))
    (again,) = run(sources=ONLY)
    assert (again.state, again.attempt, again.is_complete) == ("loaded", "loaded", True)
    found = told(run, capsys, "call_logs")
    assert counts(found) == ("loaded", 201, 198, 0, 3, 1, 198)
    assert (found["run_id"], found["amendment"], found["attempt"]) == (before.run_id, "amendment-0002", "loaded")
    main(["status", "--env", str(run.world.file), "--source", "call_logs"])
    assert "loaded (3 suppressed, 1 supplemented)" in capsys.readouterr().out
    (skipped,) = run(sources=ONLY)
    assert (skipped.state, skipped.attempt) == ("loaded", "unchanged")


def test_a_rewritten_table_still_tells_which_amendment_it_holds(run: Runner) -> None:
    before = landed(run)
    Ledger(run.world.lake).amend(before, "x", suppress(run.world.lake, before, 3))
    run(step="load", sources=ONLY)
    table = DeltaTable(run.world.bronze / "call_logs")
    table.optimize.z_order(["call_id"])
    table.create_checkpoint()
    (same,) = run(step="load", sources=ONLY)
    assert (same.state, same.attempt, same.rows_bronze) == ("loaded", "unchanged", 197)
    table.update_incremental()
    table.delete("call_id = 'x1-9'")
    (told_of,) = run(step="load", sources=ONLY)
    assert (told_of.state, told_of.exit_code, told_of.imbalance) == ("failed", 65, "off by 1 in Bronze")


def test_an_older_amendment_never_replaces_a_newer_one(run: Runner) -> None:
    before, ledger = landed(run), Ledger(run.world.lake)
    ledger.amend(before, "x", suppress(run.world.lake, before, 3))
    run(step="load", sources=ONLY)
    (run.world.lake / f"raw/call_logs/ingest_date={DAY}/run_id={before.run_id}/_amendment-0001.json").unlink()
    (lost,) = run(step="load", sources=ONLY)
    assert (lost.state, lost.exit_code) == ("failed", 65)
    assert "amendment-0001, which is newer than any landing" in str(lost.error)
    assert len(run.bronze("call_logs")) == 197


def test_a_withdrawn_day_leaves_bronze_and_does_not_come_back(run: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    Ledger(run.world.lake).amend(landed(run), "sent by mistake", WITHDRAWN)
    assert counts(told(run, capsys, "call_logs")) == ("landed", 0, 0, 0, 0, 0, 200)
    (gone,) = run(sources=ONLY)
    assert (gone.state, gone.attempt, gone.rows_bronze, gone.exit_code) == ("withdrawn", "loaded", 0, 0)
    assert run.bronze("call_logs") == []
    for replay in (False, False):
        (again,) = run(sources=ONLY, replay=replay)
        assert (again.state, again.attempt) == ("withdrawn", "unchanged")
    found = told(run, capsys, "call_logs")
    assert (found["code"], found["state"], found["attempt"]) == (0, "withdrawn", "unchanged")
    assert main(["load", "--rebuild", "--source", "call_logs", "--env", str(run.world.file)]) == 0
    assert run.bronze("call_logs") == []
    run.world.deliver("call_logs", csv_of(CALLS, 210))
    (right,) = run(sources=ONLY)
    assert (right.state, right.corrected, right.rows_bronze) == ("loaded", True, 210)


def test_a_run_comes_after_a_landing_that_was_discarded(run: Runner) -> None:
    landed(run)
    run.world.deliver("call_logs", csv_of(CALLS, 210))
    run(step="ingest", sources=ONLY)
    discarded = newest(run)
    Ledger(run.world.lake).amend(discarded, "a test file", Decision(decided="discarded", who="ops"))
    for attempt in (run.world.lake / "attempts").rglob("*.json"):
        attempt.unlink()
    (found,) = run(sources=ONLY)
    assert (found.state, found.rows_bronze) == ("loaded", 210)
    assert str(found.run_id) > discarded.run_id


AMENDS = """
import os, signal, sys
from pathlib import Path
from jobs.clients import store
from jobs.ledger.ledger import Ledger
from tests.amendments import suppress
from tests.conftest import DAY
lake, step = Path(sys.argv[1]), sys.argv[2]
def stop():
    os.kill(os.getpid(), signal.SIGKILL)
link, put = os.link, store.put_if_absent
def killed(at, content):
    if step == "before its file" and "landed" in str(at):
        stop()
    if step == "within the amendment" and "_amendment" in str(at):
        os.link = lambda *_: stop()
    done = put(at, content)
    if step == "after its file" or (step == "after the amendment" and "_amendment" in str(at)):
        stop()
    return done
store.put_if_absent = killed
ledger = Ledger(lake)
landing = ledger.find_newest("call_logs", DAY)
if landing.rows_suppressed == 0:
    ledger.amend(landing, "asked to be forgotten", suppress(lake, landing, 3))
"""


def amend(run: Runner, step: str = "") -> int:
    command = [sys.executable, "-c", AMENDS, str(run.world.lake), step]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


@pytest.mark.parametrize("step", ["before its file", "after its file", "within the amendment", "after the amendment"])
def test_whoever_amends_is_killed_and_does_it_again(step: str, run: Runner) -> None:
    before = landed(run)
    assert amend(run, step) == -signal.SIGKILL
    (between,) = run(sources=ONLY)
    assert (between.state, between.rows_bronze) in (("loaded", 200), ("loaded", 197))
    assert amend(run) == 0
    (found,) = run(sources=ONLY)
    assert (found.state, found.run_id, found.rows_bronze) == ("loaded", before.run_id, 197)
    assert (found.amendment, found.rows_suppressed) == ("amendment-0001", 3)


@pytest.mark.parametrize("step", ["staged", "published"])
def test_the_load_of_an_amendment_is_killed_and_the_next_one_converges(step: str, run: Runner, tmp_path: Path) -> None:
    landed(run)
    assert amend(run) == 0
    (tmp_path / "hold").mkdir()
    hold = {"HOLD_AT": f"{step} call_logs", "HOLD_FOLDER": str(tmp_path / "hold"), "PYTHONPATH": str(HOLD)}
    command = [str(ROOT / "spark-submit.sh"), "load", "--date", str(DAY), "--source", "call_logs"]
    command += ["--env", str(run.world.file)]
    out = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(command, **out, text=True, env=os.environ | hold, start_new_session=True)
    wait_for((tmp_path / "hold/held").exists, step, process)
    kill(process)
    assert len(run.bronze("call_logs")) == (197 if step == "published" else 200)
    (found,) = run(step="load", sources=ONLY)
    assert (found.state, found.rows_bronze) == ("loaded", 197)
    assert json.loads(found.model_dump_json())["amendment"] == "amendment-0001"
