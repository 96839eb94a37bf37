"""Commands of the project, in environments of their own, as tasks: a layer built by dbt, the two pages."""

from abc import abstractmethod
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from dags.support.asked import Asked
from dags.support.command import ROOT, SERVICE_DOWN, TRY_LATER, environment
from dags.support.place import Place, place


class ChildStep(BaseOperator):
    """A child process; its lines are the task's log, and a retry helps only where a file is held, or a service down."""

    template_fields = ("asked",)

    def __init__(self, *, asked: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.asked = asked
        self._child = SubprocessHook()

    @abstractmethod
    def command(self, asked: Asked, where: Place) -> list[str]:
        """The script, from the project's folder, and its arguments; `--env` is added."""

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        where = place()
        script, *arguments = self.command(Asked.of(self.asked), where)
        command = [str(ROOT / script), *arguments, "--env", where.environment]
        done = self._child.run_command(command, env=environment(), cwd=str(ROOT))
        if done.exit_code:
            kind = AirflowException if done.exit_code in (SERVICE_DOWN, TRY_LATER) else AirflowFailException
            raise kind(f"{script}: exit {done.exit_code}: {done.output}")

    def on_kill(self) -> None:
        self._child.send_sigterm()  # type: ignore[no-untyped-call]


class DbtLayer(ChildStep):
    """A layer built and tested by dbt; the log has a line for each model."""

    ui_color = "#ffe3d3"

    def __init__(self, *, layer: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = layer

    def command(self, asked: Asked, where: Place) -> list[str]:  # noqa: ARG002 - it is the same everywhere
        return ["dbt.sh", "build", *asked.days, "--layer", self.layer]


class Pages(ChildStep):
    """The two pages of all that Gold and the ledger know."""

    ui_color = "#d9ead3"

    def command(self, asked: Asked, where: Place) -> list[str]:  # noqa: ARG002 - of all days
        return ["pages.sh", "--out", where.pages]
