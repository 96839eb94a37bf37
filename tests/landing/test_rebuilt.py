"""A warehouse that was lost is made anew from the lake, each row of each landing that counts."""

import shutil
from typing import Any

from jobs.__main__ import main
from tests.conftest import DAYS
from tests.landing.test_landing import AGENTS, CALLS, csv_of
from tests.runner import Runner

SOURCES = ("agents", "call_logs")


def rows(run: Runner) -> dict[str, list[tuple[Any, ...]]]:
    return {source: sorted(tuple(map(str, row.values())) for row in run.bronze(source)) for source in SOURCES}


def filled(run: Runner) -> Runner:
    """Four days, one of them corrected; agents whose content changed on the third day."""
    for number, day in enumerate(DAYS):
        run.world.deliver("call_logs", csv_of(CALLS, 10 + number), day)
    run.world.deliver("agents", csv_of(AGENTS, 3))
    run(*DAYS[:2], sources=SOURCES)
    run.world.deliver("agents", csv_of(AGENTS, 4))
    run.world.deliver("call_logs", csv_of(CALLS, 21), DAYS[1])
    run(*DAYS[1:], sources=SOURCES)
    return run


def rebuild(run: Runner, *arguments: str) -> int:
    only = [word for source in SOURCES for word in ("--source", source)]
    return main(["load", "--rebuild", *arguments, *only, "--env", str(run.world.file)])


def test_a_lost_bronze_is_rebuilt_equal_row_by_row_static_landings_of_all_days_too(run: Runner) -> None:
    before = rows(filled(run))
    assert len(before["agents"]) == 3 + 4
    shutil.rmtree(run.world.bronze)
    assert rebuild(run) == 0
    assert rows(run) == before
    assert main(["status", "--env", str(run.world.file)]) == 0


def test_a_rebuild_of_a_range_leaves_the_other_days(run: Runner) -> None:
    before = rows(filled(run))
    shutil.rmtree(run.world.bronze)
    assert rebuild(run, "--from", str(DAYS[0]), "--to", str(DAYS[1])) == 0
    assert {row["ingest_date"] for row in run.bronze("call_logs")} == {*DAYS[:2]}
    assert rebuild(run) == 0
    assert rebuild(run) == 0
    assert rows(run) == before
