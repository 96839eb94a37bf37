"""The DAG as a file: its shape, the policies that every task keeps, and what it costs to parse."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOT = Path(__file__).with_name("structure.json")
DAGS = {"coretelecoms_capstone", "coretelecoms_corrections", "coretelecoms_recount"}
# Imports the DAG in a process of its own, once all of Airflow's that it uses is there: what remains is ours.
PARSE = """
import importlib, json, sys, time
import airflow.sdk, airflow.providers.amazon.aws.operators.emr, airflow.providers.amazon.aws.hooks.ssm
import airflow.providers.standard.hooks.subprocess, airflow.timetables.interval
started = time.process_time()
importlib.import_module("dags.coretelecoms_capstone")
spent = time.process_time() - started
print(json.dumps([spent, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


@pytest.fixture(scope="module", params=DAGS)
def dag(request: pytest.FixtureRequest) -> DAG:
    bag = DagBag(str(ROOT / "dags"), bundle_path=ROOT / "dags", bundle_name="dags")
    assert bag.import_errors == {}
    assert {*bag.dags} == DAGS
    return bag.dags[request.param]


@pytest.fixture
def daily() -> DAG:
    return DagBag(str(ROOT / "dags"), bundle_path=ROOT / "dags", bundle_name="dags").dags["coretelecoms_capstone"]


def structure(dag: DAG) -> dict[str, Any]:
    """What a change of would change the schedule's behaviour."""
    tasks = {
        task.task_id: {
            "type": task.task_type,
            "after": sorted(task.upstream_task_ids),
            "trigger_rule": str(task.trigger_rule.value if hasattr(task.trigger_rule, "value") else task.trigger_rule),
            "mapped": task.is_mapped,
            "retries": task.retries,
        }
        for task in dag.tasks
    }
    return {
        "dag_id": dag.dag_id,
        "timetable": type(dag.timetable).__name__,
        "start_date": str(dag.start_date),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "params": {name: param.schema for name, param in dag.params._ParamsDict__dict.items()},
        "tasks": tasks,
    }


def test_the_structure_is_the_one_agreed_on(daily: DAG) -> None:
    """After a change that is meant: python -m tests.dags.test_dag, and look at the difference."""
    assert structure(daily) == json.loads(SNAPSHOT.read_text())


def test_a_week_is_recounted_once_it_has_ended() -> None:
    found = DagBag(str(ROOT / "dags"), bundle_path=ROOT / "dags", bundle_name="dags").dags["coretelecoms_recount"]
    assert (type(found.timetable).__name__, found.catchup, found.max_active_runs) == (
        *("CronDataIntervalTimetable", False),
        1,
    )
    assert {task.task_id: sorted(task.upstream_task_ids) for task in found.tasks} == {"asked": [], "recount": ["asked"]}
    assert found.timetable.expression == "0 0 * * 0"  # its interval begins with `ds`, and is seven days


def test_every_task_has_an_owner_a_time_out_retries_and_an_alert(dag: DAG) -> None:
    for task in dag.tasks:
        arguments = task.partial_kwargs if task.is_mapped else vars(task)
        assert arguments["owner"] == "data-platform", task.task_id
        assert arguments["execution_timeout"].total_seconds() > 0, task.task_id
        assert arguments["retries"] == 2, task.task_id
        assert arguments["retry_exponential_backoff"], task.task_id
        assert arguments["on_failure_callback"], task.task_id


def test_the_dag_is_documented_and_tagged(dag: DAG) -> None:
    assert dag.tags
    assert dag.dagrun_timeout
    for needed in ("**What**", "**Output**", "**When it fails**", "**How to re-run**"):
        assert needed in (dag.doc_md or "")


def test_backfills_are_told_to_take_one_day_at_a_time(daily: DAG) -> None:
    """They do not heed the DAG's max_active_runs, but have a limit of their own, ten."""
    told = [*str(daily.doc_md).splitlines(), *(ROOT / "docs/runbook.md").read_text().splitlines()]
    commands = [line for line in told if "airflow backfill create" in line]
    assert len(commands) == 2
    assert all("--max-active-runs 1" in line for line in commands)


def test_parsing_costs_less_than_a_second_and_never_imports_spark() -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", PARSE], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    spent, modules = json.loads(done.stdout.splitlines()[-1])
    assert spent < 1
    assert not {"pyspark", "py4j", "deltalake", "pyarrow", "dbt"} & set(modules)


if __name__ == "__main__":
    bag = DagBag(str(ROOT / "dags"), bundle_path=ROOT / "dags", bundle_name="dags")
    current = bag.dags["coretelecoms_capstone"]
    SNAPSHOT.write_text(json.dumps(structure(current), indent=1, sort_keys=True) + "\n")
