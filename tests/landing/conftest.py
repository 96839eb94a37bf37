from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from demo.postgres import Server, serving
from jobs.engines.session import Session
from tests.conftest import DAY, World
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
