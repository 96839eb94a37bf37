"""The end of a run: one message with its numbers, and a task for each source that fails where it did not land."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from airflow.sdk import get_current_context, task

from dags.support.alerts import AlreadyAlerted, Message, next_step, send, tell_notices
from dags.support.here import status
from dags.support.params import Scope, SourceScope
from dags.support.report import REPORTED_BY, DataError, describe, read_looked_back
from jobs.contracts.source import LOOK_BACK

_WITHDRAW = "ask the supplier about what is gone; taken back: `run --withdraw` (docs/runbook.md)"
DONE = ("loaded", "unchanged", "withdrawn", "retired")


@task(trigger_rule="all_done", execution_timeout=timedelta(minutes=10))
def tell_numbers(scope: list[SourceScope]) -> None:
    """One message: per source and day what was delivered, landed, rejected and loaded, of days looked back at, too."""
    asked = Scope.from_xcom(scope)
    ti = get_current_context()["ti"]
    first, earlier = date.fromisoformat(asked.first), read_looked_back(ti)
    days = ["--from", str(first - timedelta(days=LOOK_BACK)), "--to", asked.last]
    known = status("--tell", *days, *asked.source_arguments())
    tell_notices(ti, known)  # also of days before, of what was late and a look-back has found since
    outcomes = [*earlier, *(outcome for outcome in known if outcome.ingest_date >= first)]
    pending = [outcome for outcome in outcomes if outcome.state not in DONE or outcome.has_failed]
    odd = [outcome for outcome in outcomes if outcome.odd_volume]
    gone = [outcome for outcome in outcomes if outcome.delivery == "gone"]
    flags = [f"{len(pending)} of {len(outcomes)} open"] * bool(pending) + [f"{len(odd)} of odd volume"] * bool(odd)
    changed = sum(outcome.run_id == outcome.attempt_run_id or outcome.attempt == "loaded" for outcome in earlier)
    flags += [f"{changed} earlier days changed"] * bool(changed) + [f"{len(gone)} gone from their source"] * bool(gone)
    title = f"{ti.dag_id} {asked.label}: {', '.join(flags) or 'all loaded'}"
    otherwise = "look at the odd volume" if odd else _WITHDRAW if gone else "nothing to do"
    step = next_step(pending) if pending else otherwise
    send(Message(title, [describe(outcome) for outcome in outcomes], ti.log_url, step))


@task(
    trigger_rule="all_done",
    execution_timeout=timedelta(minutes=10),
    map_index_template="{{ shown }}",
)
def ledger_balances(scope: SourceScope) -> None:
    """Fails where days are not in Bronze, row by row as landed, never reached Gold, or their last attempt failed."""
    context = get_current_context()
    asked = Scope.from_xcom(scope)
    [source] = asked.sources
    outcomes = status(*asked.arguments())
    states = [
        f"{outcome.state} {outcome.rows_bronze:,}" if outcome.rows_bronze else outcome.state for outcome in outcomes
    ]
    # No key of Airflow's own: map_index_template reads it.
    context["shown"] = f"{source}: {', '.join(states) or 'nothing known'}"  # type: ignore[typeddict-unknown-key]
    wrong = [outcome for outcome in outcomes if not outcome.is_complete or outcome.has_failed]
    failed = _failed_tasks(context["ti"])
    if not outcomes or wrong:
        message = "\n".join(map(describe, wrong)) or f"{source}: nothing is known of {asked.label}"
        has_ingest_alerted = "ingest" in failed and all(outcome.has_failed for outcome in wrong)
        raise AlreadyAlerted(message) if wrong and has_ingest_alerted else DataError(message, wrong)
    # A step that failed with a report failed for the sources that it names; any other failure is one for all of them.
    ti = context["ti"]
    if for_all := [task_id for task_id in failed if not ti.xcom_pull(task_ids=task_id, key=REPORTED_BY)]:
        raise AlreadyAlerted(f"{source} is in Bronze, but {', '.join(for_all)} failed")


def _failed_tasks(ti: Any) -> Sequence[str]:
    """Tasks of this run that failed for good, themselves or because of others."""
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
    bad = ("failed", "upstream_failed")
    return sorted(task_id for task_id, state in states.items() if state in bad and not task_id.startswith(ti.task_id))
