"""Clocks that are wrong, and runs that overlap, over any warehouse."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs.contracts.source import load_contracts
from jobs.ledger import outcome as outcomes
from jobs.ledger.outcome import Outcome, make_run_id
from jobs.pipeline.execute import execute
from jobs.pipeline.plan import RunRequest
from jobs.pipeline.survey import make_plan
from tests.conftest import DAY
from tests.runner import Runner

ONLY = ("call_logs",)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A clock that is off by what it is set to."""

    class Clock(datetime):
        off = timedelta()

        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + cls.off

    monkeypatch.setattr(outcomes, "datetime", Clock)
    return Clock


def planned(run: Runner, step: str = "run", *, replay: bool = True) -> Callable[[], Outcome]:
    """A run that has its plan and its id, and has not begun."""
    environment = run.world.environment
    request = RunRequest(environment, load_contracts(environment, ONLY), (DAY,), step, replay, run.engine)
    plan = make_plan(request)
    run_id = make_run_id(newest=plan.newest_run)

    def go() -> Outcome:
        (outcome,) = execute(request, plan, run_id, run.session).outcomes
        return outcome

    return go


def keep_order(run: Runner, deliver: Callable[[int], object], clock: Any) -> str:
    """First load, correction, replay and overlap by clocks ahead and behind; returns the run that Bronze has to hold.

    `deliver`: so many calls of DAY.
    """
    clock.off = timedelta(days=3)
    deliver(20)
    (first,) = run(sources=ONLY)
    clock.off = timedelta()
    deliver(21)
    (corrected,) = run(sources=ONLY)
    clock.off = -timedelta(days=400)
    (replayed,) = run(sources=ONLY, replay=True)
    deliver(22)
    clock.off = timedelta(days=4)  # behind it, ids of one moment would be in no order but that of their tails
    older, newer = planned(run), planned(run)
    done, late = newer(), older()
    told = [(one.attempt, one.state, one.rows_bronze) for one in (first, corrected, replayed, done, late)]
    assert told == [*(("loaded", "loaded", rows) for rows in (20, 21, 21, 22)), ("superseded", "loaded", 22)]
    ids = [str(one.run_id) for one in (first, corrected, replayed, done)]
    assert ids == sorted(ids)
    assert (late.exit_code, late.run_id) == (75, done.run_id)
    return ids[-1]
