"""The DAG's Params, and the scope of a run: its own day on schedule, the Params' days where a person triggered it."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Self, TypedDict

from airflow.sdk import Param, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from dags.support.spark_connection import spark_connection
from jobs.config.environment import load_environment
from jobs.contracts.source import load_contracts
from jobs.errors import ConfigurationError

_DAY: dict[str, Any] = {"type": ["null", "string"], "format": "date"}
PARAMS = {
    "from": Param(None, **_DAY, title="First day", description="Of a replay; left empty on schedule."),
    "to": Param(None, **_DAY, title="Last day", description="Of a replay; the whole range is one Spark application."),
    "sources": Param([], type="array", items={"type": "string"}, title="Sources", description="Empty: all of them."),
    "replay": Param(
        False,
        type="boolean",
        title="Replay",
        description="Land anew even what has not changed, and replace those days.",
    ),
}


_OF_A_SCHEDULE = ("scheduled", "backfill")  # any other run has the day of its start, which has not ended


class SourceScope(TypedDict):
    """The scope of one source, as it goes from task to task by XCom."""

    source: str
    first: str
    last: str
    replay: bool


@dataclass(frozen=True)
class Scope:
    """The days and sources that a DAG run, or one of its mapped tasks, works on."""

    first: str
    last: str
    sources: list[str]
    replay: bool

    @classmethod
    def from_xcom(cls, value: SourceScope | list[SourceScope] | None) -> Self:
        """Of all sources, or of the one that a task is mapped to. Raises AirflowSkipException where there is none."""
        if value is None:
            raise AirflowSkipException("there is no scope: the task `asked` has failed")
        by_source = value if isinstance(value, list) else [value]
        head = by_source[0]
        return cls(head["first"], head["last"], [entry["source"] for entry in by_source], head["replay"])

    def by_source(self) -> list[SourceScope]:
        """An entry a source: a task can be mapped over nothing else."""
        return [
            SourceScope(source=source, first=self.first, last=self.last, replay=self.replay) for source in self.sources
        ]

    @property
    def label(self) -> str:
        return self.first if self.first == self.last else f"{self.first} to {self.last}"

    def day_arguments(self) -> list[str]:
        return ["--from", self.first, "--to", self.last]

    def arguments(self) -> list[str]:
        """For spark-submit.sh, after its step."""
        return [*self.day_arguments(), *self.source_arguments()]

    def source_arguments(self) -> list[str]:
        return [part for source in self.sources for part in ("--source", source)]


@task(task_id="asked", execution_timeout=timedelta(minutes=2))
def resolve_scope(days: int = 1) -> list[SourceScope]:
    """The days and sources of this run, on schedule so many days. Fails, and the run, where they make no sense."""
    context = get_current_context()
    ds = context.get("ds") if context["dag_run"].run_type in _OF_A_SCHEDULE else None
    return scope_of(dict(context["params"]), ds, days).by_source()


def scope_of(params: dict[str, Any], ds: str | None, days: int = 1) -> Scope:
    """`ds`: the day that a schedule means; None: Params have to say it.

    Raises AirflowFailException where they do not, contradict each other, or name what there is not.
    """
    first, last = params["from"] or params["to"], params["to"] or params["from"]
    if first is None or last is None:
        if ds is None:
            raise AirflowFailException(
                "Params: which days? A run by hand, or by another DAG, names them by `from` and `to`"
            )
        first, last = ds, str(date.fromisoformat(ds) + timedelta(days=days - 1))
    if date.fromisoformat(last) < date.fromisoformat(first):
        raise AirflowFailException(f"Params: `to` {last} is before `from` {first}")
    try:
        contracts = load_contracts(load_environment(spark_connection().environment), tuple(params["sources"]))
    except ConfigurationError as error:
        raise AirflowFailException(str(error)) from error
    return Scope(first, last, list(contracts), params.get("replay", False))
