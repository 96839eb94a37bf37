"""`approve`, `discard`: what a person decides of a correction that is held; who, when and why stand in the ledger."""

from jobs.cli import EX_USAGE, Arguments
from jobs.config.environment import load_environment
from jobs.contracts.source import load_contracts
from jobs.errors import RunError
from jobs.ledger.amendment import Decision
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import Decided

_DECIDED: dict[str, Decided] = {"approve": "approved", "discard": "discarded"}
_THEN = {"approve": "the next run or load publishes it", "discard": "what counted before stays"}


def run(arguments: Arguments) -> int:
    """Raises RunError, with 64, where nothing of the day waits; SupersededError where somebody decided meanwhile."""
    environment = load_environment(arguments.environment)
    (source,), (day,) = load_contracts(environment, arguments.sources), arguments.days
    ledger = Ledger(environment.lake)
    known = ledger.find_newest(source, day)
    if known is None or known.waiting is None:
        raise RunError(f"{source} {day}: no correction waits for approval", EX_USAGE)
    decision = Decision(decided=_DECIDED[arguments.command], who=arguments.who)
    decided = ledger.amend(known.waiting, arguments.why or "nothing was said", decision)
    print(f"{source} {day}: {decided.run_id} {decision.decided} by {arguments.who}; {_THEN[arguments.command]}")
    return 0
