"""One stack for all tests: sources as delivered, AWS and the webhooks on loopback, three days to catch up with."""

import atexit
import json
import os
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from moto.server import ThreadedMotoServer

from demo import postgres, services
from demo.faithful import generate
from demo.web import Reply, Request, answering
from tests.conftest import DAYS, World
from tests.dags import emr, stack
from tests.gold import NOT_OF_BUILDS

ROOT = Path(__file__).resolve().parents[2]
# Before anything imports Airflow: its home is nobody's, and there is no database behind what needs none.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="coretelecoms-airflow-home-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)

CATCH_UP = DAYS[:3]
PAGES = "s3://published/pages"
SOURCES = ("agents", "call_logs", "customers", "service_outages", "social_media", "web_forms")
AWS_KEY = "AKIAZQ77HERONQUARTZ0"  # pragma: allowlist secret
AWS_SECRET = "heron77quartzAWSsecretKeyCanary000000000"
WEBHOOKS = {"CORE_TELECOMS_SLACK_CONN": "T00/B00/heron77slack", "CORE_TELECOMS_TEAMS_CONN": "webhookb2/heron77teams"}


@dataclass
class Platform:
    """Everything around the stack that the tests look at."""

    world: World
    web: services.Services
    forms: postgres.Server
    aws: str
    emr: emr.Service
    environment: dict[str, str]
    told: list[Request] = field(default_factory=list)
    stack: "stack.Stack" = None

    @property
    def s3(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.aws,
            region_name="eu-north-1",
            aws_access_key_id=AWS_KEY,
            aws_secret_access_key=AWS_SECRET,
        )

    @property
    def canaries(self) -> dict[str, str]:
        """By the connection that holds it."""
        key = json.loads(self.web.account_key)["private_key"]
        return {
            "CDE_CAPSTONE_AWS_CONN": AWS_SECRET,
            "CORE_TELECOMS_POSTGRES_CONN": self.forms.reader_password,
            "GOOGLE_SHEETS_API_CONN": key.splitlines()[5],
            **WEBHOOKS,
        }

    def messages(self, part: str) -> list[str]:
        """What Slack received, of messages with `part` in them."""
        texts = [json.loads(asked.body)["text"] for asked in self.told if asked.path.startswith("/slack")]
        return [text for text in texts if part in text]

    def ledger(self, *arguments: str) -> list[dict[str, Any]]:
        command = [str(ROOT / "spark-submit.sh"), "status", "--json", "--env", str(self.world.file), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        assert done.returncode in (0, 75), done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def gold(self, file: Path) -> dict[str, list[tuple[object, ...]]]:
        """All rows of Gold, without the tables that tell of builds, and the columns that tell of the run."""
        found = {}
        with duckdb.connect(file, read_only=True) as connection:
            given = f"schemaname = 'coretelecoms_gold' AND {NOT_OF_BUILDS}"
            names = connection.sql(f"SELECT tablename FROM pg_tables WHERE {given}").fetchall()
            for (name,) in names:
                table = connection.sql(
                    f"SELECT columns(c -> c NOT LIKE '\\_%' ESCAPE '\\') FROM coretelecoms_gold.{name}"
                )
                found[name] = sorted(table.fetchall(), key=repr)
        return found


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    root = tmp_path_factory.mktemp("platform")
    with ExitStack() as services_up:
        yield make_platform(root, services_up)


def make_platform(root: Path, services_up: ExitStack) -> Platform:
    """The world without Airflow: deliveries, databases, AWS."""
    world = World(root)
    generate(root / "sources", DAYS, calls=300, customers=200)
    web = services_up.enter_context(services.serving(partial(services.agents_of, root / "sources")))
    web.write_secrets(root / "services")
    forms = services_up.enter_context(postgres.serving(services_up.enter_context(stack.database_folder())))
    forms.load_web_forms(root / "sources/web_forms")
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    services_up.callback(moto.stop)
    aws = f"http://127.0.0.1:{moto.get_host_and_port()[1]}"
    write_environment(world)
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
        "AWS_ACCESS_KEY_ID": AWS_KEY,
        "AWS_SECRET_ACCESS_KEY": AWS_SECRET,
        "AWS_ENDPOINT_URL_SSM": aws,
        "AWS_EC2_METADATA_DISABLED": "true",
        "GCE_METADATA_HOST": "127.0.0.1:9",
        "NO_GCE_CHECK": "true",
        "no_proxy": "127.0.0.1,localhost",
        "CORETELECOMS_WAREHOUSE": str(root / "warehouse.duckdb"),
        "DBT_TARGET_PATH": str(root / "dbt"),
    }
    image = emr.unpacked_image(root / "image")
    python = subprocess.run([str(ROOT / "setup.sh"), "requirements.txt"], capture_output=True, text=True, check=True)
    job_environment = {
        name: value for name, value in environment.items() if not name.startswith(("CORETELECOMS", "DBT"))
    }
    service = emr.Service(image, python.stdout.strip(), job_environment)
    platform = Platform(world, web, forms, aws, service, environment)
    store_connections(platform)
    return platform


def write_environment(world: World) -> None:
    """As in a cloud: credentials are Airflow's connections, which the jobs find in the parameter store."""
    root = world.root
    world.file.write_text(
        f'sources = "{root}/sources"\nlake = "{root}/lake"\nlogs = "{root}/logs"\n'
        f'warehouse = {{ kind = "delta", path = "{root}/bronze" }}\n'
        'postgres = { sslmode = "disable" }\n'
        f'services = {{ sheets = "file:{root}/services/sheets", outages = "file:{root}/services/outages" }}\n'
        'spreadsheets = { agents = "variable:AGENTS_SPREADSHEET_ID" }\n'
        '[secrets]\ndatabase = "connection:CORE_TELECOMS_POSTGRES_CONN"\n'
        f'sheets_key = "connection:GOOGLE_SHEETS_API_CONN"\noutages_token = "file:{root}/services/outages_token"\n'
        f'[spark]\n"spark.eventLog.enabled" = "true"\n"spark.eventLog.dir" = "file:{root}/events"\n'
    )
    (root / "events").mkdir()


def store_connections(platform: Platform) -> None:
    """In the AWS parameter store, as the runbook says."""
    given = platform.forms.secrets
    database = {"conn_type": "postgres", "host": given["db_host"], "port": int(given["db_port"])}
    database |= {"login": given["db_username"], "password": given["db_password"], "schema": given["db_name"]}
    sheets = {"conn_type": "google_cloud_platform", "extra": {"keyfile_dict": platform.web.account_key}}
    stored = {
        "connections/CORE_TELECOMS_POSTGRES_CONN": json.dumps(database),
        "connections/GOOGLE_SHEETS_API_CONN": json.dumps(sheets),
        "variables/AGENTS_SPREADSHEET_ID": services.SPREADSHEET,
    }
    keys = {"aws_access_key_id": AWS_KEY, "aws_secret_access_key": AWS_SECRET, "region_name": "eu-north-1"}
    where = {"LocationConstraint": keys["region_name"]}
    platform.s3.create_bucket(Bucket=PAGES.split("/")[2], CreateBucketConfiguration=where)
    client = boto3.client("ssm", endpoint_url=platform.aws, **keys)
    for name, value in stored.items():
        client.put_parameter(Name=f"/airflow/{name}", Value=value, Type="SecureString")


def connections(platform: Platform, emr_address: str, webhooks: str) -> dict[str, Any]:
    """Those that Airflow alone needs, for its own database."""
    places = {"emr-serverless": emr_address, "ssm": platform.aws, "s3": platform.aws}
    endpoints = {service: {"endpoint_url": address} for service, address in places.items()}
    spark = {"environment": str(platform.world.file), "application_id": emr.APPLICATION, "poll": 1, "pages": PAGES}
    spark |= {"execution_role_arn": "arn:aws:iam::123456789012:role/jobs", "logs": "s3://logs/emr"}
    slack, teams = WEBHOOKS.values()
    return {
        "CDE_CAPSTONE_AWS_CONN": {
            "conn_type": "aws",
            "login": AWS_KEY,
            "password": AWS_SECRET,
            "extra": json.dumps({"region_name": "eu-north-1", "service_config": endpoints}),
        },
        "CORE_TELECOMS_SPARK_CONN": {"conn_type": "generic", "extra": json.dumps(spark)},
        "CORE_TELECOMS_SLACK_CONN": {"conn_type": "http", "host": f"{webhooks}/slack", "password": slack},
        "CORE_TELECOMS_TEAMS_CONN": {"conn_type": "http", "host": f"{webhooks}/teams", "password": teams},
    }


def dags_folder(root: Path) -> Path:
    """The product's DAG with one line more: an end, so that it has three days to catch up with, and not a year."""
    text = (ROOT / "dags/coretelecoms_capstone.py").read_text()
    start = "start_date=datetime(2025, 11, 20, tzinfo=UTC),"
    assert text.count(start) == 1
    folder = root / "dags-folder"
    folder.mkdir()
    last = CATCH_UP[-1]
    end = f"end_date=datetime({last.year}, {last.month}, {last.day}, tzinfo=UTC),"
    (folder / "coretelecoms_capstone.py").write_text(text.replace(start, f"{start} {end}"))
    return folder


@pytest.fixture(scope="session")
def airflow(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The stack, up and idle: the DAG is paused."""
    root = tmp_path_factory.mktemp("airflow")

    def receive(asked: Request) -> Reply:
        platform.told.append(asked)
        with (root / "told.jsonl").open("ab") as file:  # to be looked at
            file.write(asked.body + b"\n")
        return Reply(200, b"ok")

    backend = "airflow.providers.amazon.aws.secrets.systems_manager.SystemsManagerParameterStoreBackend"
    store = {"endpoint_url": platform.aws, "region_name": "eu-north-1"}
    prefixes = {"connections_prefix": "/airflow/connections", "variables_prefix": "/airflow/variables"}
    more = platform.environment | {
        "AIRFLOW__SECRETS__BACKEND": backend,
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({**prefixes, **store}),
    }
    with answering(receive) as webhooks, emr.serving(platform.emr) as address:
        given = connections(platform, address, webhooks)
        with stack.serving(root, dags_folder(root), given, more) as running:
            platform.stack = running
            yield platform


@pytest.fixture(scope="session")
def caught_up(airflow: Platform) -> Platform:
    """Three days on schedule, while a response is lost, a job run fails, worker and scheduler are killed."""
    airflow.emr.faults = deque(["lost", "", "fails", "", "", "held"])
    running = airflow.stack
    running.pause(False)
    for day in CATCH_UP[:2]:
        running.ended(lambda day=day: running.run_of(str(day)))
    run = stack.eventually(lambda: running.run_of(str(CATCH_UP[2])), "the third day has begun")["dag_run_id"]
    stack.eventually(lambda: airflow.emr.of_name(run), "submitted, but not answered")
    running.kill("worker")
    running.start("worker")
    running.kill("scheduler")
    running.start("scheduler")
    stack.eventually(lambda: running.tasks(run)["ingest"]["state"] == "deferred", "attached to the live job run")
    airflow.emr.released.set()
    running.ended(lambda: running.run_of(str(CATCH_UP[2])))
    return airflow
