import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import snowflake.connector
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from demo.faithful import Counts, generate
from demo.postgres import Server as Postgres
from demo.services import Services
from jobs.bronze.choice import make_bronze
from jobs.bronze.snowflake.session import execute
from jobs.clients.location import S3Location
from jobs.config.environment import ROOT
from jobs.config.warehouses import SnowflakeWarehouse
from jobs.ledger.manifest import Manifest
from tests.conftest import AGENTS_FROM_A_FILE, DAYS, World, make_world
from tests.parity.days import CALLS, CUSTOMERS
from tests.s3.conftest import LAKE_BUCKET, Cloud, postgres, server, web
from tests.s3.server import Server
from tests.snowflake.landing import land

__all__ = ["postgres", "server", "web"]
STAND_IN = Path(__file__).with_name("standin.py")
DATABASE = "CORETELECOMS"


@dataclass(frozen=True)
class Snowflake:
    """The stand-in, and what its statements were: (session, statement), in order."""

    port: int
    requests_file: Path
    faults: Path

    @contextmanager
    def fault(self, name: str) -> Iterator[Path]:
        """What befalls every COPY in its middle, until the block ends; gives a file that appears once one is held."""
        (self.faults / name).touch()
        try:
            yield self.faults / "held"
        finally:
            (self.faults / name).unlink()
            (self.faults / "held").unlink(missing_ok=True)

    @contextmanager
    def failing(self, **which: object) -> Iterator[Path]:
        """A statement fails until the block ends: which one, standin.py says; gives the file that then holds it."""
        failed = self.faults / "failed"
        failed.unlink(missing_ok=True)
        (self.faults / "statement").write_text(json.dumps(which))
        try:
            yield failed
        finally:
            (self.faults / "statement").unlink()

    @property
    def requests(self) -> list[tuple[int, str]]:
        lines = self.requests_file.read_text().splitlines()
        return [(session, statement) for session, statement in map(json.loads, lines)]

    def connect(self) -> snowflake.connector.SnowflakeConnection:
        names: dict[str, Any] = {"user": "admin", "password": "dummy", "account": "fakesnow", "protocol": "http"}
        where: dict[str, Any] = {"host": "127.0.0.1", "port": self.port, "platform_detection_timeout_seconds": 0.0}
        return snowflake.connector.connect(**names, **where, database=DATABASE)

    def ask(self, statement: str) -> list[Any]:
        with self.connect() as connection:
            return execute(connection, statement)

    def by_name(self, statement: str) -> list[dict[str, Any]]:
        """Rows with their columns' names."""
        with self.connect() as connection, connection.cursor(snowflake.connector.DictCursor) as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())


@dataclass(frozen=True)
class Platform:
    """Sources and lake below a prefix on the S3 server, Bronze in a schema of its own."""

    cloud: Cloud
    snowflake: Snowflake

    @property
    def schema(self) -> str:
        return f"{DATABASE}.{self.cloud.prefix}"

    @property
    def warehouse(self) -> SnowflakeWarehouse:
        warehouse = self.cloud.environment.warehouse
        assert isinstance(warehouse, SnowflakeWarehouse)
        return warehouse

    @property
    def lake(self) -> S3Location:
        lake = self.cloud.environment.lake
        assert isinstance(lake, S3Location)
        return lake

    def make(self, elsewhere: str = AGENTS_FROM_A_FILE, more: str = "") -> "Platform":
        """The schema and the stage that Terraform makes; the environment, with `more` in its warehouse."""
        prefix, root = self.cloud.prefix, self.cloud.root
        self.snowflake.ask(f"create schema {self.schema}")
        self.snowflake.ask(f"create stage {self.schema}.lake url = 's3://{LAKE_BUCKET}/{prefix}'")
        self.cloud.write(
            elsewhere=elsewhere,
            warehouse='warehouse = { kind = "snowflake", account = "fakesnow", user = "loader", role = "loader", '
            f'warehouse = "coretelecoms", database = "{DATABASE}", bronze = "{prefix}", stage = "{prefix}.lake", '
            f'private_key = "file:{root}/key.pem", login_timeout = 20, {more}'
            f'host = {{ host = "127.0.0.1", port = {self.snowflake.port} }} }}',
        )
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        (root / "key.pem").write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
        return self

    @property
    def beside(self) -> Cloud:
        """The same lake with Bronze as Delta."""
        beside = Cloud(self.cloud.root, self.cloud.server, f"{self.cloud.prefix}_local")
        beside.write(elsewhere="")
        beside.file.write_text(beside.file.read_text().replace(f"/{beside.prefix}", f"/{self.cloud.prefix}"))
        return beside

    def land(self, run_id: str, rows: int, day: date, more: tuple[str, ...] = (), parts: int = 1) -> Manifest:
        return land(self.lake, run_id, rows, day, more, parts)

    def put(self, at: S3Location, content: bytes) -> None:
        self.cloud.server.client.put_object(Bucket=at.bucket, Key=at.key, Body=content, IfNoneMatch="*")

    def held(self, source: str = "agents") -> dict[date, tuple[str, int]]:
        return make_bronze(self.cloud.environment).published(source)

    def bronze(self, source: str) -> list[tuple[Any, ...]]:
        """Rows in order, without what differs from run to run and place to place."""
        columns = self.snowflake.ask(
            f"select column_name from {DATABASE}.information_schema.columns "
            f"where table_schema = upper('{self.cloud.prefix}') and table_name = upper('{source}') "
            "order by ordinal_position"
        )
        listed = ", ".join(name for (name,) in columns if name not in ("_RUN_ID", "_INGESTED_AT", "_SOURCE_URI"))
        return sorted(self.snowflake.ask(f"select {listed} from {self.schema}.{source}"), key=repr)

    def staging(self) -> list[str]:
        found = self.snowflake.ask(
            f"select table_name from {DATABASE}.information_schema.tables "
            f"where table_schema = upper('{self.cloud.prefix}') and startswith(table_name, '_STAGING_')"
        )
        return [name for (name,) in found]


@pytest.fixture(scope="session")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Counts]:
    world = make_world(tmp_path_factory.mktemp("delivered"), agents_from_a_file=False)
    return world, generate(world.root / "sources", DAYS, CALLS, CUSTOMERS)


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
    faults = folder / "faults"
    faults.mkdir()
    environment = os.environ | {"HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        command = [python, str(STAND_IN), str(port), server.url, str(requests), str(faults)]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        snow = Snowflake(port, requests, faults)
        _wait_until_it_listens(process, port, folder / "log")
        snow.ask(f"create database if not exists {DATABASE}")
        yield snow
    finally:
        process.terminate()
        process.wait()


def _wait_until_it_listens(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    pause = threading.Event()
    for _ in range(3000):
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
    return Platform(Cloud(tmp_path, server, f"t_{name.lower()}"), snow).make()


@pytest.fixture(scope="session")
def four_days(
    delivered: tuple[World, Counts], postgres: Postgres, web: Services, server: Server, snow: Snowflake
) -> Platform:
    world, _ = delivered
    platform = Platform(Cloud(world.root, server, "four_days"), snow)
    platform.make(elsewhere="", more='masking_policies = "policies", ')
    platform.cloud.deliver_all(world.root / "sources")
    done = platform.cloud.submit("run", "--from", str(DAYS[0]), "--to", str(DAYS[-1]))
    assert done.returncode == 0, done.stderr
    return platform
