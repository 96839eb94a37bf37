"""`check`: is all configuration valid?"""

from jobs.cli import Arguments
from jobs.clients.location import ROOT
from jobs.config.environment import load_environment
from jobs.contracts.silver import find_unsaid
from jobs.contracts.source import load_contracts
from jobs.errors import ConfigurationError


def run(arguments: Arguments) -> int:
    """Raises ConfigurationError with every mistake of every source contract, and of what Silver says of persons."""
    environment = load_environment(arguments.environment)
    contracts = load_contracts(environment, arguments.sources)
    silver = ROOT / "dbt/models/silver"  # not in every image; where it is built, it is
    if unsaid := [line for contract in contracts.values() for line in find_unsaid(contract, silver)]:
        raise ConfigurationError("\n".join(unsaid))
    print(f"environment {environment.name} and {len(contracts)} source contracts are valid: {', '.join(contracts)}")
    return 0
