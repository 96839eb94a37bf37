"""Waits until a source has delivered, without holding a worker."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from airflow.sdk import BaseSensorOperator, Context
from airflow.sdk.exceptions import AirflowSkipException

from dags.support.alerts import tell_notices
from dags.support.here import status
from dags.support.params import Scope
from jobs.ledger.outcome import MISSING

# How long after the end of its last day, or after it was due, a delivery is waited for; later it is looked at once.
PATIENCE = timedelta(hours=6)


class DeliverySensor(BaseSensorOperator):
    """Skipped where the delivery does not come, or cannot be looked at: the others go on, and `ingest` tells why."""

    template_fields = ("scope",)

    def __init__(self, *, scope: Any, **kwargs: Any) -> None:
        super().__init__(mode="reschedule", exponential_backoff=True, never_fail=True, **kwargs)
        self.scope = scope

    def poke(self, context: Context) -> bool:
        scope = Scope.from_xcom(self.scope)
        outcomes = status("--check", "--tell", *scope.arguments())
        tell_notices(context["ti"], outcomes)
        for outcome in outcomes:
            self.log.info("%s %s %s %s", outcome.source, outcome.ingest_date, outcome.state, outcome.error or "")
        missing = [str(outcome.ingest_date) for outcome in outcomes if outcome.state in MISSING]
        # No key of Airflow's own: map_index_template reads it.
        context["shown"] = f"{scope.sources[0]}: {'not arrived' if missing else 'arrived'}"  # type: ignore[typeddict-unknown-key]
        due = max((outcome.due for outcome in outcomes if outcome.due), default=None)
        if missing and datetime.now(UTC) > gives_up_at(date.fromisoformat(scope.last), due):
            raise AirflowSkipException(f"{scope.sources[0]}: not arrived: {', '.join(missing)}")
        return not missing


def gives_up_at(day: date, due: datetime | None = None) -> datetime:
    """When a delivery of `day` is given up for this run; `due`: when the latest one was to come, if that is stated."""
    ended = datetime.combine(day + timedelta(days=1), time(), UTC)
    return max(ended, due or ended) + PATIENCE
