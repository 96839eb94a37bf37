"""`check`: is all configuration valid?"""

from jobs.cli import Arguments
from jobs.config.environment import load_environment
from jobs.contracts.source import load_contracts


def run(arguments: Arguments) -> int:
    """Raises ConfigurationError with every mistake of every source contract."""
    environment = load_environment(arguments.environment)
    contracts = load_contracts(environment, arguments.sources)
    print(f"environment {environment.name} and {len(contracts)} source contracts are valid: {', '.join(contracts)}")
    return 0
