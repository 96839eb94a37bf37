"""Airflow itself asks about a correction that is held, in a stack of its own, and the answer is in the ledger."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NIGHTLY, make_world
from tests.dags import stack
from tests.dags.conftest import ROOT
from tests.dags.test_support import TODAY, connect, hold_a_correction

DAG = "coretelecoms_corrections"


@pytest.mark.skipif(not NIGHTLY, reason="an Airflow of its own, minutes: make test-nightly")
def test_an_answer_in_airflow_is_a_decision_in_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "DAG", DAG)
    for name in ("world", "dags", "airflow"):
        (tmp_path / name).mkdir()
    laptop = make_world(tmp_path / "world")
    connect(monkeypatch, "CORE_TELECOMS_SPARK_CONN", extra={"environment": str(laptop.file)})
    hold_a_correction(laptop, TODAY)
    shutil.copy(ROOT / f"dags/{DAG}.py", tmp_path / "dags")
    spark = {"conn_type": "generic", "extra": json.dumps({"environment": str(laptop.file)})}
    given = {name: os.environ[name] for name in ("PATH", "HOME", "AWS_EC2_METADATA_DISABLED", "NO_GCE_CHECK")}
    with stack.serving(tmp_path / "airflow", tmp_path / "dags", {"CORE_TELECOMS_SPARK_CONN": spark}, given) as running:
        stack.eventually(lambda: any(one["dag_id"] == DAG for one in running.ask("GET", "dags")["dags"]), "parsed")
        running.pause(False)
        asked = stack.eventually(lambda: find_asked(running), "asked")
        assert "20 rows before, 21 after: 1 added, 0 removed, 0 changed" in asked["body"]
        of = asked["task_instance"]
        where = f"dags/{DAG}/dagRuns/{of['dag_run_id']}/taskInstances/ask/{of['map_index']}/hitlDetails"
        running.ask("PATCH", where, chosen_options=["approve"], params_input={})
        assert running.ended(lambda: running.runs()[0])["state"] == "success"
        assert f"ask[call_logs {TODAY}]" in running.tasks(of["dag_run_id"])
    (amendment,) = (json.loads(at.read_text()) for at in laptop.lake.rglob("_amendment-*.json"))
    assert amendment["decision"] == {"decided": "approved", "who": "airflow"}


def find_asked(running: stack.Stack) -> dict[str, Any] | None:
    found: list[dict[str, Any]] = running.ask("GET", "dags/~/dagRuns/~/hitlDetails")["hitl_details"]
    return found[0] if found else None
