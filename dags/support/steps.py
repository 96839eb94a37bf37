"""The DAGs' steps: one of Spark, with the backends `emr` and `here`; dbt's, the pages' and the recount are `here`."""

import secrets
from abc import abstractmethod
from datetime import timedelta
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from dags.support.alerts import alert_failure
from dags.support.emr import EmrStep
from dags.support.here import CONFIGURATION, SERVICE_DOWN, TRY_LATER, USAGE, run_command
from dags.support.params import Scope
from dags.support.report import check_report
from dags.support.spark_connection import SparkConnection, spark_connection

# Of each task of each DAG.
DEFAULT_ARGS: dict[str, Any] = {
    "owner": "data-platform",
    "retries": 2,
    "retry_exponential_backoff": True,
    "execution_timeout": timedelta(hours=4),
    "on_failure_callback": alert_failure,
}


class SparkStep(EmrStep):
    """A step of spark-submit.sh: on EMR Serverless where the connection names an application, else here."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._child = SubprocessHook()

    def execute(self, context: Context, event: dict[str, Any] | None = None) -> None:
        connection = spark_connection()
        if connection.application_id:
            super().execute(context, event)
        else:
            self._run_here(context, connection)

    def _run_here(self, context: Context, connection: SparkConnection) -> None:
        key = secrets.token_hex(6)
        master = ["--master", connection.master] if connection.master else []
        done = run_command(self._child, "spark-submit.sh", *self.arguments(connection, key), *master)
        is_misuse = done.exit_code in (USAGE, CONFIGURATION)
        check_report(context, key, f"exit {done.exit_code}: {done.output}", is_misuse)

    def on_kill(self) -> None:
        """Each of the two does nothing where it has nothing under way."""
        self._child.send_sigterm()  # type: ignore[no-untyped-call]
        super().on_kill()


class CommandStep(BaseOperator):
    """A command of the project; a retry helps only where a file is held, or a service down."""

    template_fields = ("scope",)

    def __init__(self, *, scope: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scope = scope
        self._child = SubprocessHook()

    @abstractmethod
    def command(self, scope: Scope, connection: SparkConnection) -> list[str]:
        """The script, from the project's folder, and its arguments; `--env` is added."""

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        connection = spark_connection()
        command = [*self.command(Scope.from_xcom(self.scope), connection), "--env", connection.environment]
        done = run_command(self._child, *command)
        if done.exit_code:
            kind = AirflowException if done.exit_code in (SERVICE_DOWN, TRY_LATER) else AirflowFailException
            raise kind(f"{command[0]}: exit {done.exit_code}: {done.output}")

    def on_kill(self) -> None:
        self._child.send_sigterm()  # type: ignore[no-untyped-call]


class DbtLayer(CommandStep):
    """A layer built and tested by dbt; the log has a line for each model."""

    ui_color = "#ffe3d3"

    def __init__(self, *, layer: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = layer

    def command(self, scope: Scope, connection: SparkConnection) -> list[str]:  # noqa: ARG002 - the same everywhere
        look_back = ["--look-back"] * (self.layer == "silver")  # Gold is built of what Silver holds then
        return ["dbt.sh", "build", *look_back, *scope.day_arguments(), "--layer", self.layer]


class Recount(CommandStep):
    """All that is counted, counted anew; the log has a line for each place of each source's day."""

    ui_color = "#fff2cc"

    def command(self, scope: Scope, connection: SparkConnection) -> list[str]:  # noqa: ARG002 - the same everywhere
        return ["spark-submit.sh", "status", "--recount", *scope.arguments()]


class Pages(CommandStep):
    """The two pages of all that Gold and the ledger know."""

    ui_color = "#d9ead3"

    def command(self, scope: Scope, connection: SparkConnection) -> list[str]:  # noqa: ARG002 - of all days
        return ["pages.sh", "--out", connection.pages]
