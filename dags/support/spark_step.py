"""A step of spark-submit.sh as a task: a job run on EMR Serverless, or a child process; the run report decides."""

import hashlib
import secrets
from typing import Any, NoReturn

import greenback
from airflow.providers.amazon.aws.hooks.emr import EmrServerlessHook
from airflow.providers.amazon.aws.operators.emr import EmrServerlessStartJobOperator
from airflow.providers.amazon.aws.triggers.emr import EmrServerlessStartJobTrigger
from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.triggers.base import BaseTrigger

from dags.support.alerts import DataError, RetryLater, told
from dags.support.asked import REPORTED, Asked
from dags.support.command import CONFIGURATION, ROOT, USAGE, environment, status
from dags.support.moving import refuse_what_a_job_cannot_read
from dags.support.place import AWS, Place, place
from dags.support.sizes import as_parameters, names_sizes, sized

PATIENCE = 4 * 3600  # seconds for a job run
_JOB = "job_run_id"  # XCom: set before deferring, for a failed trigger does not tell of which job run it speaks


class JobRunTrigger(EmrServerlessStartJobTrigger):
    """Cancels its job run when the task is marked failed, or cleared.

    Airflow calls `on_kill` in a task of its own, where Python 3.11 carries no portal over; without one the provider's
    hook finds no connection, goes on with whatever credentials there are, and cancels nothing.
    """

    async def on_kill(self) -> None:
        await greenback.ensure_portal()
        await super().on_kill()


class SparkStep(EmrServerlessStartJobOperator):
    """At most one job run of a task's name is live at any time; a retry attaches to it, or starts a new one.

    A source that has not arrived fails no step: it was waited for, and `ledger_balances` tells of it.
    """

    template_fields = ("asked",)

    def __init__(self, *, step: str, asked: Any, **kwargs: Any) -> None:
        super().__init__(
            application_id="",
            execution_role_arn="",
            job_driver={},
            aws_conn_id=AWS,
            deferrable=True,
            enable_application_ui_links=True,
            config={"executionTimeoutMinutes": PATIENCE // 60},  # should nobody be left who could cancel it
            **kwargs,
        )
        self.step = step
        self.asked = asked
        self._child: SubprocessHook | None = None

    def execute(self, context: Context, event: dict[str, Any] | None = None) -> None:
        where = place()
        if not where.application_id:
            return self._run_here(context, where)
        self._describe(where)
        runs = self._job_runs(context)
        live = [run for run in runs if run["state"] not in EmrServerlessHook.JOB_TERMINAL_STATES]
        if live:
            self._attach(context, live[0]["id"])
        refuse_what_a_job_cannot_read(where.environment)
        self._identify(where, len(runs))
        super().execute(context, event)  # ends by deferring
        return None

    def _run_here(self, context: Context, where: Place) -> None:
        key = secrets.token_hex(6)
        master = ["--master", where.master] if where.master else []
        self._child = SubprocessHook()
        command = [str(ROOT / "spark-submit.sh"), *self._arguments(where, key), *master]
        done = self._child.run_command(command, env=environment(), cwd=str(ROOT))
        never_began = done.exit_code in (USAGE, CONFIGURATION)
        self._judge(context, key, f"exit {done.exit_code}: {done.output}", never_began)

    def _arguments(self, where: Place, key: str) -> list[str]:
        asked = Asked.of(self.asked)
        replay = ["--replay"] if asked.replay else []
        return [self.step, *asked.arguments(), *replay, "--env", where.environment, "--key", key]

    def _describe(self, where: Place) -> None:
        self.application_id = where.application_id
        self.execution_role_arn = where.execution_role_arn
        self.waiter_delay = where.poll
        self.waiter_max_attempts = PATIENCE // where.poll
        self.configuration_overrides = {"monitoringConfiguration": where.monitoring}
        self.job_driver = {"sparkSubmit": {"entryPoint": where.entry_point, "sparkSubmitParameters": where.parameters}}

    def _job_runs(self, context: Context) -> list[dict[str, Any]]:
        """All of this task's name, whatever became of them."""
        ti = context["ti"]
        self.name = f"{ti.dag_id}.{ti.run_id}.{ti.task_id}"
        pages = self.hook.conn.get_paginator("list_job_runs").paginate(applicationId=self.application_id)
        return [run for page in pages for run in page["jobRuns"] if run.get("name") == self.name]

    def _identify(self, where: Place, finished: int) -> None:
        """A lost response is asked for again with the same token: the service then starts nothing twice."""
        token = hashlib.sha256(f"{self.name} {finished}".encode()).hexdigest()[:40]
        self.client_request_token = token
        self.job_driver["sparkSubmit"]["entryPointArguments"] = self._arguments(where, token)
        if not names_sizes(where.parameters):
            delivered = sum(one.bytes_delivered or 0 for one in status("--check", *Asked.of(self.asked).arguments()))
            self.job_driver["sparkSubmit"]["sparkSubmitParameters"] += f" {as_parameters(sized(delivered))}"

    def _attach(self, context: Context, job_id: str) -> None:
        self.log.info("job run %s of this task is live: attached to it", job_id)
        self.job_id = job_id
        self.persist_links(context)
        self.defer(
            trigger=EmrServerlessStartJobTrigger(
                application_id=self.application_id,
                job_id=job_id,
                waiter_delay=self.waiter_delay,
                waiter_max_attempts=self.waiter_max_attempts,
                aws_conn_id=self.aws_conn_id,
            ),
            method_name="execute_complete",
        )

    def defer(self, *, trigger: BaseTrigger, **given: Any) -> NoReturn:
        if isinstance(trigger, EmrServerlessStartJobTrigger):
            trigger = JobRunTrigger(**trigger.serialize()[1])
        super().defer(trigger=trigger, **given)

    def persist_links(self, context: Context) -> None:
        context["ti"].xcom_push(_JOB, self.job_id)
        super().persist_links(context)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> None:
        self.application_id = place().application_id
        self.job_id = context["ti"].xcom_pull(task_ids=self.task_id, key=_JOB)
        names = {"applicationId": self.application_id, "jobRunId": self.job_id}
        job = self.hook.conn.get_job_run(**names)["jobRun"]
        ended = f"job run {self.job_id} {job['state']}: {job.get('stateDetails', '')}"
        if job["state"] not in EmrServerlessHook.JOB_TERMINAL_STATES:
            self.hook.conn.cancel_job_run(**names)
            raise AirflowException(f"{ended}; given up waiting ({(event or {}).get('message')}), cancelled")
        if job["state"] == "CANCELLED":
            raise AirflowFailException(f"{ended}; somebody cancelled it: clear this task to run it anew")
        arguments = job["jobDriver"]["sparkSubmit"]["entryPointArguments"]
        self._judge(context, arguments[arguments.index("--key") + 1], ended)

    def _judge(self, context: Context, key: str, ended: str, never_began: bool = False) -> None:
        """Raises AirflowException where a retry may help, else DataError; of run reports only that of `key` counts."""
        outcomes = status("--key", key)
        if not outcomes and never_began:
            raise AirflowFailException(ended)
        if not outcomes:
            raise AirflowException(f"{ended}; it left no run report: it was killed, or never began")
        context["ti"].xcom_push(REPORTED, key)
        for outcome in outcomes:
            self.log.info("%s", told(outcome))
        wrong = [one for one in outcomes if one.exit_code and one.state != "not_arrived"]
        if not wrong:
            return
        message = "\n".join([f"{ended}; did not land:", *map(told, wrong)])
        if any(one.retry_helps for one in wrong):
            raise RetryLater(message, wrong)
        raise DataError(message, wrong)

    def on_kill(self) -> None:
        if self._child:
            self._child.send_sigterm()  # type: ignore[no-untyped-call]
        elif self.job_id:
            self.hook.conn.cancel_job_run(applicationId=self.application_id, jobRunId=self.job_id)
