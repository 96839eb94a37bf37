"""The whole stack, three days on schedule and what a person does afterwards. Slow tests share one stack, in this order."""

import json
import subprocess
from typing import Any

import pytest

from tests.conftest import DAYS
from tests.dags.conftest import CATCH_UP, ROOT, SOURCES, Platform
from tests.dags.stack import eventually

FIRST, LAST = str(CATCH_UP[0]), str(CATCH_UP[-1])
FAULTY = DAYS[3]


def states(tasks: dict[str, dict[str, Any]], name: str) -> dict[str, str]:
    return {key: one["state"] for key, one in tasks.items() if key.partition("[")[0] == name}


def test_three_days_are_caught_up_with(caught_up: Platform) -> None:
    runs = caught_up.stack.runs()
    assert [(run["logical_date"][:10], run["state"]) for run in runs] == [(str(day), "success") for day in CATCH_UP]


def test_the_states_of_all_sources_show_in_the_ui(caught_up: Platform) -> None:
    run = caught_up.stack.run_of(FIRST)
    assert run
    tasks = caught_up.stack.tasks(run["dag_run_id"])
    assert {one["state"] for one in tasks.values()} == {"success"}
    assert {name for name in tasks if name.startswith("wait_for")} == {f"wait_for[{one}: arrived]" for one in SOURCES}
    assert "ledger_balances[agents: loaded 100]" in tasks
