"""Messages to Slack and Teams: what happened, to which source and day, the numbers, a link, the next step."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import requests
from airflow.sdk import Connection, Context
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowNotFoundException
from asgiref.sync import sync_to_async

from dags.support.report import NotLandedError, describe
from jobs import masking
from jobs.ledger.outcome import Outcome

SLACK, TEAMS = "CORE_TELECOMS_SLACK_CONN", "CORE_TELECOMS_TEAMS_CONN"
SECONDS = 10
# docs/runbook.md, Alerts, says more.
_NEXT = {
    "refused": "ask the supplier for a right file, or change conf/sources/{source}.toml; then clear `ingest`",
    "not_arrived": "ask the supplier; once it is there trigger the DAG with from = to = {day}, sources = [{source}]",
    "not_due": "nothing yet: it is not due; a later run finds it",
    "held": "look at `diff --date {day} --source {source}`, then `approve` or `discard` it; then clear `load_bronze`",
    "late": "ask the supplier; it is waited for until six hours after it was due, and then looked for by later runs",
    "failed": "read the task's log; then clear `ingest`",
    "landed": "it is in the lake, but not in Bronze: clear `load_bronze`",
    "arrived": "it came too late for this run: clear `ingest`",
}
_NOTICES = {"late": "is late", "recovered": "was late, and has come"}
_log = logging.getLogger(__name__)


class AlreadyAlerted(AirflowFailException):
    """A failure that another task's message has told of: no alert is sent for it."""


@dataclass(frozen=True)
class Message:
    """One message; `lines` are facts, a line each."""

    title: str
    lines: Sequence[str]
    link: str
    next_step: str

    def slack(self) -> dict[str, Any]:
        title, facts, step = map(_plain, (self.title, "\n".join(self.lines), self.next_step))
        return {"text": f"*{title}*\n```{facts}```\nNext: {step}\n<{self.link}|Open in Airflow>"}

    def teams(self) -> dict[str, Any]:
        runs = [{"type": "TextRun", "text": line, "fontType": "Monospace"} for line in self.lines]
        # Not a TextBlock, whose text is Markdown: a supplier's could be a link.
        facts = [{"type": "RichTextBlock", "inlines": [run], "spacing": "None"} for run in runs]
        card = {
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": [
                {"type": "TextBlock", "text": self.title, "weight": "Bolder", "size": "Medium", "wrap": True},
                *facts,
                {"type": "TextBlock", "text": f"Next: {self.next_step}", "wrap": True},
            ],
            "actions": [{"type": "Action.OpenUrl", "title": "Open in Airflow", "url": self.link}],
        }
        kind = "application/vnd.microsoft.card.adaptive"
        return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


def _plain(text: str) -> str:
    """For Slack, to which <!channel> is a call, <https://...> a link, and ``` the end of what is shown as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("```", "'''")


def next_step(outcomes: Sequence[Outcome]) -> str:
    """Of each state that needs one."""
    steps = {
        _NEXT[trouble].format(source=outcome.source, day=outcome.ingest_date): None
        for outcome in outcomes
        if (trouble := outcome.attempt if outcome.has_failed else outcome.state) in _NEXT
    }
    return "; ".join(steps) or "read the task's log; then clear the task (docs/runbook.md)"


def alert_failure(context: Context) -> None:
    """For `on_failure_callback`: called once, when a task has failed for good."""
    error = context.get("exception")
    if isinstance(error, AlreadyAlerted):
        return
    outcomes = error.outcomes if isinstance(error, NotLandedError) else []
    ti = context["ti"]
    lines = [describe(outcome) for outcome in outcomes] or _describe_error(error).splitlines()[:20]
    send(Message(f"{ti.dag_id}: {ti.task_id} failed ({ti.run_id})", lines, ti.log_url, next_step(outcomes)))


def _describe_error(error: object) -> str:
    """Airflow's own are this project's, or a command's output, which has been filtered; any other is a library's."""
    if isinstance(error, AirflowException) or not isinstance(error, BaseException):
        return str(error)
    return masking.describe(error)


def tell_notices(ti: Any, outcomes: Sequence[Outcome]) -> None:
    """Of deliveries that are late, or were and have come: a message each, for each is told once."""
    for outcome in outcomes:
        if outcome.notice:
            title = f"{ti.dag_id}: {outcome.source} {outcome.ingest_date} {_NOTICES[outcome.notice]}"
            step = next_step([outcome]) if outcome.notice == "late" else "nothing to do"
            send(Message(title, [describe(outcome)], ti.log_url, step))


async def alert_missed_deadline(context: dict[str, Any]) -> None:
    """For a DeadlineAlert: runs in the triggerer, which gives the DAG run as a dict."""
    run = context["dag_run"]
    lines = [f"run {run['dag_run_id']} is {run['state']}"]
    title = f"{run['dag_id']}: not finished in time"
    address = conf.get("api", "base_url", fallback="").rstrip("/")
    step = "look which task is waiting or running (docs/runbook.md, not finished in time)"
    await sync_to_async(send)(Message(title, lines, f"{address}/dags/{run['dag_id']}/runs/{run['dag_run_id']}", step))


def send(message: Message) -> None:
    """To each of the two that there is a connection for; a message that cannot be sent fails nothing."""
    for name, body in ((SLACK, message.slack()), (TEAMS, message.teams())):
        try:
            connection = Connection.get(name)
        except AirflowNotFoundException:
            _log.info("no connection %s: not told there: %s", name, message.title)
            continue
        try:
            url = f"{(connection.host or '').rstrip('/')}/{connection.password}"  # the path is the secret
            requests.post(url, json=body, timeout=SECONDS).raise_for_status()
        except requests.RequestException as error:
            _log.warning("%s: message not sent (%s): %s", name, type(error).__name__, message.title)
