import shutil
from datetime import date
from pathlib import Path

import pytest

from jobs.__main__ import main
from jobs.clients import store
from jobs.clients.location import S3Location, Service
from jobs.clients.s3_session import get_endpoint
from jobs.config.environment import ROOT, load_environment
from jobs.config.warehouses import DeltaWarehouse
from jobs.contracts.source import load_contracts
from jobs.errors import ConfigurationError
from tests.conftest import World

CALLS = (ROOT / "conf/sources/call_logs.toml").read_text()


def contracts_of(world: World, text: str) -> None:
    folder = world.root / "contracts"
    folder.mkdir()
    (folder / "call_logs.toml").write_text(text)
    load_contracts(world.environment.model_copy(update={"contracts": folder}))


@pytest.mark.parametrize(
    ("found", "instead", "message"),
    [
        (
            'kind = "csv"',
            'kind = "cvs"',
            "delivery.kind: found 'cvs', allowed 'csv', 'json', 'xlsx', 'parquet', 'postgres', 'mysql', 'sheet'",
        ),
        ('key = ["call_id"]', 'key = ["call"]', r"key, optional: \['call'\] are not among the landed columns"),
        ('key = ["call_id"]', "", "key: found nothing, but it is required"),
        (
            'system = "s3"',
            'system = "s4"',
            "system: found 's4', allowed 's3', 'postgres', 'mysql', 'google_sheets' or 'rest'",
        ),
        ('system = "s3"', 'system = "s3"\nsytem = 1', "sytem: found, but there is no such field"),
        ("{date:%Y-%m-%d}", "{dat}", r"delivery.paths: only \{date\} or \{date:%Y_%m_%d\} may stand in braces"),
        ("{date:%Y-%m-%d}", "", "has no {date}, and the source is not static"),
        ('"call ID" = "call_id"', '"call ID" = "Call"', "columns.call ID: found 'Call', allowed"),
        ('"call ID" = "call_id"', '"call ID" = "_run_id"', "columns.call ID: found '_run_id'"),
        ('"agent ID" = "agent_id"', '"agent ID" = "call_id"', r"several headers land as \['call_id'\]"),
        ('system = "s3"', 'system = "s3"\nmax_rejected = 2', "max_rejected: found 2"),
        ('system = "s3"', "system = ", "call_logs.toml: not TOML"),
        ('subject = "customer_id"', 'subject = "client"', r"personal, subject: \['client'\] are not among the landed"),
        ("[columns]", '[personal]\nemail = "contact"\n[columns]', r"personal, subject: \['email'\] are not among"),
        (
            "[columns]",
            '[personal]\nagent_id = "contct"\n[columns]',
            "personal.agent_id: found 'contct', allowed 'identity', 'contact', 'birth', 'attribute' or 'free_text'",
        ),
        (
            'subject = "customer_id"\n\n[delivery]',
            '[personal]\nagent_id = "identity"\n[delivery]',
            "subject: found nothing, but personal columns need the key",
        ),
        ('system = "s3"', 'system = "s3"\nname = "calls"', "name: found 'calls', allowed 'call_logs', as the file"),
    ],
)
def test_a_mistake_in_a_source_contract_names_file_field_found_and_allowed(
    world: World, found: str, instead: str, message: str
) -> None:
    assert found in CALLS
    with pytest.raises(ConfigurationError, match=message) as error:
        contracts_of(world, CALLS.replace(found, instead))
    assert "call_logs.toml" in str(error.value)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        *(
            (path, "as a part of a path")
            for path in ("../../etc/host*", "a/../../b", "..", "./a", "/etc/x", "a//b", "a/")
        ),
        *((path, "is the only pattern") for path in ("**", "a/**/b", "a[a-z].csv", "a?.csv", "a\\\\b", "[*]")),
        ("{date:..}/{date}", "as a part of a path"),
        ("{date:/etc}/{date}", "as a part of a path"),
    ],
)
def test_x13_a_path_stays_below_sources_and_has_one_pattern(
    world: World, path: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = world.root / "contracts"
    folder.mkdir()
    (folder / "call_logs.toml").write_text(CALLS.replace("call_logs/call_logs_day_{date:%Y-%m-%d}.csv", path))
    world.file.write_text(f'contracts = "{folder}"\n{world.file.read_text()}')
    assert main(["check", "--env", str(world.file)]) == 78
    assert message in capsys.readouterr().err


def test_x13_a_pattern_means_the_same_in_a_folder_as_on_s3(tmp_path: Path) -> None:
    """`tests/s3/test_store.py` asks an S3 server for the same."""
    for name in ("a b/20251120.csv", "a b/2025/1.csv", "a b/.2025.csv", "a b/2024.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [found.uri for found in store.look(tmp_path, "a b/2025*.csv")] == [f"{tmp_path}/a b/20251120.csv"]
    assert len(store.look(tmp_path, "a b/*.csv")) == 3


def test_all_mistakes_of_a_file_are_named_at_once(world: World) -> None:
    with pytest.raises(ConfigurationError) as error:
        contracts_of(world, CALLS.replace('"s3"', '"s4"').replace('"csv"', '"cvs"'))
    assert "system" in str(error.value)
    assert "delivery.kind" in str(error.value)


def test_an_unknown_environment_names_those_there_are() -> None:
    with pytest.raises(
        ConfigurationError, match=r"environment 'lokal': no file conf/env/lokal.toml; there are .*local"
    ):
        load_environment("lokal")


def test_an_unknown_source_names_those_there_are(world: World) -> None:
    with pytest.raises(ConfigurationError, match=r"\['calls'\]: not in conf/sources; there are .*'call_logs'"):
        load_contracts(world.environment, ("calls",))


def test_a_secret_must_be_a_reference(world: World) -> None:
    world.file.write_text(world.file.read_text().replace(f"file:{world.root}/secrets", "hunter2"))
    with pytest.raises(ConfigurationError, match=r"secrets\.database: found a text of 7 char.*, allowed"):
        world.environment  # noqa: B018 - reading it validates it


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        ("[secrets]\n", '[secrets]\ncore = "postgresql://reader:Canary1@db/x"\n'),  # pragma: allowlist secret
        ("[secrets]\n", '[secrets]\n"Canary2" = "env:KEY"\n'),
        ("[secrets]\n", '[secrets]\ncore = { password = "Canary3" }\n'),  # pragma: allowlist secret
        ("[secrets]\n", '[secrets]\ncore = ["Canary3"]\n'),
        ("[secrets]\n", 'db_password = 1\n[secrets]\ncore = "Canary4\n'),
        ("[secrets]\n", '[secrets]\n"p:Canary" = 1\n"p:Canary" = 2\n'),
        ("[secrets]\n", '[secrets]\nx = { "p:Canary" = 1, "p:Canary" = 2 }\n'),
        ("[secrets]\n", 'secret = "Canary4"\n[secrets]\n'),  # pragma: allowlist secret
        ("services = { ", 'services = { x = "http://user:Canary@host", '),  # pragma: allowlist secret
        ("services = { ", 'services = { x = "https://user:Canary#y@host", '),
        ("services = { ", 'services = { x = "Canary", '),
        ("services = { ", 'services = { "https://u:Canary@h" = "env:X", '),  # pragma: allowlist secret
        ("postgres = { ", 'postgres = "postgresql://reader:Canary@db" #'),  # pragma: allowlist secret
        ("postgres = { ", 'postgres = { "reader:Canary@db" = 1, '),
        ("spreadsheets = { ", 'spreadsheets = { x = "Canary/5", '),
    ],
)
def test_x6_what_stands_where_a_reference_belongs_is_not_shown(world: World, found: str, instead: str) -> None:
    text = world.file.read_text()
    assert found in text
    world.file.write_text(text.replace(found, instead))
    with pytest.raises(ConfigurationError, match=r"env\.toml") as error:
        world.environment  # noqa: B018 - reading it validates it
    assert "Canary" not in str(error.value)


def test_a_source_whose_secret_the_environment_lacks_is_named(world: World) -> None:
    world.file.write_text(world.file.read_text().replace("\ndatabase =", "\nother ="))
    with pytest.raises(ConfigurationError, match=r"secrets\.database: found nothing, but web_forms needs it"):
        load_contracts(world.environment)


def test_the_shipped_configuration_is_valid_and_names_both_spellings_of_the_keys() -> None:
    contracts = load_contracts(load_environment("local"))
    assert sorted(contracts) == ["agents", "call_logs", "customers", "service_outages", "social_media", "web_forms"]
    delivery = contracts["call_logs"].delivery
    assert delivery.kind == "csv"
    assert [path.format(date=date(2025, 11, 20)) for path in delivery.paths] == [
        "call logs/call_logs_day_2025-11-20.csv",
        "call_logs/call_logs_day_2025-11-20.csv",
    ]


def test_the_source_contracts_may_lie_elsewhere(world: World, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "conf/sources", tmp_path / "mine")
    world.file.write_text(f'contracts = "{tmp_path}/mine"\n' + world.file.read_text())
    assert len(load_contracts(world.environment)) == 6


def test_the_shipped_environments_are_valid() -> None:
    kinds = {path.stem: load_environment(path.stem).warehouse.kind for path in (ROOT / "conf/env").glob("*.toml")}
    assert kinds == {
        "local": "delta",
        "s3": "delta",
        "compose": "delta",
        "bigquery": "bigquery",
        "snowflake": "snowflake",
    }


def test_a_warehouse_in_bigquery_needs_its_secret(tmp_path: Path) -> None:
    path = tmp_path / "cloud.toml"
    warehouse = '{ kind = "bigquery", project = "core-telecoms", location = "EU" }'
    path.write_text(f'sources = "sources"\nlake = "lake"\nwarehouse = {warehouse}\n')
    with pytest.raises(ConfigurationError, match=r"secrets.bigquery: found nothing"):
        load_environment(str(path))
    named = warehouse.replace(" }", ', dbt_secret = "other" }')
    path.write_text(f'sources = "a"\nlake = "b"\nwarehouse = {named}\nsecrets = {{ bigquery = "env:KEY" }}\n')
    with pytest.raises(ConfigurationError, match=r"secrets.other: found nothing"):
        load_environment(str(path))


@pytest.mark.parametrize(
    ("lake", "login", "message"),
    [
        ("s3://lake", "", "exactly one must name a secret; passwords are not taken"),
        ("s3://lake", 'private_key = "env:KEY", oauth_token = "env:TOKEN"', "exactly one must name a secret"),
        ("s3://lake", 'private_key = "-----BEGIN"', r"warehouse.private_key: found a text of 10 characters"),
        ("lake", 'private_key = "env:KEY"', "lake: Snowflake copies from S3"),
    ],
)
def test_a_warehouse_in_snowflake_logs_in_by_a_reference_and_copies_from_s3(
    tmp_path: Path, lake: str, login: str, message: str
) -> None:
    path = tmp_path / "cloud.toml"
    names = 'account = "a", user = "u", role = "r", warehouse = "w", database = "d"'
    warehouse = f'{{ kind = "snowflake", {names}{", " * bool(login)}{login} }}'
    path.write_text(f'sources = "sources"\nlake = "{lake}"\nwarehouse = {warehouse}\n')
    with pytest.raises(ConfigurationError, match=message):
        load_environment(str(path))


SNOWFLAKE = 'kind = "snowflake", account = "a", user = "u", role = "r", warehouse = "w", database = "d"'


@pytest.mark.parametrize(
    "kind",
    ['kind = "bigquery", project = "core-telecoms", location = "EU"', f'{SNOWFLAKE}, private_key = "env:KEY"'],
)
def test_persons_and_what_is_not_tested_yet_have_schemas_of_their_own_beside_gold(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "cloud.toml"
    rest = 'sources = "s3://a"\nlake = "s3://b"\nsecrets = { bigquery = "env:KEY" }\n'
    path.write_text(f'{rest}warehouse = {{ {kind}, gold = "marts" }}\n')
    warehouse = load_environment(str(path)).warehouse
    assert not isinstance(warehouse, DeltaWarehouse)
    assert (warehouse.private, warehouse.build) == ("marts_private", "marts_build")
    for name, found, message in (
        ("gold_private", "marts", "gold_private: found 'marts', which is gold"),
        ("gold_build", "marts", "gold_build: found 'marts', whose readers"),
        ("gold_build", "marts_private", "gold_build: found 'marts_private', whose readers"),
    ):
        path.write_text(f'{rest}warehouse = {{ {kind}, gold = "marts", {name} = "{found}" }}\n')
        with pytest.raises(ConfigurationError, match=message):
            load_environment(str(path))


@pytest.mark.parametrize("name", ["BIGQUERY_EMULATOR_HOST", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM"])
def test_x12_a_variable_that_sends_tokens_over_plain_http_elsewhere_is_refused_by_name(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in ("https://s3.example", "http://127.0.0.1:9", ""):
        monkeypatch.setenv(name, url)
        assert world.environment
    for url in ("http://Canary.example", "http://Canary@127.0.0.1", "http://127.0.0.1.Canary", "http://[Canary"):
        monkeypatch.setenv(name, url)
        with pytest.raises(ConfigurationError, match=f"the variable {name}: an address") as error:
            world.environment  # noqa: B018 - reading it validates it
        assert "Canary" not in str(error.value)


def test_x12_an_s3_endpoint_over_plain_http_is_refused_but_for_containers_that_are_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = world.file.read_text()
    for service in ('endpoint = "http://minio:9000"', 'endpoint = "http://a.b"\nplain_http = ["a.b"]'):
        world.file.write_text(f"{text}[s3]\n{service}\n")
        with pytest.raises(ConfigurationError, match=r"s3(\.plain_http.0)?: (an address|found)"):
            world.environment  # noqa: B018 - reading it validates it
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "http://minio:9000")
    world.file.write_text(f'{text}[s3]\nendpoint = "http://minio:9000"\nplain_http = ["minio"]\n')
    assert world.environment.s3.endpoint == "http://minio:9000"


def test_an_endpoint_of_awss_own_configuration_is_checked_where_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[default]\nendpoint_url = http://Canary.example\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with pytest.raises(ConfigurationError, match="S3's endpoint: an address"):
        get_endpoint(S3Location("bucket", "", Service(region="eu-north-2")))


@pytest.mark.parametrize("name", ["spark.hadoop.fs.s3a.secret.key", "spark.ssl.keyPassword"])
@pytest.mark.parametrize("value", ['"Canary"', '["Canary"]'])
def test_x12_spark_gets_no_secret_from_a_file_of_ours(world: World, name: str, value: str) -> None:
    world.file.write_text(f'{world.file.read_text()}[spark]\n"{name}" = {value}\n')
    with pytest.raises(ConfigurationError, match=rf"spark.*{name}") as error:
        world.environment  # noqa: B018 - reading it validates it
    assert "Canary" not in str(error.value)
