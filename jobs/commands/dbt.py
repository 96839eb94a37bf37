"""`dbt`: starts a program with what dbt needs of the environment; for dbt.sh, which calls itself this way."""

import os

from jobs.bronze.choice import bronze_of
from jobs.cli import Arguments
from jobs.config.environment import load_environment
from jobs.contracts.source import load_contracts


def run(arguments: Arguments) -> int:
    """Does not return: the program takes this one's place."""
    environment = load_environment(arguments.environment)
    contracts = load_contracts(environment, arguments.sources)
    program = list(arguments.program)
    bronze = bronze_of(environment)
    variables = bronze.dbt_variables(contracts.values()) | bronze.dbt_renewal()
    os.execvpe(program[0], program, os.environ | variables)  # noqa: S606 - dbt.sh is what dbt.sh asks for
