"""`dbt`: dbt/build.py in dbt's own environment; or any program, with what dbt needs of an environment as variables."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from jobs.cli import Arguments
from jobs.errors import ConfigurationError

_ROOT = Path(__file__).resolve().parents[2]  # that of `jobs.clients` costs more to import than the rest of this
_LOCKS = {"local": "dbt.txt", "bigquery": "dbt-bigquery.txt", "snowflake": "dbt-snowflake.txt"}


def run(arguments: Arguments) -> int:
    """Does not return: the program takes this one's place."""
    match arguments.of_dbt:
        case ["--", *program]:
            _become(program, os.environ | _read_variables(arguments.environment or "local"))
        case words:
            _build(words, _read_variables(arguments.environment) if arguments.environment else {})


def _read_variables(name: str) -> dict[str, str]:
    """Of an environment: where everything is, and a key or token where the warehouse wants one."""
    from jobs.bronze.choice import make_bronze
    from jobs.config.environment import load_environment
    from jobs.contracts.source import load_contracts

    environment = load_environment(name)
    bronze, contracts = make_bronze(environment), load_contracts(environment)
    ours = {"CORETELECOMS_ENVIRONMENT": environment.name, "CORETELECOMS_SOURCES": ",".join(contracts)}
    ours["CORETELECOMS_LOOK_BACK"] = str(max(contract.days_looked_back for contract in contracts.values()))
    return ours | bronze.dbt_variables(contracts.values()) | bronze.dbt_renewal()


def _build(words: Sequence[str], more: Mapping[str, str]) -> NoReturn:
    variables = os.environ | more
    _become([_find_python(variables), str(_ROOT / "dbt/build.py"), *words], variables)


def _find_python(variables: Mapping[str, str]) -> str:
    """Of dbt's environment, which is that of the warehouse; made first where it is missing."""
    if python := variables.get("CORETELECOMS_DBT_PYTHON"):
        return python
    target = variables.get("CORETELECOMS_TARGET") or "local"
    if target not in _LOCKS:
        raise ConfigurationError(f"CORETELECOMS_TARGET: found {target!r}, allowed are {', '.join(_LOCKS)}")
    lock = f"requirements/{_LOCKS[target]}"
    ours = os.environ | {"CORETELECOMS_PYTHON": sys.executable}
    done = subprocess.run([_ROOT / "setup.sh", lock], env=ours, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)  # setup.sh has said why
    return done.stdout.strip()


def _become(program: Sequence[str], variables: Mapping[str, str]) -> NoReturn:
    # With the project's folder on its path, dbt's Python would take our folder `dbt` for a part of that package.
    paths = [path for path in variables.get("PYTHONPATH", "").split(":") if path and Path(path) != _ROOT]
    others = {name: value for name, value in variables.items() if name != "PYTHONPATH"}
    path = {"PYTHONPATH": ":".join(paths)} if paths else {}
    os.execvpe(program[0], list(program), others | path)  # noqa: S606 - what was asked for
