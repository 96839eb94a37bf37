"""Corrections that are held: which there are, and a person's answer to each, who sees what it changes."""

from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Context, task
from airflow.sdk.exceptions import AirflowSkipException

from dags.support.here import USAGE, answer, command_error, status

SPAN = timedelta(days=31)  # that what is held is looked for in; later it is decided on by hand
WAIT = timedelta(hours=22)  # for an answer, then the next run asks again
APPROVE, DISCARD, LEAVE = "approve", "discard", "leave"
MOST = 6_000  # characters of what it changes


class Correction(TypedDict):
    """A day whose correction waits, and the run that landed it."""

    source: str
    day: str
    run: str


@task(task_id="held", execution_timeout=timedelta(minutes=10))
def list_held() -> list[Correction]:
    """Of the last month's days."""
    today = datetime.now(UTC).date()
    found = status("--from", str(today - SPAN), "--to", str(today))
    return [
        Correction(source=one.source, day=str(one.ingest_date), run=one.waits) for one in found if one.waits is not None
    ]


class AskAboutCorrection(HITLOperator):
    """Approve, discard, or leave a correction as it is; no answer is the last."""

    ui_color = "#fff2cc"

    def __init__(self, *, correction: Correction, **kwargs: Any) -> None:
        options = [APPROVE, DISCARD, LEAVE]
        super().__init__(subject="A correction waits", options=options, defaults=LEAVE, response_timeout=WAIT, **kwargs)
        self.correction = correction

    def execute(self, context: Context) -> Any:
        where = self.correction
        if where["run"] not in [one.waits for one in status(*self._arguments())]:
            raise AirflowSkipException(f"{where['run']} waits no more")
        self.subject = f"{where['source']} {where['day']}: approve of the correction of {where['run']}?"
        done = answer("diff", *self._arguments())
        if done.returncode:
            raise command_error(done.returncode, done.stderr)
        self.body = f"```\n{done.stdout.replace('```', chr(39) * 3)[:MOST]}\n```"
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """The answer, kept in the ledger with whose it is."""
        given = super().execute_complete(context, event)
        [chosen] = given["chosen_options"]
        if chosen == LEAVE:
            raise AirflowSkipException("nobody decided: it waits on, and the next run asks again")
        user = (given["responded_by_user"] or {}).get("name") or "Airflow"
        done = answer(chosen, *self._arguments(), "--who", user, "--why", f"asked by {context['ti'].run_id}")
        if done.returncode == USAGE:
            raise AirflowSkipException(f"it waits no more: {done.stderr.strip()}")
        if done.returncode:
            raise command_error(done.returncode, done.stderr)
        self.log.info("%s", done.stdout.strip())
        return given

    def _arguments(self) -> list[str]:
        return ["--date", self.correction["day"], "--source", self.correction["source"]]
