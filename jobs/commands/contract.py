"""`contract`: a source contract as a document of the Open Data Contract Standard, and such a document as one."""

import sys
from pathlib import Path

import yaml

from jobs.adopt.contract import write_contract
from jobs.cli import Arguments
from jobs.config.environment import load_environment
from jobs.contracts.odcs import make_document, parse_document
from jobs.contracts.source import read_contract_file
from jobs.errors import ConfigurationError, inert


def run(arguments: Arguments) -> int:
    """What is asked for to stdout. Raises ConfigurationError."""
    if arguments.is_import:
        return _import(Path(arguments.places[0]), arguments.name)
    environment = load_environment(arguments.environment)
    contract = read_contract_file(environment, arguments.places[0])
    yaml.safe_dump(make_document(contract), sys.stdout, sort_keys=False, allow_unicode=True, width=120)
    return 0


def _import(at: Path, name: str) -> int:
    """A source contract as TOML; what has no place in one to stderr."""
    try:
        contract, untaken = parse_document(yaml.safe_load(at.read_bytes()), name)
    except OSError as error:
        raise ConfigurationError(f"{at}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, ValueError):
        raise ConfigurationError(f"{at}: not YAML") from None
    except ConfigurationError as error:
        raise ConfigurationError(f"{at}: {error}") from None
    for line in untaken:
        print(inert(f"not taken: {line}"), file=sys.stderr)
    print(write_contract(contract, {}), end="")
    return 0
