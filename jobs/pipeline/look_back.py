"""The days before those asked for that a run looks back at: they may have come late, or be corrected or gone by now."""

from collections.abc import Container, Sequence
from datetime import date, timedelta

from jobs.clients.store import Input
from jobs.contracts.source import SourceContract
from jobs.ledger.amendment import make_version
from jobs.ledger.ledger import Committed
from jobs.ledger.manifest import Manifest
from jobs.ledger.outcome import Delivery, Outcome
from jobs.pipeline.plan import RunRequest


def list_days_before(request: RunRequest, contract: SourceContract) -> list[date]:
    """As many days before each one asked for as its source contract says, in order; none that is asked for itself."""
    if request.replay or request.rebuilds or request.withdrawn_by:
        return []
    asked, back = {*request.days}, range(1, contract.days_looked_back + 1)
    found = {day - timedelta(days=number) for day in asked for number in back}
    return sorted(day for day in found - asked if not contract.is_retired(day))


def choose_days(
    contract: SourceContract, days: Sequence[date], landed: Container[date], attempted: Container[date]
) -> list[date]:
    """Of days before those asked for those that somebody asked for once, and those since its first day."""
    is_delivered_for = {day for day in days if contract.since and day >= contract.since}
    return [day for day in days if day in is_delivered_for or day in landed or day in attempted]


def compare_delivery(known: Manifest, inputs: tuple[Input, ...]) -> Delivery | None:
    """What became of a delivery since it landed; None: it is the same, or what is gone was withdrawn."""
    if not inputs:
        return None if known.decided == "withdrawn" else "gone"
    return None if inputs == known.inputs else "changed"


def is_loaded(last: Outcome | None, landed: Sequence[Committed]) -> bool:
    """Whether the last attempt on a day tells that Bronze holds its newest landing, amendments and all."""
    if last is None or last.state not in ("loaded", "withdrawn") or not landed:
        return False
    newest = landed[-1]
    return last.version == make_version(newest.run_id, len(newest.amendments))
