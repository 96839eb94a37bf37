from collections.abc import Iterator

import pytest

from jobs.engines.session import Session
from tests.conftest import World
from tests.landing.conftest import postgres, web_forms  # noqa: F401 - the same server and tables
from tests.runner import Runner


@pytest.fixture(scope="session")
def session() -> Iterator[Session]:
    session = Session("tests", {"spark.master": "local[2,2]", "spark.driver.memory": "1g"})
    yield session
    session.stop()


@pytest.fixture
def run(world: World, session: Session) -> Runner:
    return Runner(world, session)
