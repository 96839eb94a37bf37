"""`status`: the ledger as a table; with `--check` it also looks at the sources."""

import sys

from jobs.cli import Arguments
from jobs.commands.table import show_outcomes
from jobs.config.environment import load_environment
from jobs.contracts.source import load_contracts
from jobs.errors import BalanceError, NotArrivedError, inert
from jobs.pipeline import status


def run(arguments: Arguments) -> int:
    """65 where counts do not add up; 75 where a look at the sources finds that something is missing."""
    environment = load_environment(arguments.environment)
    contracts = load_contracts(environment, arguments.sources)
    if arguments.key:
        show_outcomes(status.reported(environment, arguments.key), arguments.is_json)
        return 0
    outcomes = status.outcomes(environment, contracts, arguments.days, arguments.is_check)
    show_outcomes(outcomes, arguments.is_json)
    for outcome in outcomes:
        if outcome.imbalance:
            print(f"error: {outcome.source} {outcome.ingest_date}: {inert(outcome.error or '')}", file=sys.stderr)
    if any(outcome.imbalance for outcome in outcomes):
        return BalanceError.exit_code
    is_missing = arguments.is_check and any(outcome.state == "not_arrived" for outcome in outcomes)
    return NotArrivedError.exit_code if is_missing else 0
