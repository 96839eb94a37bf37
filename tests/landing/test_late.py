"""What has not arrived is not due yet, or late; that it is late, and that it came in the end, is told once each."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from jobs.__main__ import main
from jobs.contracts.due import parse_due
from tests.conftest import DAY, World
from tests.landing.test_landing import CALLS, csv_of
from tests.landing.test_retired import own_contract

DUE = 'due = "06:00 Africa/Lagos"'


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("06:00 Africa/Lagos", datetime(2025, 11, 22, 5, tzinfo=UTC)),
        ("00:00 UTC", datetime(2025, 11, 22, tzinfo=UTC)),
        ("00:00 Asia/Tokyo", datetime(2025, 11, 21, 15, tzinfo=UTC)),
        ("00:00 America/New_York +2", datetime(2025, 11, 23, 5, tzinfo=UTC)),
        ("23:59 Africa/Lagos +0", datetime(2025, 11, 21, 22, 59, tzinfo=UTC)),
    ],
)
def test_a_day_is_due_by_the_clocks_of_its_zone(text: str, moment: datetime) -> None:
    assert parse_due(text).moment(DAY) == moment


def test_a_time_that_its_zones_clocks_leave_out_is_as_they_showed_it_before() -> None:
    assert parse_due("02:30 Europe/Berlin").moment(date(2026, 3, 28)) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["6:00 Africa/Lagos", "06:00", "26:00 UTC", "06:00 Africa/Nowhere", "06:00 ../UTC", 6])
def test_another_text_is_refused_with_how_it_is_written(
    text: object, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    own_contract(world, f"due = {json.dumps(text)}")
    assert main(["check", "--env", str(world.file)]) == 78
    assert "due" in capsys.readouterr().err


Told = Callable[..., list[tuple[str, str, str | None]]]


@pytest.fixture
def told(world: World, capsys: pytest.CaptureFixture[str]) -> Told:
    def ask(*more: str, day: date = DAY) -> list[tuple[str, str, str | None]]:
        main(["status", "--json", "--date", str(day), "--env", str(world.file), *more])
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
        return [(line["state"], line["due"], line["notice"]) for line in lines]

    return ask


def test_late_is_told_once_and_recovered_once(world: World, told: Told) -> None:
    own_contract(world, DUE)
    due = "2025-11-22T05:00:00Z"
    assert told("--check") == [("late", due, None)]
    assert told("--check", "--tell") == [("late", due, "late")]
    assert told("--check", "--tell") == [("late", due, None)]
    world.deliver("call_logs", csv_of(CALLS, 20))
    assert told("--check", "--tell") == [("arrived", None, "recovered")]
    assert main(["run", "--date", str(DAY), "--env", str(world.file)]) == 0
    assert told("--tell") == [("loaded", None, None)]


def test_a_day_whose_time_has_not_come_is_not_due_and_nobody_is_told(world: World, told: Told) -> None:
    own_contract(world, DUE)
    day = datetime.now(UTC).date() + timedelta(days=1)
    ((state, _, notice),) = told("--check", "--tell", day=day)
    assert (state, notice) == ("not_due", None)
    world.deliver("call_logs", csv_of(CALLS, 20), day)
    assert [(state, notice) for state, _, notice in told("--check", "--tell", day=day)] == [("arrived", None)]


def test_the_ledger_alone_tells_of_a_day_that_was_asked_for_and_is_late(world: World, told: Told) -> None:
    assert main(["run", "--date", str(DAY), "--source", "call_logs", "--env", str(world.file)]) == 75
    assert [state for state, *_ in told("--source", "call_logs")] == ["not_arrived"]
    own_contract(world, DUE)
    assert [state for state, *_ in told("--tell")] == ["late"]


def test_a_static_source_is_never_late(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    own_contract(world, f"static = true\n{DUE}")
    assert main(["check", "--env", str(world.file)]) == 78
    assert "a static source has no days" in capsys.readouterr().err
