import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable

from demo import services
from demo.faithful import Counts, generate
from demo.postgres import Server as Postgres
from demo.postgres import serving as postgres_serving
from demo.services import Services
from jobs.clients import store
from jobs.config.environment import ROOT, Environment, load_environment
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import Manifest
from tests.conftest import AGENTS_FROM_A_FILE, DAYS, World, make_world, secrets_and_services
from tests.e2e.conftest import HOLD
from tests.s3 import versitygw
from tests.s3.acts import JOBS, not_allowed
from tests.s3.server import ACCOUNT, KEYS, Server, serving

SOURCES_BUCKET, LAKE_BUCKET = "core-telecoms-data-lake", "core-telecoms-capstone-data-lake"


@dataclass(frozen=True)
class Cloud:
    """An environment whose sources and lake are on an S3 server; the command that users have, and what it left."""

    root: Path
    server: Server
    prefix: str

    @property
    def file(self) -> Path:
        return self.root / f"{self.prefix}.toml"

    @property
    def environment(self) -> Environment:
        return load_environment(str(self.file))

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.environment.lake)

    def write(
        self, extra: str = "", service: str = "", elsewhere: str = AGENTS_FROM_A_FILE, warehouse: str = ""
    ) -> None:
        delta = f'warehouse = {{ kind = "delta", path = "s3://{LAKE_BUCKET}/{self.prefix}/bronze" }}'
        self.file.write_text(
            f'sources = "s3://{SOURCES_BUCKET}/{self.prefix}"\nlake = "s3://{LAKE_BUCKET}/{self.prefix}"\n'
            f'logs = "{self.root}/logs"\n{extra}\npostgres = {{ sslmode = "disable" }}\n'
            f"{warehouse or delta}\n{secrets_and_services(self.root)}{elsewhere}\n"
            f'[s3]\nendpoint = "{self.server.url}"\n{service}\n'
        )

    def deliver(self, key: str, content: bytes) -> None:
        self.server.client.put_object(Bucket=SOURCES_BUCKET, Key=f"{self.prefix}/{key}", Body=content)

    def deliver_all(self, folder: Path) -> None:
        for path in (path for path in folder.rglob("*.*") if path.is_file() and "web_forms" not in path.parts):
            self.deliver(str(path.relative_to(folder)), path.read_bytes())

    def submit(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / "spark-submit.sh"), *arguments, "--env", str(self.file)]
        variables = os.environ | {"AWS_ACCESS_KEY_ID": JOBS} | environment
        return subprocess.run(command, capture_output=True, text=True, env=variables, cwd=self.root, check=False)

    def start(self, *arguments: str, hold_at: str, folder: Path) -> "subprocess.Popen[str]":
        """In a process group of its own, held still at a line of its log."""
        folder.mkdir()
        environment = os.environ | {
            "AWS_ACCESS_KEY_ID": JOBS,
            "HOLD_AT": hold_at,
            "HOLD_FOLDER": str(folder),
            "PYTHONPATH": str(HOLD),
        }
        command = [str(ROOT / "spark-submit.sh"), *arguments, "--env", str(self.file)]
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(command, **both, text=True, env=environment, start_new_session=True)

    def status(self, *arguments: str) -> list[dict[str, Any]]:
        shown = self.submit("status", "--json", *arguments)
        assert shown.returncode == 0, shown.stderr
        return [json.loads(line) for line in shown.stdout.splitlines()]

    def raw(self) -> set[str]:
        return self.server.keys(LAKE_BUCKET, f"{self.prefix}/raw/")

    def manifests(self, source: str) -> list[Manifest]:
        return self.ledger.read_manifests(source)

    def bronze(self, source: str) -> list[tuple[Any, ...]]:
        """The rows that Bronze holds, in order, without what differs from run to run and place to place."""
        path = self.environment.warehouse.path / source
        files = []
        for uri in DeltaTable(str(path), storage_options=store.make_delta_options(path)).file_uris():
            key = uri.removeprefix(f"s3://{LAKE_BUCKET}/")
            files.append(str(self.root / key.replace("/", "_")))
            self.server.client.download_file(LAKE_BUCKET, key, files[-1])
        return rows_of(files)


def rows_of(files: list[str]) -> list[tuple[Any, ...]]:
    places = "exclude (_run_id, _ingested_at, _source_uri)"
    query = f"select * {places} from read_parquet($files, hive_partitioning = false) order by all"
    with duckdb.connect() as connection:
        return connection.execute(query, {"files": files}).fetchall()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """moto's, or versitygw's where a variable asks for it (`make test-nightly`)."""
    os.environ.update(KEYS)
    is_other = os.environ.get("CORETELECOMS_S3_SERVER") == "versitygw"
    if is_other and (reason := versitygw.why_not()):
        pytest.skip(reason)
    with versitygw.forwarded_to(tmp_path_factory.mktemp("versitygw")) if is_other else serving() as server:
        for bucket in (SOURCES_BUCKET, LAKE_BUCKET):
            where = {"LocationConstraint": "eu-north-1"}
            server.client.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
        yield server
    writes = [request for request in server.requests if request.completes and "raw" in request.key.split("/")]
    print(f"{len(server.requests)} requests, {len(writes)} of them made an object below raw/")
    assert sorted(not_allowed(server.requests, ACCOUNT, "eu-north-1", lakes_have_a_prefix=True)) == []


@pytest.fixture(autouse=True)
def nothing_below_raw_is_deleted_or_replaced(server: Server) -> Iterator[None]:
    """In every test, on every request that the server saw."""
    server.denied.clear()
    yield
    assert server.denied == []


@pytest.fixture(scope="session")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Counts]:
    world = make_world(tmp_path_factory.mktemp("delivered"), agents_from_a_file=False)
    return world, generate(world.root / "sources", DAYS, calls=1500, customers=1000)


@pytest.fixture(scope="session")
def postgres(delivered: tuple[World, Counts], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    world, _ = delivered
    with postgres_serving(tmp_path_factory.mktemp("postgres")) as server:
        server.load_web_forms(world.root / "sources/web_forms")
        server.write_secrets(world.root / "secrets")
        yield server


@pytest.fixture(scope="session")
def web(delivered: tuple[World, Counts]) -> Iterator[Services]:
    """The agents' sheet and the outages' API."""
    world, _ = delivered
    with services.serving(partial(services.agents_of, world.root / "sources")) as web:
        web.write_secrets(world.root / "services")
        yield web


def cloud_of(root: Path, server: Server, prefix: str) -> Cloud:
    cloud = Cloud(root, server, prefix)
    cloud.write()
    return cloud


@pytest.fixture
def cloud(server: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Cloud:
    """An empty one, under a prefix of its own."""
    number = len(server.requests)
    return cloud_of(tmp_path, server, f"t{number}")
