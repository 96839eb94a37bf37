"""The four days as in production, on loopback: credentials in SSM, Postgres over TLS, a sheet, an API."""

import json
from collections.abc import Iterator
from functools import partial

import boto3
import pytest
from moto.server import ThreadedMotoServer

from demo import services
from demo.outages import outages
from demo.tls import authority, in_front_of
from tests.conftest import DAYS, make_world
from tests.e2e.conftest import SOURCES, Platform


@pytest.fixture
def parameter_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    yield endpoint
    server.stop()


def test_the_four_days_land_with_credentials_in_ssm_and_the_table_over_tls(
    platform: Platform, parameter_store: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = make_world(tmp_path_factory.mktemp("elsewhere"), agents_from_a_file=False)
    (world.root / "sources").rmdir()
    (world.root / "sources").symlink_to(platform.world.root / "sources")
    made = authority(world.root / "certificates")
    sheet = partial(services.agents_of, world.root / "sources")
    with in_front_of(platform.server.address.port, made) as front, services.serving(sheet) as web:
        text = world.file.read_text()
        text = text.replace('sslmode = "disable"', f'sslrootcert = "{made.certificate}"')
        text = text.replace(f"file:{world.root}/services/sheets_key.json", "ssm:/coretelecomms/google/sheets_key")
        text = text.replace(f"file:{world.root}/services/outages_token", "ssm:/coretelecomms/outages/token")
        text = text.replace(f"file:{world.root}/secrets", "ssm:/coretelecomms/database")
        world.file.write_text(text.replace(f"file:{world.root}/services/sheets", web.address))
        (world.root / "services").mkdir()
        (world.root / "services/outages").write_text(web.address)
        parameters = {f"database/{name}": value for name, value in platform.server.secrets.items()}
        parameters |= {"database/db_port": str(front.port), "google/sheets_key": web.account_key}
        client = boto3.session.Session().client("ssm", region_name="eu-north-1")
        for name, value in (parameters | {"outages/token": web.api_token}).items():
            client.put_parameter(Name=f"/coretelecomms/{name}", Value=value, Type="SecureString")
        elsewhere = Platform(world, platform.counts, platform.server)
        done = elsewhere.submit("run", "--from", str(DAYS[0]), "--to", str(DAYS[-1]), "--json")
        assert done.returncode == 0, done.stderr
        assert (front.encrypted > 0, front.plain) == (True, 0)
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["source"] for row in outcomes} == set(SOURCES)
    wanted = {
        (source, day or str(DAYS[0])): n for source, days in platform.counts["rows"].items() for day, n in days.items()
    }
    wanted |= {("service_outages", str(day)): len(outages(day)) for day in DAYS}
    loaded = [row for row in outcomes if row["state"] == "loaded"]
    assert {(row["source"], row["ingest_date"]): row["rows_bronze"] for row in loaded} == wanted
    assert all(row["rows_delivered"] == row["rows_landed"] == row["rows_bronze"] for row in loaded)
