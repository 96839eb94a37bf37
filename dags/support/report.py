"""What a step's run report says became of it: success, a failure that a retry may help, or one that it does not."""

import logging
from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from dags.support.here import status
from jobs.ledger.outcome import MISSING, Outcome

REPORTED_BY = "reported_by"  # XCom of a step: the key of the run whose report speaks for each source
_DELIVERY = {"changed": "its delivery has changed since", "gone": "its delivery is gone from the source"}
_log = logging.getLogger(__name__)


class NotLandedError(AirflowException):
    """Sources that did not land; `outcomes` tells which and why."""

    def __init__(self, message: str, outcomes: Sequence[Outcome]) -> None:
        super().__init__(message)
        self.outcomes = list(outcomes)


class DataError(NotLandedError, AirflowFailException):
    """No retry helps."""


class RetryableError(NotLandedError):
    """They may land at the next try."""


def describe(outcome: Outcome) -> str:
    """One line: source, day, state, the four counts, the error; and a last attempt that left the data as they were."""
    counts = (outcome.rows_delivered, outcome.rows_landed, outcome.rows_rejected, outcome.rows_bronze)
    names = ("delivered", "landed", "rejected", "in Bronze")
    numbers = ", ".join(f"{count:,} {name}" for count, name in zip(counts, names, strict=True) if count is not None)
    is_apart = outcome.attempt_error and outcome.attempt != outcome.state
    error = f"last attempt {outcome.attempt}: {outcome.attempt_error}" if is_apart else outcome.error or ""
    more = [
        numbers,
        f"due {outcome.due:%Y-%m-%d %H:%M} UTC" if outcome.due else "",
        *outcome.describe_amendment(),
        _DELIVERY[outcome.delivery] if outcome.delivery else "",
        f"odd volume: {outcome.odd_volume}" if outcome.odd_volume else "",
        error,
    ]
    more += [f"{kind.replace('_', ' ')}: {', '.join(columns)}" for kind, columns in outcome.drift.items()]
    return "; ".join([f"{outcome.source} {outcome.ingest_date} {outcome.state}", *filter(None, more)])


def read_looked_back(ti: Any) -> list[Outcome]:
    """What the steps of this run did for days that nobody asked for, or found gone; of a day the last step's word."""
    keys = [ti.xcom_pull(task_ids=step, key=REPORTED_BY) for step in ("ingest", "load_bronze")]
    told = [outcome for key in keys if key for outcome in status("--key", key) if outcome.looked_back]
    return list({(outcome.source, outcome.ingest_date): outcome for outcome in told}.values())


def check_report(context: Context, key: str, ended: str, is_misuse: bool = False) -> None:
    """Of run reports only that of `key` counts; `ended` says how the process ended, `is_misuse` that it never began.

    Raises AirflowException where a retry may help, else AirflowFailException. A source that has not arrived fails no
    step: it was waited for, and `ledger_balances` tells of it.
    """
    outcomes = status("--key", key)
    if not outcomes and is_misuse:
        raise AirflowFailException(ended)
    if not outcomes:
        raise AirflowException(f"{ended}; it left no run report: it was killed, or never began")
    context["ti"].xcom_push(REPORTED_BY, key)
    for outcome in outcomes:
        _log.info("%s", describe(outcome))
    wrong = [outcome for outcome in outcomes if outcome.code_of_run and outcome.state not in (*MISSING, "held")]
    if not wrong:
        return
    message = "\n".join([f"{ended}; did not land:", *map(describe, wrong)])
    raise RetryableError(message, wrong) if any(outcome.retry_helps for outcome in wrong) else DataError(message, wrong)
