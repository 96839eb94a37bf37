"""`status`: the ledger as a table; `--check` also looks at the sources, `--recount` counts everything anew."""

import sys
from collections.abc import Sequence

from jobs.cli import Arguments
from jobs.commands.gaps import find_gaps, show_gaps
from jobs.commands.table import show_ledger, show_outcomes
from jobs.config.environment import load_environment
from jobs.contracts.source import load_contracts
from jobs.errors import BalanceError, NotArrivedError, inert
from jobs.ledger.ledger import Ledger
from jobs.ledger.outcome import MISSING, Outcome
from jobs.pipeline import status
from jobs.pipeline.late import tell_once


def run(arguments: Arguments) -> int:
    """65 where counts do not add up; of a look at the sources 69 (or what its error has) where one could not be had,
    75 where it finds that something is missing, or has changed since it landed; 75 for gaps, too.
    """
    environment = load_environment(arguments.environment)
    contracts = load_contracts(environment, arguments.sources)
    if arguments.is_recount:
        from jobs.commands import recount

        return recount.run(environment, contracts, arguments)
    if arguments.key:
        show_outcomes(status.read_reported(environment, arguments.key), arguments.is_json)
        return 0
    outcomes = status.read_outcomes(environment, contracts, arguments.days, arguments.is_check)
    if arguments.is_told_once:
        outcomes = tell_once(Ledger(environment.lake), contracts, outcomes, _warn)
    if arguments.is_of_gaps:
        gaps = find_gaps(contracts.values(), arguments.days, outcomes)
        show_gaps(gaps, arguments.is_json)
        return NotArrivedError.exit_code if gaps else 0
    show_ledger(outcomes, arguments.is_json)
    if not arguments.is_json:
        _show_what_failed(outcomes)
    wrong = [outcome for outcome in outcomes if outcome.error_kind == BalanceError.__name__]
    for outcome in wrong:
        print(f"error: {outcome.source} {outcome.ingest_date}: {inert(outcome.error or '')}", file=sys.stderr)
    if wrong:
        return BalanceError.exit_code
    return _judge_look(outcomes) if arguments.is_check else 0


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)


def _judge_look(outcomes: Sequence[Outcome]) -> int:
    """What could not be looked at comes first: of what is missing, or was corrected, nobody knows then."""
    unseen = {outcome.exit_code for outcome in outcomes if outcome.exit_code}
    is_missing = any(outcome.state in MISSING or outcome.delivery == "changed" for outcome in outcomes)
    return max(unseen, default=NotArrivedError.exit_code if is_missing else 0)


def _show_what_failed(outcomes: Sequence[Outcome]) -> None:
    """The reasons of last attempts that left the data as they were."""
    for outcome in outcomes:
        if outcome.attempt_error and outcome.attempt_error != outcome.error:
            why = inert(" ".join(outcome.attempt_error.split()))
            print(f"{outcome.source} {outcome.ingest_date} last attempt {outcome.attempt}: {why}", file=sys.stderr)
        elif outcome.error and not outcome.attempt:  # a look at the source says so
            print(f"{outcome.source} {outcome.ingest_date} {outcome.state}: {inert(outcome.error)}", file=sys.stderr)
