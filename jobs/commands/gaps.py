"""`status --gaps`: the days of a range of which nothing has landed, in a row as one, and what is known of them."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import NamedTuple

from jobs.commands.table import show
from jobs.contracts.source import SourceContract
from jobs.ledger.outcome import Outcome

_UNASKED = "never asked for"


class Gap(NamedTuple):
    """Days in a row of one source; `state`: what all of them are."""

    source: str
    first: date
    last: date
    days: int
    state: str


def find_gaps(contracts: Iterable[SourceContract], days: Sequence[date], outcomes: Iterable[Outcome]) -> list[Gap]:
    """Of days that a source delivers for: none before its first or after its last one, none of a static source."""
    known = {(one.source, one.ingest_date): one for one in outcomes}
    found = []
    for contract in contracts:
        states = [(day, _describe(contract, day, known.get((contract.name, day)))) for day in days]
        for state, run in groupby(states, key=lambda one: one[1]):
            of_run = [day for day, _ in run]
            if state:
                found.append(Gap(contract.name, of_run[0], of_run[-1], len(of_run), state))
    return found


def show_gaps(gaps: Sequence[Gap], as_json: bool) -> None:
    """To stdout."""
    if as_json:
        for gap in gaps:
            print(json.dumps(gap._asdict(), default=str))
        return
    show([Gap._fields, *([str(value) for value in gap] for gap in gaps)], numbers={3})


def _describe(contract: SourceContract, day: date, outcome: Outcome | None) -> str:
    """Why nothing of a day has landed; "": something has, or nothing was to come."""
    is_before = contract.since is not None and day < contract.since
    if contract.static or is_before or contract.is_retired(day) or (outcome and outcome.run_id):
        return ""
    return outcome.state if outcome else _UNASKED
