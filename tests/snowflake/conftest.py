import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import snowflake.connector
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from jobs.bronze.snowflake import loaded
from jobs.ledger import Ledger, Manifest, landing_folder
from jobs.location import S3Location
from jobs.settings import ROOT, Environment, SnowflakeWarehouse, load_environment
from tests.conftest import AGENTS_FROM_A_FILE, secrets_and_services
from tests.e2e.conftest import HOLD
from tests.s3.conftest import LAKE_BUCKET, SOURCES_BUCKET, delivered, postgres, server
from tests.s3.server import Server
from tests.unit.test_bronze_delta import manifest_of, table_of

__all__ = ["delivered", "postgres", "server"]
STAND_IN = Path(__file__).with_name("standin.py")
DATABASE = "CORETELECOMS"


@dataclass(frozen=True)
class Snowflake:
    """The stand-in, and what its statements were: (session, statement), in order."""

    port: int
    requests_file: Path

    @property
    def requests(self) -> list[tuple[int, str]]:
        lines = self.requests_file.read_text().splitlines()
        return [(session, statement) for session, statement in map(json.loads, lines)]

    def connect(self) -> snowflake.connector.SnowflakeConnection:
        names: dict[str, Any] = {"user": "admin", "password": "dummy", "account": "fakesnow", "protocol": "http"}
        return snowflake.connector.connect(**names, host="127.0.0.1", port=self.port, database=DATABASE)

    def ask(self, statement: str) -> list[Any]:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []


@dataclass(frozen=True)
class Platform:
    """Sources and lake below a prefix on the S3 server, Bronze in a schema of its own."""

    root: Path
    prefix: str
    server: Server
    snowflake: Snowflake

    @property
    def file(self) -> Path:
        return self.root / f"{self.prefix}.toml"

    @property
    def environment(self) -> Environment:
        return load_environment(str(self.file))

    @property
    def warehouse(self) -> SnowflakeWarehouse:
        warehouse = self.environment.warehouse
        assert isinstance(warehouse, SnowflakeWarehouse)
        return warehouse

    @property
    def lake(self) -> S3Location:
        lake = self.environment.lake
        assert isinstance(lake, S3Location)
        return lake

    def make(self, contracts: Path | None = None) -> "Platform":
        """The schema and the stage that Terraform makes; the environment."""
        self.snowflake.ask(f"create schema {DATABASE}.{self.prefix}")
        self.snowflake.ask(f"create stage {DATABASE}.{self.prefix}.lake url = 's3://{LAKE_BUCKET}/{self.prefix}'")
        self.file.write_text(
            f'sources = "s3://{SOURCES_BUCKET}/{self.prefix}"\nlake = "s3://{LAKE_BUCKET}/{self.prefix}"\n'
            f'logs = "{self.root}/logs"\npostgres = {{ sslmode = "disable" }}\n'
            + (f'contracts = "{contracts}"\n' if contracts else "")
            + f"{secrets_and_services(self.root)}{AGENTS_FROM_A_FILE}\n"
            f'[s3]\nendpoint = "{self.server.url}"\n'
            f'[warehouse]\nkind = "snowflake"\naccount = "fakesnow"\nuser = "loader"\nrole = "loader"\n'
            f'warehouse = "coretelecoms"\ndatabase = "{DATABASE}"\nbronze = "{self.prefix}"\n'
            f'stage = "{self.prefix}.lake"\nprivate_key = "file:{self.root}/key.pem"\nlogin_timeout = 20\n'
            f'host = {{ host = "127.0.0.1", port = {self.snowflake.port} }}\n'
        )
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        (self.root / "key.pem").write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
        return self

    def submit(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / "spark-submit.sh"), *arguments, "--env", str(self.file)]
        environment = os.environ | variables
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=self.root, check=False)

    def start(self, *arguments: str, hold_at: str, folder: Path) -> "subprocess.Popen[str]":
        """In a process group of its own, held still at a line of its log."""
        folder.mkdir()
        environment = os.environ | {"HOLD_AT": hold_at, "HOLD_FOLDER": str(folder), "PYTHONPATH": str(HOLD)}
        command = [str(ROOT / "spark-submit.sh"), *arguments, "--env", str(self.file)]
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(command, **both, text=True, env=environment, start_new_session=True)

    def land(self, run_id: str, rows: int, day: date, more: tuple[str, ...] = ()) -> Manifest:
        """A landing of agents, as `ingest` leaves it: a file and the manifest."""
        table = table_of(run_id, rows, day, more)
        file = BytesIO()
        pq.write_table(table, file)
        folder = landing_folder(self.lake, "agents", day, run_id)
        assert isinstance(folder, S3Location)
        self.put(folder / "landed/part-0.parquet", file.getvalue())
        manifest = manifest_of(run_id, rows, day, table.column_names)
        Ledger(self.lake).commit(manifest)
        return manifest

    def put(self, at: S3Location, content: bytes) -> None:
        self.server.client.put_object(Bucket=at.bucket, Key=at.key, Body=content)

    def held(self) -> dict[date, tuple[str, int]]:
        return loaded(self.warehouse, "agents")

    def bronze(self, source: str) -> list[tuple[Any, ...]]:
        """Rows in order, without what differs from run to run and place to place."""
        columns = self.snowflake.ask(
            f"select column_name from {DATABASE}.information_schema.columns "
            f"where table_schema = upper('{self.prefix}') and table_name = upper('{source}') order by ordinal_position"
        )
        listed = ", ".join(name for (name,) in columns if name not in ("_RUN_ID", "_INGESTED_AT", "_SOURCE_URI"))
        return sorted(self.snowflake.ask(f"select {listed} from {DATABASE}.{self.prefix}.{source}"), key=repr)

    def staging(self) -> list[str]:
        found = self.snowflake.ask(
            f"select table_name from {DATABASE}.information_schema.tables "
            f"where table_schema = upper('{self.prefix}') and startswith(table_name, '_STAGING_')"
        )
        return [name for (name,) in found]


@pytest.fixture(scope="session")
def snow(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snowflake]:
    folder = tmp_path_factory.mktemp("snowflake")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    python = subprocess.run(
        [ROOT / "setup.sh", "requirements/fakesnow.txt"], check=True, capture_output=True, text=True
    ).stdout.strip()
    requests = folder / "requests.jsonl"
    requests.touch()
    environment = os.environ | {"HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        command = [python, str(STAND_IN), str(port), server.url, str(requests)]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        snow = Snowflake(port, requests)
        _wait_until_it_listens(process, port, folder / "log")
        snow.ask(f"create database if not exists {DATABASE}")
        yield snow
    finally:
        process.terminate()
        process.wait()


def _wait_until_it_listens(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    pause = threading.Event()
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        pause.wait(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture
def platform(server: Server, snow: Snowflake, tmp_path: Path, request: pytest.FixtureRequest) -> Platform:
    """An empty one."""
    name = "".join(letter if letter.isalnum() else "_" for letter in request.node.name)[-40:].strip("_")
    return Platform(tmp_path, f"t_{name}", server, snow).make()
