"""The four days as in production, on loopback: credentials in SSM, Postgres over TLS, a sheet, an API, lake on S3."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

from demo import services
from demo.faithful import Counts
from demo.outages import outages
from demo.tls import Authority, Front, authority, in_front_of
from tests.conftest import DAYS, World, make_world
from tests.e2e.conftest import SOURCES, Platform
from tests.gold import built
from tests.s3.acts import JOBS, acts, by, not_allowed
from tests.s3.server import ACCOUNT, KEYS, Server, serving

LAKE = "core-telecoms-capstone-data-lake"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """S3 with the lake's bucket, and the parameter store; commands come as the jobs."""
    with serving() as server:
        where = {"LocationConstraint": "eu-north-1"}
        server.client.create_bucket(Bucket=LAKE, CreateBucketConfiguration=where)
        for name, value in (KEYS | {"AWS_ACCESS_KEY_ID": JOBS, "AWS_ENDPOINT_URL_SSM": server.url}).items():
            monkeypatch.setenv(name, value)
        yield server


def as_in_production(root: Path, sources: Path, made: Authority, web: services.Services, aws: Server) -> World:
    """An environment that names nothing but addresses, files of certificates, and parameters."""
    world = make_world(root, agents_from_a_file=False)
    (root / "sources").rmdir()
    (root / "sources").symlink_to(sources)
    (root / "services").mkdir()
    (root / "services/outages").write_text(web.address)
    text = world.file.read_text()
    for here, elsewhere in (
        ('sslmode = "disable"', f'sslrootcert = "{made.certificate}"'),
        (f"file:{root}/services/sheets_key.json", "ssm:/coretelecomms/google/sheets_key"),
        (f"file:{root}/services/outages_token", "ssm:/coretelecomms/outages/token"),
        (f"file:{root}/services/sheets", web.address),
        (f"file:{root}/secrets", "ssm:/coretelecomms/database"),
        (f"{root}/lake", f"s3://{LAKE}"),
        (f"{root}/bronze", f"s3://{LAKE}/bronze"),
    ):
        assert here in text
        text = text.replace(here, elsewhere)
    world.file.write_text(f'{text}[s3]\nendpoint = "{aws.url}"\n')
    return world


def put_parameters(aws: Server, platform: Platform, front: Front, web: services.Services) -> None:
    names = {"aws_access_key_id": "tests", "aws_secret_access_key": "nothing", "region_name": "eu-north-1"}
    client = boto3.session.Session().client("ssm", endpoint_url=aws.url, **names)
    parameters = {f"database/{name}": value for name, value in platform.server.secrets.items()}
    parameters |= {"database/db_port": str(front.port), "google/sheets_key": web.account_key}
    for name, value in (parameters | {"outages/token": web.api_token}).items():
        client.put_parameter(Name=f"/coretelecomms/{name}", Value=value, Type="SecureString")


def delivered(counts: Counts) -> dict[tuple[str, str], int]:
    rows = {(source, day or str(DAYS[0])): n for source, days in counts["rows"].items() for day, n in days.items()}
    return rows | {("service_outages", str(day)): len(outages(day)) for day in DAYS}


@pytest.mark.slow
def test_the_four_days_as_in_production_give_the_ledger_and_gold_of_the_folder(
    four_days: Platform, aws: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root, sources = tmp_path_factory.mktemp("elsewhere"), four_days.world.root / "sources"
    made = authority(root / "certificates")
    sheet = partial(services.agents_of, sources)
    with in_front_of(four_days.server.address.port, made) as front, services.serving(sheet) as web:
        elsewhere = replace(four_days, world=as_in_production(root, sources, made, web, aws))
        put_parameters(aws, four_days, front, web)
        done = elsewhere.submit("run", "--from", str(DAYS[0]), "--to", str(DAYS[-1]), "--json")
        assert done.returncode == 0, done.stderr
        assert (front.encrypted > 0, front.plain) == (True, 0)
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["source"] for row in outcomes} == set(SOURCES)
    loaded = [row for row in outcomes if row["state"] == "loaded"]
    assert {(row["source"], row["ingest_date"]): row["rows_bronze"] for row in loaded} == delivered(four_days.counts)
    assert all(row["rows_delivered"] == row["rows_landed"] == row["rows_bronze"] for row in loaded)
    assert without_runs(elsewhere.ledger()) == without_runs(four_days.ledger())
    assert aws.denied == []
    asked = {act.action for one in by(JOBS, aws.requests) for act in acts(one, ACCOUNT, "eu-north-1")}
    assert {"ssm:GetParameter", "ssm:GetParametersByPath", "s3:PutObject", "s3:GetObject"} <= asked
    assert not_allowed(aws.requests, ACCOUNT, "eu-north-1") == set()
    gold = built(f"s3://{LAKE}/bronze", root, AWS_ENDPOINT_URL_S3=aws.url)
    assert gold["coretelecoms_gold.fact_service_outages"]
    assert gold == built(str(four_days.world.bronze), tmp_path_factory.mktemp("gold"))


def without_runs(ledger: list[dict[str, Any]]) -> list[dict[str, Any]]:
    of_a_run = {"run_id", "since", "attempt", "attempted_at", "attempt_run_id"}
    return [{name: value for name, value in row.items() if name not in of_a_run} for row in ledger]
