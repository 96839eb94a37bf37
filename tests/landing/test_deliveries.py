"""Fixtures of adopted feeds, in tests/deliveries: each lands whole by the source contract that it was drafted with."""

import shutil
from datetime import date
from fnmatch import fnmatch
from pathlib import Path

import pytest

from jobs.adopt.places import find_template
from jobs.adopt.questions import Answers
from jobs.clients.location import ROOT
from jobs.config.environment import load_environment
from jobs.contracts.deliveries import PathsDelivery
from jobs.contracts.source import SourceContract, load_contracts
from tests.conftest import AGENTS_FROM_A_FILE, DAY, World
from tests.runner import Runner

FOLDER = ROOT / "tests/deliveries"
CONTRACTS = load_contracts(load_environment("local"))
FIXTURES = [path.relative_to(FOLDER) for path in sorted(FOLDER.rglob("*")) if path.is_file()]


def find_source(fixture: Path) -> tuple[SourceContract, date]:
    """Whose it is, and of which day; what comes by no file lies in a folder of its name."""
    _, days = find_template([str(fixture)], Answers())
    day = max(days, default=DAY)
    for contract in CONTRACTS.values():
        match contract.delivery:
            case PathsDelivery(paths=paths):
                if any(fnmatch(str(fixture), template.format(date=day)) for template in paths):
                    return contract, day
            case _ if fixture.parts[0] == contract.name:
                return contract, day
    raise AssertionError(f"tests/deliveries/{fixture}: no source contract has such a delivery")


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_a_fixture_lands_whole(fixture: Path, world: World, run: Runner) -> None:
    contract, day = find_source(fixture)
    (world.root / "sources" / fixture).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(FOLDER / fixture, world.root / "sources" / fixture)
    if not isinstance(contract.delivery, PathsDelivery):
        delivery = f'{{ kind = "json", paths = ["{contract.name}/{contract.name}_{{date}}.json"] }}'
        text = world.file.read_text().replace(AGENTS_FROM_A_FILE, "")
        world.file.write_text(f"{text}\n[deliveries]\n{contract.name} = {delivery}\n")
    (outcome,) = run(day, sources=(contract.name,))
    assert (outcome.state, outcome.rows_rejected, outcome.drift) == ("loaded", 0, {})
    assert outcome.rows_landed
