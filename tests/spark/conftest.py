import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import DataFrame

from demo.postgres import Server, serving
from jobs.ledger import Manifest, Outcome, new_run_id
from jobs.run import Run, execute
from jobs.session import Session
from jobs.settings import ROOT, load_contracts
from tests.conftest import DAY, World


def spark_environment() -> dict[str, str]:
    """The variables that spark-submit.sh starts Spark with."""
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    script = f"source ./setup.sh; source conf/spark/jvm.sh; $PYTHON -c '{show}'"
    shown = subprocess.run(["bash", "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    return dict(json.loads(shown.stdout))


@pytest.fixture(scope="session")
def session() -> Iterator[Session]:
    os.environ.update(spark_environment())
    session = Session("tests", {"spark.master": "local[2,2]", "spark.driver.memory": "1g"})
    yield session
    session.stop()


@dataclass(frozen=True)
class Runner:
    """Runs steps in this process, on the one session of all tests where Spark reads."""

    world: World
    session: Session
    engine: str = "auto"

    def __call__(
        self, *days: date, step: str = "run", sources: tuple[str, ...] = (), replay: bool = False
    ) -> list[Outcome]:
        environment = self.world.environment
        contracts = load_contracts(environment, sources)
        run = Run(environment, contracts, days or (DAY,), new_run_id(), step, replay, self.engine)
        return list(execute(run, self.session).outcomes)

    def bronze(self, source: str) -> list[dict[str, object]]:
        """The live rows of a Bronze table."""
        from deltalake import DeltaTable

        uris = [uri.removeprefix("file://") for uri in DeltaTable(self.world.bronze / source).file_uris()]
        return [row.asDict() for row in self.session().read.parquet(*uris).collect()]

    def rejected(self, manifest: Manifest) -> DataFrame:
        folder = self.world.lake / f"raw/{manifest.source}/ingest_date={manifest.ingest_date}/run_id={manifest.run_id}"
        return self.session().read.parquet(*[str(folder / file.path) for file in manifest.rejected_files])


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
