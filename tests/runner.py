"""Runs steps in this process, by either engine, and reads what they left."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow.parquet as pq

from jobs.contracts.source import load_contracts
from jobs.engines.session import Session
from jobs.ledger.manifest import Manifest, locate_landing
from jobs.ledger.outcome import Outcome, make_run_id
from jobs.pipeline.execute import execute
from jobs.pipeline.plan import RunRequest
from jobs.pipeline.survey import make_plan
from tests.conftest import DAY, World


@dataclass(frozen=True)
class Runner:
    """`session`: starts Spark when something asks for it, never where `engine` is in-process."""

    world: World
    session: Session
    engine: str = "in-process"

    def __call__(
        self, *days: date, step: str = "run", sources: tuple[str, ...] = (), replay: bool = False
    ) -> list[Outcome]:
        environment = self.world.environment
        contracts = load_contracts(environment, sources)
        request = RunRequest(environment, contracts, days or (DAY,), step, replay, self.engine)
        plan = make_plan(request)
        return list(execute(request, plan, make_run_id(newest=plan.newest_run), self.session).outcomes)

    def bronze(self, source: str) -> list[dict[str, Any]]:
        """The live rows of a Bronze table, file by file, in the order of the files."""
        from deltalake import DeltaTable

        uris = [uri.removeprefix("file://") for uri in DeltaTable(self.world.bronze / source).file_uris()]
        return [row for uri in sorted(uris) for row in pq.ParquetFile(uri).read().to_pylist()]

    def rejected(self, manifest: Manifest) -> list[dict[str, Any]]:
        """The rejected rows of a landing, in the order of the delivery."""
        folder = locate_landing(self.world.lake, manifest.source, manifest.ingest_date, manifest.run_id)
        return [
            row for file in manifest.rejected_files for row in pq.ParquetFile(folder / file.path).read().to_pylist()
        ]
