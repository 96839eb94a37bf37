"""Which days and sources a DAG run is for: its own day on schedule, its Params where a person triggered it."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Self, TypedDict

from airflow.sdk import Param, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from dags.support.place import place
from jobs.config.environment import load_environment
from jobs.contracts.source import load_contracts
from jobs.errors import ConfigurationError

REPORTED = "reported_by"  # XCom of a step: the key of the run whose report speaks for each source
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


class ForOne(TypedDict):
    """One source's part, as it goes from task to task."""

    source: str
    first: str
    last: str
    replay: bool


@dataclass(frozen=True)
class Asked:
    """What a DAG run, or one of its mapped tasks, is for."""

    first: str
    last: str
    sources: list[str]
    replay: bool

    @classmethod
    def of(cls, given: "ForOne | list[ForOne] | None") -> Self:
        """From what `asked` gives: an entry a source, for a task can be mapped over nothing else."""
        if given is None:
            raise AirflowSkipException("nothing was asked for: the task `asked` has failed")
        all_of_them = given if isinstance(given, list) else [given]
        one = all_of_them[0]
        return cls(one["first"], one["last"], [each["source"] for each in all_of_them], one["replay"])

    def by_source(self) -> "list[ForOne]":
        return [ForOne(source=one, first=self.first, last=self.last, replay=self.replay) for one in self.sources]

    @property
    def days(self) -> list[str]:
        return ["--from", self.first, "--to", self.last]

    @property
    def shown(self) -> str:
        return self.first if self.first == self.last else f"{self.first} to {self.last}"

    def arguments(self) -> list[str]:
        """For spark-submit.sh, after its step."""
        return [*self.days, *(part for source in self.sources for part in ("--source", source))]


@task(task_id="asked", execution_timeout=timedelta(minutes=2))
def what_is_asked() -> list[ForOne]:
    """The days and sources of this run. Fails, and with it the run, where they make no sense."""
    context = get_current_context()
    return understood(dict(context["params"]), context.get("ds"), context["dag_run"].run_type == "manual").by_source()


def understood(params: dict[str, Any], ds: str | None, by_hand: bool) -> Asked:
    """Raises AirflowFailException where Params contradict each other, or name what there is not."""
    first, last = params["from"] or params["to"], params["to"] or params["from"]
    if first is None and by_hand:
        raise AirflowFailException("Params: which days? A run triggered by hand names them by `from` and `to`")
    first, last = first or str(ds), last or str(ds)
    if date.fromisoformat(last) < date.fromisoformat(first):
        raise AirflowFailException(f"Params: `to` {last} is before `from` {first}")
    try:
        known = list(load_contracts(load_environment(place().environment), tuple(params["sources"])))
    except ConfigurationError as error:
        raise AirflowFailException(str(error)) from error
    return Asked(first, last, known, params["replay"])
