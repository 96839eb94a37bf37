"""Late, corrected and withdrawn days are found by a run of another day, which lands them and says so."""

import json
import os
from datetime import date, timedelta

import pytest

from jobs.__main__ import main
from jobs.ledger.ledger import Ledger
from tests.conftest import DAY, World
from tests.landing.test_landing import CALLS, csv_of
from tests.landing.test_retired import own_contract
from tests.runner import Runner

ONLY = ("call_logs",)
NEXT = DAY + timedelta(days=1)


def ago(days: int) -> date:
    return NEXT - timedelta(days=days)


def deliver(run: Runner, rows: int, day: date) -> None:
    run.world.deliver("call_logs", csv_of(CALLS, rows), day)


def done(run: Runner, *days: date, step: str = "run") -> list[tuple[date, str, str | None, int | None]]:
    return [(one.ingest_date, one.state, one.attempt, one.rows_bronze) for one in run(*days, step=step, sources=ONLY)]


def test_a_run_lands_what_was_corrected_or_came_late_before_its_day(run: Runner) -> None:
    deliver(run, 20, ago(3))
    assert [one[1] for one in done(run, ago(3), ago(2))] == ["loaded", "not_arrived"]
    deliver(run, 21, ago(3))
    deliver(run, 22, ago(2))
    deliver(run, 23, NEXT)
    assert done(run, NEXT) == [
        (ago(3), "loaded", "loaded", 21),
        (ago(2), "loaded", "loaded", 22),
        (NEXT, "loaded", "loaded", 23),
    ]
    attempts = len(list((run.world.lake / "attempts").rglob("*.json")))
    assert done(run, NEXT) == [(NEXT, "loaded", "unchanged", 23)]
    assert len(list((run.world.lake / "attempts").rglob("*.json"))) == attempts + 1


def test_a_first_run_lands_its_own_day_alone_and_after_since_all_that_there_are(run: Runner) -> None:
    for back in range(10):
        deliver(run, 20, ago(back))
    assert done(run, ago(0)) == [(NEXT, "loaded", "loaded", 20)]
    own_contract(run.world, f"since = {ago(2)}")
    assert [one[0] for one in done(run, NEXT)] == [ago(2), ago(1), NEXT]


@pytest.mark.parametrize(("look_back", "seen"), [(0, 0), (3, 1), (7, 2)])
def test_the_source_contract_says_how_far_back(run: Runner, look_back: int, seen: int) -> None:
    own_contract(run.world, f"look_back = {look_back}")
    for rows in (20, 21):
        deliver(run, rows, ago(3))
        deliver(run, rows, ago(7))
        if rows == 20:
            done(run, ago(7), ago(3))
    assert len(done(run, NEXT)) == seen + 1


def test_each_step_of_a_schedule_looks_back_by_itself(run: Runner) -> None:
    deliver(run, 20, ago(1))
    done(run, ago(1))
    deliver(run, 21, ago(1))
    deliver(run, 22, NEXT)
    assert done(run, NEXT, step="ingest") == [(ago(1), "landed", "landed", 20), (NEXT, "landed", "landed", None)]
    assert done(run, NEXT, step="load") == [(ago(1), "loaded", "loaded", 21), (NEXT, "loaded", "loaded", 22)]
    assert done(run, NEXT, step="load") == [(NEXT, "loaded", "unchanged", 22)]


def test_a_day_that_is_looked_back_at_decides_the_exit_code_only_by_its_data(
    world: World, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(run, 20, ago(1))
    done(run, ago(1))
    deliver(run, 21, NEXT)
    world.deliver("call_logs", b"call ID\nx1-1\n", ago(1))
    asked = ["run", "--date", str(NEXT), "--source", "call_logs", "--env", str(world.file)]
    assert main(asked) == 65
    assert f"call_logs {ago(1)} refused" in capsys.readouterr().err
    deliver(run, 20, ago(1))
    assert main(asked) == 0
    assert main(["status", "--check", "--json", *asked[1:]]) == 0


def test_what_is_gone_is_told_and_kept_until_somebody_withdraws_it_or_it_is_back(
    world: World, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(run, 20, ago(1))
    done(run, ago(1))
    deliver(run, 21, NEXT)
    gone = world.root / "sources/call logs" / f"call_logs_day_{ago(1)}.csv"
    content = gone.read_bytes()
    gone.rename(gone.with_suffix(".kept"))
    asked = ["run", "--date", str(NEXT), "--source", "call_logs", "--env", str(world.file)]
    for _ in range(2):
        assert main(asked) == 0
        told = capsys.readouterr()
        assert f"call_logs {ago(1)} gone from its source; its rows stay until" in told.err
        assert "loaded (delivery gone)" in told.out
    main(["status", "--env", str(world.file)])
    assert "loaded (delivery gone)" in capsys.readouterr().out

    gone.with_suffix(".kept").rename(gone)
    assert main(asked) == 0
    assert "gone from its source" not in capsys.readouterr().err
    gone.unlink()
    withdraw = ["run", "--date", str(ago(1)), *asked[3:], "--withdraw", "--who", "ops", "--json"]
    assert main(withdraw) == 0
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (line["state"], line["rows_bronze"], line["delivery"]) == ("withdrawn", 0, None)
    manifest = Ledger(world.lake).find_newest("call_logs", ago(1))
    assert manifest is not None
    assert manifest.decided == "withdrawn"
    assert main(asked) == 0
    assert "gone from its source" not in capsys.readouterr().err
    gone.write_bytes(content + content.splitlines(keepends=True)[-1])
    assert (ago(1), "loaded", "loaded", 21) in done(run, NEXT)


def test_a_backfill_looks_back_once_and_a_replay_does_not(run: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    days = [ago(back) for back in range(6, -1, -1)]
    for day in [ago(10), *days]:
        deliver(run, 20, day)
    done(run, ago(10))
    deliver(run, 21, ago(10))
    asked = ["--from", str(days[0]), "--to", str(days[-1]), "--source", "call_logs", "--env", str(run.world.file)]
    assert main(["run", "--plan", "--json", *asked]) == 0
    planned = [json.loads(line)["ingest_date"] for line in capsys.readouterr().out.splitlines()]
    assert planned == [str(day) for day in (ago(10), *days)]
    assert [one.ingest_date for one in run(*days, sources=ONLY, replay=True)] == days


def test_a_look_at_the_sources_tells_of_loaded_days_what_became_of_their_deliveries(
    world: World, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(run, 20, ago(2))
    deliver(run, 20, ago(1))
    done(run, ago(2), ago(1))
    asked = ["status", "--check", "--from", str(ago(2)), "--to", str(ago(1)), "--source", "call_logs"]
    assert main([*asked, "--env", str(world.file)]) == 0
    assert "delivery" not in capsys.readouterr().out
    deliver(run, 21, ago(2))
    (world.root / "sources/call logs" / f"call_logs_day_{ago(1)}.csv").unlink()
    assert main([*asked, "--env", str(world.file)]) == 75
    told = capsys.readouterr().out
    assert "loaded (delivery changed since)" in told
    assert "loaded (delivery gone)" in told


def test_gaps_are_the_days_of_a_range_of_which_nothing_has_landed(
    world: World, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    own_contract(world, f"since = {ago(6)}")
    deliver(run, 20, ago(3))
    run(ago(3), ago(2), sources=ONLY)
    asked = ["status", "--gaps", "--from", str(ago(9)), "--to", str(NEXT), "--env", str(world.file)]
    assert main([*asked, "--json"]) == 75
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    never = "never asked for"
    assert [(gap["first"], gap["last"], gap["days"], gap["state"]) for gap in told] == [
        (str(ago(6)), str(ago(4)), 3, never),
        (str(ago(2)), str(ago(2)), 1, "not_arrived"),
        (str(ago(1)), str(NEXT), 2, never),
    ]
    assert main(["status", "--gaps", "--date", str(ago(3)), "--env", str(world.file)]) == 0


def test_a_file_that_was_only_touched_is_no_correction(world: World, run: Runner) -> None:
    deliver(run, 20, ago(1))
    done(run, ago(1))
    path = world.root / "sources/call logs" / f"call_logs_day_{ago(1)}.csv"
    os.utime(path, ns=(1, 1))
    assert done(run, ago(1)) == [(ago(1), "loaded", "unchanged", 20)]
    asked = ["status", "--check", "--date", str(ago(1)), "--source", "call_logs", "--env", str(world.file)]
    assert main(asked) == 0
    path.write_bytes(path.read_bytes().replace(b"x1-7", b"y1-7"))  # as many bytes
    assert main(asked) == 75
    deliver(run, 20, NEXT)
    assert done(run, NEXT)[0] == (ago(1), "loaded", "loaded", 20)
