"""Google's tokens: from a service account's key, and from AWS by federation, both on loopback."""

import json
from pathlib import Path
from urllib.parse import parse_qs, unquote

import pytest

from demo import services
from demo.web import Reply, Request, answering, json_reply
from jobs.clients.credentials import get_google_credentials
from jobs.errors import ConfigurationError, ServiceError

SCOPE = "https://www.googleapis.com/auth/bigquery"


def test_a_key_gives_a_token_and_a_new_one_when_that_has_ended(tmp_path: Path) -> None:
    with services.serving(list) as web:
        (tmp_path / "key").write_text(web.account_key)
        found = get_google_credentials(f"file:{tmp_path}/key", SCOPE)
        assert found.token == web.access_token
        web.access_token = "another-dummy"
        found.refresh(None)
        assert found.token == "another-dummy"
        assert [asked.path for asked in web.asked] == ["/token", "/token"]


def test_a_key_that_google_refuses_or_a_service_that_is_down_are_told_apart(tmp_path: Path) -> None:
    with services.serving(list) as web, services.serving(list) as other:
        key = json.loads(web.account_key) | {"token_uri": f"{other.address}/token"}
        (tmp_path / "key").write_text(json.dumps(key))
        with pytest.raises(ConfigurationError, match="gives no token: invalid_grant"):
            get_google_credentials(f"file:{tmp_path}/key", SCOPE)
        (tmp_path / "down").write_text(web.account_key)
    with pytest.raises(ServiceError, match="token endpoint"):
        get_google_credentials(f"file:{tmp_path}/down", SCOPE)


def test_aws_credentials_are_exchanged_for_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAHERON")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "heron-77")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    asked: list[Request] = []

    def exchange(request: Request) -> Reply:
        asked.append(request)
        return json_reply({"access_token": "federated-dummy", "expires_in": 3600, "token_type": "Bearer"})

    with answering(exchange) as address:
        configuration = {
            "type": "external_account",
            "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/aws",
            "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
            "token_url": f"{address}/v1/token",
            "credential_source": {
                "environment_id": "aws1",
                "regional_cred_verification_url": "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
            },
        }
        (tmp_path / "federation").write_text(json.dumps(configuration))
        assert get_google_credentials(f"file:{tmp_path}/federation", SCOPE).token == "federated-dummy"
    (request,) = asked
    subject = unquote(parse_qs(request.body.decode())["subject_token"][0])
    assert "Credential=AKIAHERON" in subject
    assert "sts.eu-north-1.amazonaws.com" in subject
    assert "heron-77" not in request.body.decode()
