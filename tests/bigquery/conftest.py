import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jobs.config.environment import ROOT
from jobs.contracts.source import load_contracts
from jobs.engines.session import Session
from jobs.ledger.ledger import Ledger
from jobs.ledger.outcome import Outcome, make_run_id
from jobs.pipeline.execute import execute
from jobs.pipeline.plan import RunRequest
from jobs.pipeline.survey import make_plan
from tests.bigquery.stand_in import DATASETS, LOCATION, PROJECT, StandIn, serving
from tests.conftest import DAYS, World, make_world

TAGS = {
    kind: f"projects/{PROJECT}/locations/eu/taxonomies/1/policyTags/{kind}"
    for kind in ("identity", "contact", "birth", "attribute", "free_text", "undecided")
}
TAGGED = "{ " + ", ".join(f'{kind} = "{tag}"' for kind, tag in TAGS.items()) + " }"  # as `policy_tags`
HEADER = (
    ",call ID,customeR iD,COMPLAINT_catego ry,agent ID,call_start_time,call_end_time,resolutionstatus,"
    "callLogsGenerationDate\n"
)


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    folder = tmp_path_factory.mktemp("bigquery")
    with serving(folder) as stand_in, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_SUBMIT_OPTS", stand_in.java_options)
        yield stand_in


@pytest.fixture(scope="session")
def session(stand_in: StandIn) -> Iterator[Session]:
    session = Session("tests", {"spark.master": "local[2]"}, ("conf/spark/bigquery.sha256",))
    yield session
    session.stop()


def toml(stand_in: StandIn, **more: str) -> str:
    """The warehouse as an environment names it."""
    settings = {
        "kind": "bigquery",
        "project": PROJECT,
        "location": LOCATION,
        "endpoint": stand_in.address,
        "storage_endpoint": stand_in.storage,
        **more,
    }
    written = {name: value if value[0] == "{" else f'"{value}"' for name, value in settings.items()}
    return f"{{ {', '.join(f'{name} = {value}' for name, value in written.items())} }}"


@dataclass(frozen=True)
class Cloud:
    """An environment whose Bronze is in BigQuery: `run` in this process, `submit` as users do."""

    world: World
    stand_in: StandIn
    session: Session | None

    def run(
        self, *days: date, step: str = "run", source: str = "call_logs", replay: bool = False, run_id: str = ""
    ) -> list[Outcome]:
        assert self.session is not None
        environment = self.world.environment
        contracts = load_contracts(environment, (source,))
        request = RunRequest(environment, contracts, days or DAYS[:1], step, replay)
        plan = make_plan(request)
        run_id = run_id or make_run_id(newest=plan.newest_run)
        return list(execute(request, plan, run_id, self.session).outcomes)

    def calls(self, rows: int, day: date = DAYS[0], of: str = "c") -> None:
        """Deliver a day of calls."""
        lines = [f"{n},{of}{n},cu{n},Payments,1,{day} 10:00:00,{day} 10:05:00,Resolved,{day}\n" for n in range(rows)]
        self.world.deliver("call_logs", (HEADER + "".join(lines)).encode(), day)

    def bronze(self, source: str = "call_logs") -> list[tuple[Any, ...]]:
        """Day, run and number of rows."""
        table = f"{DATASETS['bronze']}.{source}"
        return self.stand_in.rows(f"SELECT ingest_date, _run_id, COUNT(*) FROM {table} GROUP BY 1, 2 ORDER BY 1, 2")

    def tables(self) -> set[str]:
        return {table.table_id for table in self.stand_in.client.list_tables(DATASETS["bronze"])}

    def newest(self, day: date = DAYS[0], source: str = "call_logs") -> str:
        manifest = Ledger(self.world.lake).find_newest(source, day)
        assert manifest is not None
        return manifest.run_id

    def log(self) -> list[dict[str, Any]]:
        """Of the newest run that was submitted."""
        path = max((self.world.root / "logs").glob("*.jsonl"))
        return [json.loads(line) for line in path.read_text().splitlines()]

    def submit(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / "spark-submit.sh"), *arguments, "--env", str(self.world.file)]
        environment = os.environ | variables
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def write(cloud: Cloud, agents_from_a_file: bool = True, **more: str) -> None:
    """The environment's file, with `more` in its warehouse."""
    make_world(cloud.world.root, agents_from_a_file, warehouse=toml(cloud.stand_in, **more))
    text = cloud.world.file.read_text()
    key = f'bigquery = "file:{cloud.stand_in.folder}/key.json"\n'
    cloud.world.file.write_text(text.replace("[secrets]\n", f"[secrets]\n{key}"))


@pytest.fixture
def cloud(stand_in: StandIn, session: Session, tmp_path: Path) -> Cloud:
    """Without a table."""
    stand_in.reset()
    cloud = Cloud(World(tmp_path), stand_in, session)
    write(cloud)
    return cloud
