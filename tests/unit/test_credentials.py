import json
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from demo.web import Reply, Request, answering, json_reply
from jobs.clients.credentials import (
    read_database,
    read_secret,
    read_service_account,
    resolve_address,
    resolve_identifier,
)
from jobs.errors import ConfigurationError, ServiceError
from tests.s3.acts import JOBS, not_allowed
from tests.s3.server import ACCOUNT, Server, serving

PATH = "/coretelecomms/of_these_tests"  # moto keeps one store a process, and other tests fill the usual path
SIX = {
    "db_host": "db.example",
    "db_port": "5432",
    "db_username": "reader",
    "db_password": "heron-77-quartz",
    "db_name": "complaints",
    "table_schema_name": "customer_complaints",
}


# Asked for in a test, and more than the execution role may.
BEYOND = f"ssm:GetParameter arn:aws:ssm:eu-north-1:{ACCOUNT}:parameter/airflow/connections/NONE"


@pytest.fixture(scope="module")
def moto() -> Iterator[Server]:
    """What was asked for as the jobs is within their role's rights."""
    with serving() as server:
        yield server
    assert not_allowed(server.requests, ACCOUNT, "eu-north-1") <= {BEYOND}


@pytest.fixture
def ssm(moto: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    aws(monkeypatch, moto.url)
    names = {"aws_access_key_id": "tests", "aws_secret_access_key": "nothing", "region_name": "eu-north-1"}
    client = boto3.client("ssm", endpoint_url=moto.url, **names)
    yield client
    pages = list(client.get_paginator("describe_parameters").paginate())
    for name in [found["Name"] for page in pages for found in page["Parameters"]]:
        client.delete_parameter(Name=name)


def aws(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", JOBS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")


def put(ssm: object, parameters: dict[str, str]) -> None:
    for name, content in parameters.items():
        ssm.put_parameter(Name=f"{PATH}/{name}", Value=content, Type="SecureString")


def test_the_six_parameters_of_a_database_come_from_ssm_over_several_pages(ssm: object) -> None:
    put(ssm, {f"a_{number}": "x" for number in range(12)} | SIX)  # ten a page, and the six are behind them
    found = read_database(f"ssm:{PATH}")
    assert (found.db_host, found.db_port) == ("db.example", 5432)
    assert found.db_password.get_secret_value() == SIX["db_password"]
    assert SIX["db_password"] not in repr(found)


def test_an_unknown_path_is_not_an_empty_database(ssm: object) -> None:
    with pytest.raises(ConfigurationError, match=rf"secret ssm:{PATH}: found \[\], missing \['db_host', .*'table_sch"):
        read_database(f"ssm:{PATH}")


@pytest.mark.parametrize("scheme", ["file", "env", "ssm", "connection"])
def test_a_line_end_behind_a_value_is_no_part_of_it_wherever_it_is_kept(
    scheme: str, ssm: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = "p w"
    wanted = {"db_host": "h", "db_port": "5432", "db_username": "u", "db_password": word, "db_name": "d"}
    wanted["table_schema_name"] = "s"
    for name, value in wanted.items():
        (tmp_path / name).write_text(f" {value}\r\n")
        monkeypatch.setenv(f"PASTED_{name.upper()}", f" {value}\n")
    put(ssm, {name: f"{value}\n" for name, value in wanted.items()})
    fields = {"host": "h\n", "port": 5432, "login": "u\n", "password": f"{word}\n", "schema": "d\n"}
    monkeypatch.setenv("AIRFLOW_CONN_pasted", json.dumps({**fields, "extra": {"table_schema_name": "s\n"}}))
    target = {"file": str(tmp_path), "env": "PASTED", "ssm": PATH, "connection": "pasted"}[scheme]
    found = read_database(f"{scheme}:{target}")
    password = found.db_password.get_secret_value()
    assert {**found.model_dump(), "db_password": password} == {**wanted, "db_port": 5432}


def test_a_half_filled_set_names_what_is_there_and_what_is_missing(ssm: object) -> None:
    put(ssm, {name: content for name, content in SIX.items() if name != "db_password"})
    with pytest.raises(ConfigurationError, match=r"found \['db_host', .*\], missing \['db_password'\]"):
        read_database(f"ssm:{PATH}")


def test_a_value_that_cannot_be_used_is_named_and_not_shown(ssm: object) -> None:
    put(ssm, SIX | {"db_port": "heron-77-quartz"})
    with pytest.raises(ConfigurationError, match=r"\['db_port'\] cannot be used") as error:
        read_database(f"ssm:{PATH}")
    assert "heron" not in str(error.value)


def test_a_single_parameter_is_decrypted_and_a_missing_one_is_named(ssm: object) -> None:
    put(ssm, {"token": "heron-77-quartz"})
    assert read_secret(f"ssm:{PATH}/token").get_secret_value() == "heron-77-quartz"
    with pytest.raises(ConfigurationError, match=rf"ssm:{PATH}/nothing: no such parameter in eu-north-1"):
        read_secret(f"ssm:{PATH}/nothing")


def fault(name: str, status: int = 400) -> Reply:
    return json_reply({"__type": name, "message": name}, status)


def test_a_denied_parameter_says_which_rights_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(lambda _: fault("AccessDeniedException")) as endpoint:
        aws(monkeypatch, endpoint)
        with pytest.raises(
            ConfigurationError, match=r"needs ssm:GetParameter and ssm:GetParametersByPath .*kms:Decrypt"
        ):
            read_database(f"ssm:{PATH}")


def test_without_aws_credentials_the_error_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    aws(monkeypatch, "http://127.0.0.1:9")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="no AWS credentials"):
        read_database(f"ssm:{PATH}")


def test_a_throttled_parameter_store_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Request] = []

    def answer(request: Request) -> Reply:
        asked.append(request)
        found = [{"Name": f"{PATH}/{name}", "Value": content} for name, content in SIX.items()]
        return fault("ThrottlingException") if len(asked) == 1 else json_reply({"Parameters": found})

    with answering(answer) as endpoint:
        aws(monkeypatch, endpoint)
        assert read_database(f"ssm:{PATH}").db_name == "complaints"
    assert len(asked) == 2
    assert "/eu-north-1/ssm/" in asked[0].headers["authorization"]


@pytest.mark.slow
def test_a_parameter_store_that_stays_throttled_is_a_service_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(lambda _: fault("ThrottlingException")) as endpoint:
        aws(monkeypatch, endpoint)
        with pytest.raises(ServiceError, match="ThrottlingException from SSM in eu-north-1 after 5 tries"):
            read_secret(f"ssm:{PATH}/token")


def test_single_secrets_come_from_variables_and_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OUTAGES_TOKEN", "heron-77-quartz")
    (tmp_path / "token").write_text("heron-77-quartz\n")
    for reference in ("env:OUTAGES_TOKEN", f"file:{tmp_path}/token"):
        assert read_secret(reference).get_secret_value() == "heron-77-quartz"
    with pytest.raises(ConfigurationError, match="secret env:NOT_THERE: found nothing"):
        read_secret("env:NOT_THERE")
    with pytest.raises(ConfigurationError, match=r"cannot be read .FileNotFoundError"):
        read_secret(f"file:{tmp_path}/none")


@pytest.mark.parametrize(
    ("content", "why"), [("heron-77", "not JSON"), ("{}", "no service account's key"), ("[]", "no se")]
)
def test_what_is_no_service_accounts_key_is_refused_unseen(tmp_path: Path, content: str, why: str) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(ConfigurationError, match=why) as error:
        read_service_account(f"file:{tmp_path}/key")
    assert "heron" not in str(error.value)


def test_a_secret_never_goes_to_plain_http_on_another_machine(tmp_path: Path) -> None:
    (tmp_path / "api").write_text("http://127.0.0.1:8080/\n")
    assert resolve_address(f"file:{tmp_path}/api") == "http://127.0.0.1:8080"
    assert resolve_address("https://api.example/v2/") == "https://api.example/v2"
    with pytest.raises(ConfigurationError, match="http:// on this machine only"):
        resolve_address("http://api.example")
    with pytest.raises(ConfigurationError, match=r"a password in it"):
        resolve_address("https://me:heron@api.example")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "http://user:Canary@host",  # pragma: allowlist secret
            "https://Canary:9a@host/x",  # pragma: allowlist secret
            "https://me:Can#ary@host",  # pragma: allowlist secret
            "https://me:Can/ary@host",  # pragma: allowlist secret
        ),
        *("https://[Canary", "https://host:Canary/", "http://Canary.example", "ftp://Canary", "Canary"),
    ],
)
def test_x6_an_address_that_is_refused_is_not_shown(text: str, tmp_path: Path) -> None:
    (tmp_path / "api").write_text(text)
    for given in (text, f"file:{tmp_path}/api"):
        with pytest.raises(ConfigurationError, match="services: ") as error:
            resolve_address(given)
        assert not any(part in str(error.value) for part in ("Can", "ary"))


@pytest.mark.parametrize("letter", ["#", "/", "?", "["])
def test_x5_a_connections_uri_with_a_reserved_letter_is_refused_without_a_letter_of_it(
    letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for password in (f"S3cret{letter}Canary", f"{letter}Canary", f"1234{letter}Canary"):
        monkeypatch.setenv("AIRFLOW_CONN_CORE", f"postgresql://reader:{password}@db:5432/core")
        with pytest.raises(ConfigurationError, match=r"cannot be told apart; write .* as %23") as error:
            read_database("connection:CORE")
        text = str(error.value)
        assert not any(part in text for part in ("S3cret", "Canary", "reader", "1234", "5432"))


def test_a_connections_uri_with_encoded_letters_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = "postgresql://reader:a%23%2F%3F%5B%40b@db:5432/core?sslmode=require"  # pragma: allowlist secret
    monkeypatch.setenv("AIRFLOW_CONN_CORE", uri)
    assert read_database("connection:CORE").db_password.get_secret_value() == "a#/?[@b"


PLAIN = {"login": "r", "schema": "s", "password": "p"}  # pragma: allowlist secret


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"password": "Canary"', "broken JSON at character 21"),  # pragma: allowlist secret
        ('{"password": "Canary", "extra": "{Canary"}', "broken JSON at character 1"),  # pragma: allowlist secret
        ('{"password": "Canary", "extra": ["Canary"]}', "its extra is no object"),  # pragma: allowlist secret
        ("postgres://db/x?__extra__=Canary", "broken JSON at character 0"),
        (json.dumps({**PLAIN, "host": "postgresql://r:Canary@db"}), "db_host"),  # pragma: allowlist secret
    ],
)
def test_x5_a_connection_that_cannot_be_read_is_not_shown(text: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CORE", text)
    with pytest.raises(ConfigurationError, match=why) as error:
        read_database("connection:CORE")
    assert "Canary" not in str(error.value)


def test_a_secret_behind_file_is_not_shown() -> None:
    for text in ("file:Canary4", "file:postgresql://reader:Canary4@db/x"):  # pragma: allowlist secret
        with pytest.raises(ConfigurationError, match="secret file: and ") as error:
            read_secret(text)
        assert "Canary" not in str(error.value)


def test_what_is_no_id_behind_a_variable_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_AGENTS", "https://Canary")
    with pytest.raises(ConfigurationError, match="14 characters that are no id") as error:
        resolve_identifier("variable:AGENTS")
    assert "Canary" not in str(error.value)


def test_a_service_accounts_key_is_read_whole(tmp_path: Path) -> None:
    key = {"client_email": "a@b", "private_key": "x", "token_uri": "https://t"}
    (tmp_path / "key").write_text(json.dumps(key))
    assert read_service_account(f"file:{tmp_path}/key") == key


CONNECTION = {
    "login": "reader",
    "password": "heron-77-quartz",
    "host": "db.example",
    "port": 5432,
    "schema": "complaints",
}
KEY = {"client_email": "a@example", "private_key": "x", "token_uri": "https://oauth2.example/token"}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"conn_type": "postgres"} | CONNECTION),
        "postgres://reader:heron-77-quartz@db.example:5432/complaints",
    ],
)
def test_a_database_comes_from_airflows_connection_as_json_or_uri(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CORE_TELECOMS_POSTGRES_CONN", text)
    found = read_database("connection:CORE_TELECOMS_POSTGRES_CONN")
    assert {**found.model_dump(), "db_password": found.db_password.get_secret_value()} == SIX | {"db_port": 5432}


def test_airflows_connections_and_variables_are_read_from_ssm(ssm: object, moto: Server) -> None:
    stored = {
        "connections/CORE_TELECOMS_POSTGRES_CONN": json.dumps(CONNECTION),
        "variables/AGENTS_SPREADSHEET_ID": "1AbC",
    }
    for name, content in stored.items():
        ssm.put_parameter(Name=f"/airflow/{name}", Value=content, Type="SecureString")
    assert read_database("connection:CORE_TELECOMS_POSTGRES_CONN").db_password.get_secret_value() == SIX["db_password"]
    assert read_secret("connection:CORE_TELECOMS_POSTGRES_CONN").get_secret_value() == SIX["db_password"]
    assert resolve_identifier("variable:AGENTS_SPREADSHEET_ID") == "1AbC"
    with pytest.raises(ConfigurationError, match=r"/airflow/connections/NONE: no such parameter"):
        read_database("connection:NONE")
    assert not_allowed(moto.requests, ACCOUNT, "eu-north-1") == {BEYOND}


@pytest.mark.parametrize("name", ["keyfile_dict", "extra__google_cloud_platform__keyfile_dict"])
@pytest.mark.parametrize("written", [dict, json.dumps])
def test_googles_key_is_found_in_the_connections_extra(
    name: str, written: Callable[[object], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps({"conn_type": "google_cloud_platform", "extra": json.dumps({name: written(KEY)})})
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_SHEETS_API_CONN", text)
    assert read_service_account("connection:GOOGLE_SHEETS_API_CONN") == KEY
