"""A layer built and tested by dbt, in dbt's own environment; the log has a line for each model."""

from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from dags.support.asked import Asked
from dags.support.command import ROOT, TRY_LATER, environment
from dags.support.place import place


class DbtLayer(BaseOperator):
    """`./dbt.sh build --layer LAYER`; a retry helps only where another process holds the warehouse's file."""

    template_fields = ("asked",)
    ui_color = "#ffe3d3"

    def __init__(self, *, layer: str, asked: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = layer
        self.asked = asked
        self._child = SubprocessHook()

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        days = Asked.of(self.asked).days
        command = [str(ROOT / "dbt.sh"), "build", *days, "--layer", self.layer, "--env", place().environment]
        done = self._child.run_command(command, env=environment(), cwd=str(ROOT))
        if done.exit_code:
            kind = AirflowException if done.exit_code == TRY_LATER else AirflowFailException
            raise kind(f"dbt {self.layer}: exit {done.exit_code}: {done.output}")

    def on_kill(self) -> None:
        self._child.send_sigterm()  # type: ignore[no-untyped-call]
