import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from demo.postgres import Server, serving
from jobs.session import Session
from jobs.settings import ROOT
from tests.conftest import DAY, World
from tests.runner import Runner


def spark_environment() -> dict[str, str]:
    """The variables in which Python starts Spark."""
    shown = subprocess.run([ROOT / "conf/spark/exports.sh"], check=True, capture_output=True, text=True)
    pairs = (pair.partition("=") for pair in shown.stdout.split("\0") if pair)
    return {name: value for name, _, value in pairs}


@pytest.fixture(scope="session")
def session() -> Iterator[Session]:
    os.environ.update(spark_environment())
    session = Session("tests", {"spark.master": "local[2,2]", "spark.driver.memory": "1g"})
    yield session
    session.stop()


@pytest.fixture
def run(world: World, session: Session) -> Runner:
    return Runner(world, session)


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
