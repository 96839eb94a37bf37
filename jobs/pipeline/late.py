"""What has not arrived: not due yet, or late; and which of that, or of what came in the end, nobody was told before."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime

from jobs.contracts.source import SourceContract
from jobs.errors import PlatformError
from jobs.ledger.ledger import Ledger
from jobs.ledger.outcome import Notice, Outcome


def name_missing(contract: SourceContract, outcome: Outcome, now: datetime) -> Outcome:
    """An outcome of what has not arrived by its source contract's due time; without one it stays `not_arrived`."""
    if outcome.state != "not_arrived" or contract.due is None:
        return outcome
    due = contract.due.moment(outcome.ingest_date)
    return outcome.model_copy(update={"state": "late" if now > due else "not_due", "due": due})


def tell_once(
    ledger: Ledger,
    contracts: Mapping[str, SourceContract],
    outcomes: Iterable[Outcome],
    warn: Callable[[str], None],
) -> list[Outcome]:
    """The outcomes, with a notice of what is late, or was and has come; no two callers are given the same one."""
    found = list(outcomes)
    days = {name: [one.ingest_date for one in found if one.source == name] for name in contracts}
    told = {name: ledger.read_notices(name, days[name]) for name, contract in contracts.items() if contract.due}
    return [_add_notice(ledger, one, _choose(one, told.get(one.source)), warn) for one in found]


def _add_notice(ledger: Ledger, outcome: Outcome, notice: Notice | None, warn: Callable[[str], None]) -> Outcome:
    """Where it may not be put, nobody is told, and the state is known all the same."""
    try:
        is_ours = notice is not None and ledger.put_notice(outcome, notice)
    except PlatformError as error:
        warn(f"{outcome.source} {outcome.ingest_date}: nobody is told that it is {notice}: {error}")
        return outcome
    return outcome.model_copy(update={"notice": notice}) if is_ours else outcome


def _choose(outcome: Outcome, told: Mapping[date, set[str]] | None) -> Notice | None:
    """What is to be told of a day. `told`: by day; None: its source has no due time."""
    if told is None:
        return None
    before = told.get(outcome.ingest_date, set())
    if outcome.state == "late":
        return None if "late" in before else "late"
    has_come = outcome.run_id is not None or outcome.state == "arrived"
    return "recovered" if has_come and "late" in before and "recovered" not in before else None
