"""The end of a run: one message with its numbers, and a task for each source that fails where it did not land."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import get_current_context, task

from dags.support.alerts import AlreadyTold, DataError, Message, next_step, send, told
from dags.support.asked import REPORTED, Asked, ForOne
from dags.support.command import status
from jobs.ledger.outcome import Outcome

DONE = ("loaded", "unchanged")


@task(trigger_rule="all_done", execution_timeout=timedelta(minutes=10))
def tell_numbers(asked: list[ForOne]) -> None:
    """One message: per source and day what was delivered, landed, rejected and loaded."""
    this = Asked.of(asked)
    outcomes = status(*this.arguments())
    open_ones = [one for one in outcomes if one.state not in DONE]
    odd = [one for one in outcomes if one.odd_volume]
    flags = [f"{len(open_ones)} of {len(outcomes)} open"] * bool(open_ones) + [f"{len(odd)} of odd volume"] * bool(odd)
    ti = get_current_context()["ti"]
    title = f"{ti.dag_id} {this.shown}: {', '.join(flags) or 'all loaded'}"
    step = next_step(open_ones) if open_ones else "look at the odd volume" if odd else "nothing to do"
    send(Message(title, [told(one) for one in outcomes], ti.log_url, step))


@task(
    trigger_rule="all_done",
    execution_timeout=timedelta(minutes=10),
    map_index_template="{{ shown }}",
)
def ledger_balances(asked: ForOne) -> None:
    """Fails where the source's days are not in Bronze, row by row as landed, or never reached Gold."""
    context = get_current_context()
    this = Asked.of(asked)
    source = asked["source"]
    outcomes = status(*this.arguments())
    states = [f"{one.state} {one.rows_bronze:,}" if one.rows_bronze else one.state for one in outcomes]
    # No key of Airflow's own: map_index_template reads it.
    context["shown"] = f"{source}: {', '.join(states) or 'nothing known'}"  # type: ignore[typeddict-unknown-key]
    wrong = [one for one in outcomes if not balances(one)]
    failed = _failed_before(context["ti"])
    if not outcomes or wrong:
        message = "\n".join(map(told, wrong)) or f"{source}: nothing is known of {this.shown}"
        is_told = wrong and all(one.state in ("refused", "failed") for one in wrong) and "ingest" in failed
        raise AlreadyTold(message) if is_told else DataError(message, wrong)
    # A step that failed with a report failed for the sources that it names; any other failure is one for all of them.
    ti = context["ti"]
    if for_all := [name for name in failed if not ti.xcom_pull(task_ids=name, key=REPORTED)]:
        raise AlreadyTold(f"{source} is in Bronze, but {', '.join(for_all)} failed")


def balances(outcome: Outcome) -> bool:
    """Delivered, landed, rejected and loaded add up, or there was nothing new to load."""
    if outcome.state == "unchanged":
        return True
    counts = (outcome.rows_delivered, outcome.rows_landed, outcome.rows_rejected, outcome.rows_bronze)
    if outcome.state != "loaded" or None in counts:
        return False
    delivered, landed, rejected, bronze = (count or 0 for count in counts)
    return delivered == landed + rejected and landed == bronze


def _failed_before(ti: Any) -> Sequence[str]:
    """Tasks of this run that failed for good, themselves or because of others."""
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
    bad = ("failed", "upstream_failed")
    return sorted(name for name, state in states.items() if state in bad and not name.startswith(ti.task_id))
