"""What is known before a run: the landing that counts, the delivery as it is now, and what Bronze holds."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import NamedTuple, TypeVar

from jobs.bronze.bronze import Published
from jobs.bronze.choice import make_bronze
from jobs.contracts.source import SourceContract
from jobs.engines.session import explain_error
from jobs.errors import PlatformError, ServiceError
from jobs.ledger.ledger import Committed, Ledger
from jobs.ledger.manifest import Manifest
from jobs.pipeline.look_back import choose_days, is_loaded, list_days_before
from jobs.pipeline.plan import Plan, RunRequest, Seen, choose_landing_day, is_news, list_days, plan
from jobs.sources.source import look_closely, make_source

_Answer = TypeVar("_Answer")

THREADS = 8  # sources and days at a time: services are waited for


class _Listed(NamedTuple):
    """A source's day, its landings, and the newest run that attempted it; "": none did."""

    contract: SourceContract
    day: date
    landed: Sequence[Committed]
    attempted: str
    is_looked_back: bool


def make_plan(request: RunRequest) -> Plan:
    """Look at ledger, sources and Bronze, and say what is to be done; nothing is written."""
    if request.rebuilds:
        return plan(request, _landed(request))
    with ThreadPoolExecutor(THREADS) as pool:
        listed = pool.map(lambda contract: _listed(request, contract), request.contracts.values())
        wanted = [one for of_source in listed for one in of_source]
        return plan(request, list(pool.map(lambda one: _survey(request, one), wanted)))


def _landed(request: RunRequest) -> Iterator[Seen]:
    """All that counts in the lake; what Bronze holds decides nothing."""
    for contract in request.contracts.values():
        landings = Ledger(request.environment.lake).read_landings(contract.name, request.days)
        yield from (Seen(contract, day, known) for day, known in sorted(landings.items()))


def _listed(request: RunRequest, contract: SourceContract) -> list[_Listed]:
    """The days of a source, and those before that are looked back at: two listings, however many they are."""
    days, before = list_days(request, contract), list_days_before(request, contract)
    if not (span := (*before, *days)):
        return []
    ledger = Ledger(request.environment.lake)
    landed = {} if contract.static else ledger.list_landings(contract.name, span)
    attempted = ledger.newest_attempts(contract.name, span)
    again = choose_days(contract, before, landed, attempted)
    wanted = [*((day, True) for day in again), *((day, False) for day in days)]
    return [_Listed(contract, day, landed.get(day, ()), attempted.get(day, ""), is_before) for day, is_before in wanted]


def _survey(request: RunRequest, listed: _Listed) -> Seen:
    if listed.is_looked_back:
        return _look_back(request, listed)
    contract, day, attempted = listed.contract, listed.day, listed.attempted
    known = _try(lambda: _find_landing(request, listed))
    if isinstance(known, PlatformError):
        return Seen(contract, day, None, error=known, attempted=attempted)
    seen = Seen(contract, choose_landing_day(request, contract, day, known), known, attempted=attempted)
    if request.lands:
        seen = _add_delivery(request, seen)
        if seen.inputs is None or is_news(request, contract, known, seen.inputs):
            # What lands needs no answer: only its run's id is to come after what Bronze holds.
            return replace(_add_bronze(request, seen), error=None)
    return _add_bronze(request, seen) if known else seen


def _look_back(request: RunRequest, listed: _Listed) -> Seen:
    """Of a day that nobody asked for; what its last attempt told of Bronze is believed, and no look is tried again."""
    contract, day, landed, attempted, _ = listed
    ledger, seen = Ledger(request.environment.lake), Seen(contract, day, None, attempted=attempted, is_looked_back=True)
    known = _try(lambda: ledger.read_newest(landed))
    last = _try(lambda: ledger.read_attempt(contract.name, day, attempted)) if attempted else None
    if isinstance(known, PlatformError):
        return replace(seen, error=known)
    if isinstance(last, PlatformError):
        return replace(seen, error=last)
    seen = replace(seen, known=known, last=last)
    if request.lands:
        seen = _add_delivery(request, seen)
        if seen.error:
            return seen
        if seen.inputs is None or is_news(request, contract, known, seen.inputs):
            return replace(_add_bronze(request, seen), error=None)
    if known and request.loads and not is_loaded(last, landed):
        return _add_bronze(request, seen)
    return replace(seen, published=Published(known.version, known.rows_landed)) if known else seen


def _find_landing(request: RunRequest, listed: _Listed) -> Manifest | None:
    ledger = Ledger(request.environment.lake)
    if listed.contract.static:
        return ledger.find_newest_of_all(listed.contract.name)
    return ledger.read_newest(listed.landed)


def _add_delivery(request: RunRequest, seen: Seen) -> Seen:
    """A source that cannot be looked at now is one to land: only that tries again, and says what is wrong.

    Of a day that nobody asked for that is no matter of this run.
    """
    source = make_source(seen.contract, request.environment)
    if source.is_fetched:
        why = "replay" if request.replay else f"to be compared with {seen.known.run_id}" if seen.known else "new"
        return replace(seen, unseen=f"{why}; only reading it all tells what it is")
    inputs = _try(lambda: look_closely(source, seen.day, seen.known.inputs if seen.known else ()))
    if isinstance(inputs, PlatformError):
        if seen.is_looked_back:
            return replace(seen, error=inputs)
        return replace(seen, unseen=f"cannot be looked at: {inputs}")
    return replace(seen, inputs=inputs, place=source.describe_place(seen.day))


def _add_bronze(request: RunRequest, seen: Seen) -> Seen:
    day = seen.known.ingest_date if seen.known else seen.day
    published = _try(lambda: make_bronze(request.environment).published(seen.contract.name, day))
    if isinstance(published, PlatformError):
        # Nothing is loaded: only the run's id is to come after what Bronze holds.
        is_needed = request.loads or not isinstance(published, ServiceError)
        return replace(seen, error=published if is_needed else None)
    return replace(seen, published=published.get(day))


def _try(question: Callable[[], _Answer]) -> _Answer | PlatformError:
    try:
        return question()
    except Exception as error:  # noqa: BLE001 - whatever it is, the other sources go on
        return explain_error(error)
