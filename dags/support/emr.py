"""The backend `emr`: the provider's operator for EMR Serverless, which knows its job run again after a failure."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any, NoReturn

import greenback
from airflow.providers.amazon.aws.hooks.emr import EmrServerlessHook
from airflow.providers.amazon.aws.operators.emr import EmrServerlessStartJobOperator
from airflow.providers.amazon.aws.triggers.emr import EmrServerlessStartJobTrigger
from airflow.providers.amazon.aws.utils import validate_execute_complete_event
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.triggers.base import BaseTrigger, TriggerEvent

from dags.support.credentials import AWS_CONN, require_in_parameter_store
from dags.support.here import status
from dags.support.params import Scope
from dags.support.report import check_report
from dags.support.spark_connection import SparkConnection, spark_connection
from jobs.config.emr_sizes import names_sizes, sizes_for, spark_parameters

PATIENCE = 4 * 3600  # seconds for a job run


class JobRunTrigger(EmrServerlessStartJobTrigger):
    """The provider's, which says of which job run it speaks, and cancels that when its task is marked or cleared."""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """The provider's says it of a success alone."""
        async for event in super().run():
            yield TriggerEvent({**event.payload, self.return_key: self.return_value})  # type: ignore[no-untyped-call]

    async def on_kill(self) -> None:
        """Airflow calls this in a task of its own, where Python 3.11 carries no portal over.

        Without one the provider's hook finds no connection, goes on with whatever credentials there are, and cancels
        nothing.
        """
        await greenback.ensure_portal()
        await super().on_kill()


class EmrStep(EmrServerlessStartJobOperator):
    """A step of spark-submit.sh as a job run on EMR Serverless; its run report decides how the task ends.

    At most one job run of a task's name is live at any time; a retry attaches to it, or starts a new one.
    """

    template_fields = ("scope",)

    def __init__(self, *, step: str, scope: Any, **kwargs: Any) -> None:
        # What the connection says is not read while the DAG is parsed.
        super().__init__(
            application_id="",
            execution_role_arn="",
            job_driver={"sparkSubmit": {}},
            aws_conn_id=AWS_CONN,
            deferrable=True,
            enable_application_ui_links=True,
            config={"executionTimeoutMinutes": PATIENCE // 60},  # should nobody be left who could cancel it
            **kwargs,
        )
        self.step = step
        self.scope = scope

    def execute(self, context: Context, event: dict[str, Any] | None = None) -> None:
        """Ends by deferring."""
        connection = spark_connection()
        self.name = f"{context['ti'].dag_id}.{context['ti'].run_id}.{context['ti'].task_id}"
        self.application_id = connection.application_id
        self.execution_role_arn = connection.execution_role_arn
        self.waiter_delay = connection.poll
        self.waiter_max_attempts = PATIENCE // connection.poll
        self.configuration_overrides = {"monitoringConfiguration": connection.monitoring}
        job_runs = self.job_runs()
        live = [run for run in job_runs if run["state"] not in EmrServerlessHook.JOB_TERMINAL_STATES]
        if live:
            self.attach(context, live[0]["id"])
        require_in_parameter_store(connection.environment)
        # A lost response is asked for again with the same token: the service then starts nothing twice.
        self.client_request_token = hashlib.sha256(f"{self.name} {len(job_runs)}".encode()).hexdigest()[:40]
        self.job_driver = {"sparkSubmit": self.spark_submit(connection, self.client_request_token)}
        super().execute(context, event)

    def job_runs(self) -> list[dict[str, Any]]:
        """All of this task's name, whatever became of them."""
        pages = self.hook.conn.get_paginator("list_job_runs").paginate(applicationId=self.application_id)
        return [run for page in pages for run in page["jobRuns"] if run.get("name") == self.name]

    def attach(self, context: Context, job_id: str) -> NoReturn:
        self.log.info("job run %s of this task is live: attached to it", job_id)
        self.job_id = job_id
        self.persist_links(context)
        trigger = EmrServerlessStartJobTrigger(
            self.application_id, job_id, self.waiter_delay, self.waiter_max_attempts, self.aws_conn_id
        )
        self.defer(trigger=trigger, method_name="execute_complete")

    def spark_submit(self, connection: SparkConnection, key: str) -> dict[str, Any]:
        """For StartJobRun's jobDriver; sized by what is delivered, unless the connection names sizes."""
        parameters = connection.parameters
        if not names_sizes(parameters):
            outcomes = status("--check", *Scope.from_xcom(self.scope).arguments())
            delivered = sum(outcome.bytes_delivered or 0 for outcome in outcomes)
            parameters = f"{parameters} {spark_parameters(sizes_for(delivered))}"
        return {
            "entryPoint": connection.entry_point,
            "entryPointArguments": self.arguments(connection, key),
            "sparkSubmitParameters": parameters,
        }

    def arguments(self, connection: SparkConnection, key: str) -> list[str]:
        """Of spark-submit.sh; `key` becomes the tail of the run's id."""
        scope = Scope.from_xcom(self.scope)
        replay = ["--replay"] if scope.replay else []
        return [self.step, *scope.arguments(), *replay, "--env", connection.environment, "--key", key]

    def defer(self, *, trigger: BaseTrigger, **options: Any) -> NoReturn:
        """With our trigger in the place of the provider's, which its `execute` makes."""
        if isinstance(trigger, EmrServerlessStartJobTrigger):
            _, fields = trigger.serialize()
            trigger = JobRunTrigger(**fields)
        super().defer(trigger=trigger, **options)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> None:
        """Raises as `check_report` does; the service's own word for success does not count."""
        waited = validate_execute_complete_event(event)
        job = waited["job_details"]
        ids = {"applicationId": job["application_id"], "jobRunId": job["job_id"]}
        run = self.hook.conn.get_job_run(**ids)["jobRun"]
        ended = f"job run {job['job_id']} {run['state']}: {_cut_exceptions(run.get('stateDetails', ''))}"
        if run["state"] not in EmrServerlessHook.JOB_TERMINAL_STATES:
            self.hook.conn.cancel_job_run(**ids)
            raise AirflowException(f"{ended}; given up waiting ({waited.get('message')}), cancelled")
        if run["state"] == "CANCELLED":
            raise AirflowFailException(f"{ended}; somebody cancelled it: clear this task to run it anew")
        arguments = run["jobDriver"]["sparkSubmit"]["entryPointArguments"]
        check_report(context, arguments[arguments.index("--key") + 1], ended)


def _cut_exceptions(details: str) -> str:
    """EMR ends its own words with a log's last exceptions, as they are; what may be told of them the run report has."""
    return details.partition("Last few exceptions:")[0].strip()
