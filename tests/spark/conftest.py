import subprocess
from collections.abc import Iterator

import pytest

from jobs.config.environment import ROOT
from jobs.engines.session import Session
from tests.conftest import World
from tests.landing.conftest import postgres, web_forms  # noqa: F401 - the same server and tables
from tests.runner import Runner


def spark_environment() -> dict[str, str]:
    """The variables in which Python starts Spark."""
    shown = subprocess.run([ROOT / "conf/spark/exports.sh"], check=True, capture_output=True, text=True)
    pairs = (pair.partition("=") for pair in shown.stdout.split("\0") if pair)
    return {name: value for name, _, value in pairs}


@pytest.fixture(scope="session")
def session() -> Iterator[Session]:
    session = Session("tests", {"spark.master": "local[2,2]", "spark.driver.memory": "1g"})
    yield session
    session.stop()


@pytest.fixture
def run(world: World, session: Session) -> Runner:
    return Runner(world, session)
