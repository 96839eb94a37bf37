import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from demo.faithful import generate
from demo.postgres import Server, serving
from jobs.adopt.project import CHANNELS, FEEDS, SOURCES
from jobs.clients.location import ROOT
from jobs.engines.session import Session
from tests.conftest import AGENTS_FROM_A_FILE, DAY, DAYS, World
from tests.runner import Runner


@pytest.fixture
def run(world: World) -> Runner:
    return Runner(world, Session("tests", {}))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture
def web_forms(world: World, postgres: Server, tmp_path: Path) -> Callable[[str], None]:
    """Puts a day's table, given as CSV, in the place of what the server has of it."""
    postgres.write_secrets(world.root / "secrets")

    def deliver(rows: str, day: date = DAY) -> None:
        path = tmp_path / f"web_form_request_{day:%Y_%m_%d}.csv"
        path.write_text(rows)
        postgres.replace_day(path)

    return deliver


@pytest.fixture
def adopting(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """With the six feeds' deliveries, no source contract yet, and a project of its own."""
    for name in (SOURCES, FEEDS, CHANNELS):
        (world.root / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / name, world.root / name)
    monkeypatch.setattr("jobs.commands.adopt.ROOT", world.root)
    generate(world.root / "sources", DAYS[:2], calls=300, customers=100)
    (world.root / "contracts").mkdir()
    text = world.file.read_text().replace(AGENTS_FROM_A_FILE, "")
    world.file.write_text(f'contracts = "{world.root}/contracts"\n{text}')
    return world
