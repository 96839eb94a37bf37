"""`check`: is all configuration valid?"""

from collections.abc import Iterable

from jobs.cli import Arguments
from jobs.clients.location import ROOT
from jobs.config.environment import load_environment
from jobs.contracts.silver import find_unsaid
from jobs.contracts.source import SourceContract, load_contracts
from jobs.errors import ConfigurationError


def run(arguments: Arguments) -> int:
    """Raises ConfigurationError with every mistake of every source contract, and of what Silver says of persons."""
    environment = load_environment(arguments.environment)
    contracts = load_contracts(environment, arguments.sources)
    _check_channels(contracts.values())
    silver = ROOT / "dbt/models/silver"  # not in every image; where it is built, it is
    if unsaid := [line for contract in contracts.values() for line in find_unsaid(contract, silver)]:
        raise ConfigurationError("\n".join(unsaid))
    print(f"environment {environment.name} and {len(contracts)} source contracts are valid: {', '.join(contracts)}")
    return 0


def _check_channels(contracts: Iterable[SourceContract]) -> None:
    """Complaints are told apart by channel and id: two feeds of one channel would hide each other's."""
    feeds: dict[str, list[str]] = {}
    for contract in contracts:
        if contract.complaint:
            feeds.setdefault(contract.complaint.channel.lower(), []).append(contract.name)
    if twice := sorted(names for names in feeds.values() if len(names) > 1):
        raise ConfigurationError(f"complaint.channel: {twice} have the same; allowed is one of its own for each source")
