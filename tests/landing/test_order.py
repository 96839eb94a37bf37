"""Whatever clocks say, the newest delivery ends in Bronze, and `loaded` is said of what Bronze holds alone."""

from datetime import timedelta
from typing import Any

import pytest

from jobs.__main__ import main
from jobs.ledger.ledger import Ledger
from tests.clocks import ONLY, clock, keep_order, planned
from tests.conftest import DAY, World
from tests.landing.test_landing import CALLS, csv_of
from tests.runner import Runner

__all__ = ["clock"]
ASKED = ("run", "--date", str(DAY), "--source", "call_logs")


def ran(world: World) -> int:
    """Its exit code, by the command that users have."""
    return main([*ASKED, "--env", str(world.file)])


@pytest.mark.parametrize("ahead", [timedelta(days=3), timedelta(hours=1)])
def test_a_correction_loads_though_an_earlier_runs_clock_was_ahead(
    ahead: timedelta, run: Runner, clock: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    clock.off = ahead
    assert ran(run.world) == 0
    clock.off = timedelta()
    run.world.deliver("call_logs", csv_of(CALLS, 21))
    capsys.readouterr()

    assert ran(run.world) == 0

    assert f"warning: the clock is {str(ahead - timedelta(seconds=60))[:4]}" in capsys.readouterr().err
    assert len(run.bronze("call_logs")) == 21
    (again,) = run(sources=ONLY)
    assert (again.state, again.rows_landed, again.rows_bronze) == ("loaded", 21, 21)
    assert len(Ledger(run.world.lake).read_manifests("call_logs", DAY)) == 2
    clock.off = -timedelta(days=400)
    (replayed,) = run(sources=ONLY, replay=True)
    assert (replayed.state, replayed.rows_bronze) == ("loaded", 21)
    assert len({row["_run_id"] for row in run.bronze("call_logs")} & {replayed.run_id}) == 1


def test_a_clock_that_is_a_few_seconds_behind_is_not_told(
    run: Runner, clock: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    clock.off = timedelta(seconds=30)
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    assert ran(run.world) == 0
    clock.off = timedelta()
    assert ran(run.world) == 0
    assert "warning" not in capsys.readouterr().err


def test_a_lake_that_lost_its_landings_goes_on_after_what_bronze_holds(run: Runner, clock: Any) -> None:
    clock.off = timedelta(days=3)
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    run(sources=ONLY)
    clock.off = timedelta()
    for manifest in run.world.lake.rglob("_manifest.json"):
        manifest.unlink()
    run.world.deliver("call_logs", csv_of(CALLS, 21))
    (found,) = run(sources=ONLY)
    assert (found.state, found.rows_bronze) == ("loaded", 21)


@pytest.mark.parametrize("step", ["run", "ingest"])
def test_of_two_runs_that_overlap_the_older_one_ends_superseded_not_loaded(step: str, run: Runner) -> None:
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    older, newer = planned(run, step), planned(run)
    done = newer()
    assert (done.state, done.rows_bronze) == ("loaded", 20)

    late = older()

    assert (late.attempt, late.exit_code, late.retry_helps) == ("superseded", 75, True)
    assert (late.state, late.run_id, late.rows_bronze) == ("loaded", done.run_id, 20)
    assert str(done.run_id) in str(late.error)
    assert {row["_run_id"] for row in run.bronze("call_logs")} == {done.run_id}
    assert len(Ledger(run.world.lake).read_manifests("call_logs", DAY)) == 1


def test_a_load_that_a_newer_landing_overtook_ends_superseded(run: Runner) -> None:
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    run(step="ingest", sources=ONLY)
    older = planned(run, "load", replay=False)
    (newer,) = run(sources=ONLY, replay=True)
    late = older()
    assert (late.attempt, late.exit_code) == ("superseded", 75)
    assert {row["_run_id"] for row in run.bronze("call_logs")} == {newer.run_id}


def test_bronze_that_holds_a_run_the_lake_does_not_know_is_an_error_until_a_replay(run: Runner, clock: Any) -> None:
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    run(sources=ONLY)
    clock.off = timedelta(days=3)
    (unknown,) = run(sources=ONLY, replay=True)
    (run.world.lake / f"raw/call_logs/ingest_date={DAY}/run_id={unknown.run_id}/_manifest.json").unlink()
    clock.off = timedelta()
    (told,) = run(sources=ONLY)
    assert (told.state, told.exit_code) == ("failed", 65)
    assert "newer than any landing; replay that day" in str(told.error)
    assert main(["status", "--env", str(run.world.file), "--date", str(DAY), "--source", "call_logs"]) == 65
    (mended,) = run(sources=ONLY, replay=True)
    assert (mended.state, mended.rows_bronze) == ("loaded", 20)


def test_the_newest_delivery_ends_in_bronze_whatever_clocks_say(run: Runner, clock: Any) -> None:
    newest = keep_order(run, lambda rows: run.world.deliver("call_logs", csv_of(CALLS, rows)), clock)
    assert {row["_run_id"] for row in run.bronze("call_logs")} == {newest}
