"""The backend `emr` before a double of the service, without the stack: a task starts, attaches, waits, gives up."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from dags.support.emr import JobRunTrigger
from dags.support.steps import SparkStep
from tests.conftest import make_world
from tests.dags import emr
from tests.dags.test_support import connect

ROLE = "arn:aws:iam::123456789012:role/jobs"
SCOPE = [{"source": "agents", "first": "2025-11-20", "last": "2025-11-20", "replay": False}]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[emr.Service]:
    """EMR Serverless, where no job run ever begins, and the connections that lead there."""
    double = emr.Service(tmp_path, "", {})
    with emr.serving(double) as address:
        keys = {"login": "nobody", "password": "nothing"}  # pragma: allowlist secret
        extra = {"region_name": "eu-north-1", "endpoint_url": address}
        connect(monkeypatch, "CDE_CAPSTONE_AWS_CONN", **keys, conn_type="aws", extra=extra)
        spark = {"environment": str(make_world(tmp_path).file), "parameters": "--executor-cores 4", "poll": 1}
        spark |= {"application_id": emr.APPLICATION, "execution_role_arn": ROLE}
        connect(monkeypatch, "CORE_TELECOMS_SPARK_CONN", extra=spark)
        yield double


@pytest.fixture
def step() -> SparkStep:
    return SparkStep(task_id="ingest", step="ingest", scope=SCOPE)


@pytest.fixture
def context() -> Any:
    """What a task instance gives, and what it is given."""
    pushed: dict[str, Any] = {}
    ti = SimpleNamespace(dag_id="dag", run_id="run", task_id="ingest", pushed=pushed)
    ti.xcom_push = lambda key, value, **_: pushed.update({key: value})
    return {"ti": ti}


def deferred(step: SparkStep, context: Any) -> JobRunTrigger:
    with pytest.raises(TaskDeferred) as raised:
        step.execute(context)
    assert raised.value.method_name == "execute_complete"
    assert isinstance(raised.value.trigger, JobRunTrigger)
    return raised.value.trigger


def event_of(trigger: JobRunTrigger) -> dict[str, Any]:
    async def first() -> dict[str, Any]:
        [event] = [event async for event in trigger.run()]
        return dict(event.payload)

    return asyncio.run(first())


def test_a_job_run_is_started_once_and_a_second_try_attaches_to_it(
    service: emr.Service, step: SparkStep, context: Any
) -> None:
    service.faults.append("waits")
    first, second = deferred(step, context), deferred(step, context)
    [run] = service.runs.values()
    assert first.job_id == second.job_id == run.id
    submit = run.asked["jobDriver"]["sparkSubmit"]
    assert submit["sparkSubmitParameters"] == "--executor-cores 4"
    assert submit["entryPointArguments"][:3] == ["ingest", "--from", "2025-11-20"]
    assert submit["entryPointArguments"][-1] == run.asked["clientToken"]
    assert (run.asked["name"], run.asked["executionRoleArn"]) == ("dag.run.ingest", ROLE)


def test_the_trigger_says_of_a_failed_job_run_too_which_it_was(
    service: emr.Service, step: SparkStep, context: Any
) -> None:
    service.faults.append("fails")
    trigger = deferred(step, context)
    event = event_of(trigger)
    assert event["status"] != "success"
    assert event["job_details"] == {"application_id": emr.APPLICATION, "job_id": trigger.job_id}
    assert json.loads(json.dumps(trigger.serialize()))[0] == "dags.support.emr.JobRunTrigger"


def test_a_job_run_without_a_report_is_tried_again_as_a_new_one(
    service: emr.Service, step: SparkStep, context: Any
) -> None:
    service.faults.extend(["fails", "waits"])
    event = event_of(deferred(step, context))
    with pytest.raises(AirflowException, match=r"job run 00job0000 FAILED.*left no run report") as raised:
        step.execute_complete(context, event)
    assert not isinstance(raised.value, AirflowFailException)
    assert deferred(step, context).job_id == "00job0001"
    assert len(service.tokens) == 2


def test_a_job_run_that_takes_too_long_is_cancelled(service: emr.Service, step: SparkStep, context: Any) -> None:
    service.faults.append("waits")
    trigger = deferred(step, context)
    trigger.attempts = 1
    event = event_of(trigger)
    with pytest.raises(AirflowException, match="given up waiting"):
        step.execute_complete(context, event)
    [run] = service.runs.values()
    assert run.state == "CANCELLED"


def test_what_somebody_cancelled_is_not_tried_again(service: emr.Service, step: SparkStep, context: Any) -> None:
    service.faults.append("waits")
    trigger = deferred(step, context)
    service.cancel(service.runs[str(trigger.job_id)])
    with pytest.raises(AirflowFailException, match="somebody cancelled it"):
        step.execute_complete(context, event_of(trigger))


def test_a_task_that_is_killed_cancels_what_it_started(service: emr.Service, step: SparkStep, context: Any) -> None:
    service.faults.append("waits")
    deferred(step, context)
    step.on_kill()
    [run] = service.runs.values()
    assert run.state == "CANCELLED"
