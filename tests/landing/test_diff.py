"""`diff` says what a correction changes: of two landings, or of a delivery and what counts; nothing of a person."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from jobs.__main__ import main
from jobs.pipeline import compare_landings
from tests.conftest import DAY, World
from tests.landing.test_landing import AGENTS, CALLS, csv_of
from tests.runner import Runner

Asked = Callable[..., dict[str, Any]]


@pytest.fixture
def asked(world: World, capsys: pytest.CaptureFixture[str]) -> Asked:
    def ask(*more: str, source: str = "call_logs") -> dict[str, Any]:
        capsys.readouterr()
        given = ["diff", "--date", str(DAY), "--source", source, "--json", "--env", str(world.file), *more]
        assert main(given) == 0
        return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))

    return ask


def corrected(rows: int) -> bytes:
    """Three changed, two added, one removed of so many."""
    header, *lines = csv_of(CALLS, rows).splitlines(keepends=True)
    more = csv_of(CALLS, rows + 2).splitlines(keepends=True)[-2:]
    changed = [line.rstrip() + b"!\n" for line in lines[5:8]]
    return b"".join([header, *lines[:3], *lines[4:5], *changed, *lines[8:], *more])


@pytest.mark.parametrize("share", [500_000, 3_000])
def test_a_correction_of_twenty_thousand_rows_is_told_exactly(
    share: int, run: Runner, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_landings, "ROWS_A_SHARE", share)
    run.world.deliver("call_logs", csv_of(CALLS, 20_000))
    run(sources=("call_logs",))
    run.world.deliver("call_logs", corrected(20_000))
    files = run.world.raw_files()
    of_delivery = asked("--delivery")
    assert run.world.raw_files() == files
    run(sources=("call_logs",))
    found = asked()
    for one in (of_delivery, found):
        assert (one["rows_before"], one["rows_after"]) == (20_000, 20_001)
        assert (one["changed"], one["added"], one["removed"], one["duplicates"]) == (3, 2, 1, [0, 0])
        assert one["columns"] == {"generation_date": 3}
        assert len(one["sample"]) == 3


def test_of_persons_only_the_shape_is_told(run: Runner, asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    text = csv_of(AGENTS, 20).decode()
    run.world.deliver("agents", text.encode())
    run(sources=("agents",))
    lines = text.splitlines()
    cells = lines[3].split(",")
    lines[3] = ",".join([cells[0], "Xanthippe Quill", *cells[2:]])
    run.world.deliver("agents", "\n".join(lines).encode() + b"\n")
    run(sources=("agents",))
    (sample,) = asked(source="agents")["sample"]
    assert sample["columns"]["name"][1] == "Xxxxxxxxx Xxxxx"
    main(["diff", "--date", str(DAY), "--source", "agents", "--env", str(run.world.file)])
    told = capsys.readouterr().out
    assert "20 rows before, 20 after: 0 added, 0 removed, 1 changed (5.00%)" in told
    assert "Xanthippe" not in told


def test_a_day_with_one_landing_has_nothing_to_be_held_against(run: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    run(sources=("call_logs",))
    given = ["diff", "--date", str(DAY), "--source", "call_logs", "--env", str(run.world.file)]
    assert main(given) == 75
    assert "1 landings, and none before the newest one" in capsys.readouterr().err
    assert main([*given, "--run", "R1", "--run", "R2"]) == 64


@pytest.mark.parametrize("share", [500_000, 5])
def test_a_recount_tells_of_rows_of_a_key_that_was_there_before(
    share: int, run: Runner, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_landings, "ROWS_A_SHARE", share)
    header, *lines = csv_of(CALLS, 20).splitlines(keepends=True)
    run.world.deliver("call_logs", b"".join([header, *lines, *lines[:2], lines[1]]))
    run(sources=("call_logs",))
    given = ["--date", str(DAY), "--source", "call_logs", "--env", str(run.world.file)]
    assert main(["status", "--recount", *given]) == 0
    told = capsys.readouterr().out
    assert "3 rows besides the first of their call_id" in told
    assert told.count("adds up") == 3
