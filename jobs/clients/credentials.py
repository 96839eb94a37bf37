"""Secret references resolved where they are used; values are never logged, never arguments, in no message."""

import json
import os
import re
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from jobs.clients import ssm
from jobs.clients.location import ROOT
from jobs.clients.options import Retries
from jobs.clients.url import checked_url
from jobs.errors import ConfigurationError, ServiceError

# Where a value is, never the value: a variable, a file or folder, a parameter or path of the AWS parameter store, a
# connection of Airflow's.
REFERENCE = r"env:[A-Z][A-Z0-9_]*|file:.+|ssm:/[A-Za-z0-9_./-]+|connection:[A-Za-z][A-Za-z0-9_]*"
Reference = Annotated[str, Field(pattern=f"^({REFERENCE})$")]


def _checked_address(text: str) -> str:
    return text if re.fullmatch(REFERENCE, text) else checked_url(text)


# Of a service: itself, or where it stands; then `resolve_address` checks what stands there.
Address = Annotated[str, Field(pattern=f"^(https?://[^/]+.*|{REFERENCE})$"), AfterValidator(_checked_address)]

_TRIES = Retries(http=2)  # of a token, where no environment says otherwise


class Database(BaseModel):
    """The six parameters of a Postgres source, named as the supplier's parameter store names them."""

    model_config = ConfigDict(frozen=True)

    db_host: Annotated[str, Field(pattern=r"^(/[^@]*|[^@/?#\s]+)$")]  # messages name it: no URI with a password
    db_port: int
    db_username: str
    db_password: SecretStr
    db_name: str
    table_schema_name: str

    @property
    def jdbc_url(self) -> str:
        """Without the password: inside a URL it would show in error messages."""
        return f"jdbc:postgresql://{self.db_host}:{self.db_port}/{self.db_name}"


def shown(reference: str) -> str:
    """A reference as messages name it; what looks like a secret that was written behind `file:` is not shown."""
    scheme, _, target = reference.partition(":")
    is_secret = scheme == "file" and ("/" not in target or "@" in target or "://" in target)
    return f"file: and {len(target)} characters (not shown)" if is_secret else reference


def read_database(reference: str) -> Database:
    """Of `env:PREFIX` (PREFIX_DB_HOST, ...), `file:FOLDER` (a file a parameter), `ssm:/path` or `connection:ID`."""
    scheme, _, target = reference.partition(":")
    names = tuple(Database.model_fields)
    if scheme == "env":
        values = {name: os.environ.get(f"{target}_{name}".upper()) for name in names}
    elif scheme == "ssm":
        values = dict(ssm.parameters(target))
    elif scheme == "connection":
        values = _map_database(read_connection(target))
    else:
        folder = ROOT / target
        values = {name: (folder / name).read_text() for name in names if (folder / name).is_file()}
    # Whoever pastes a value puts a line end behind it, wherever it is kept.
    stripped = {name: value.strip() for name, value in values.items() if value and name in names}
    parameters = {name: value for name, value in stripped.items() if value}
    if missing := [name for name in names if name not in parameters]:
        raise ConfigurationError(f"secret {shown(reference)}: found {sorted(parameters)}, missing {missing}")
    try:
        return Database.model_validate(parameters)
    except ValidationError as error:
        wrong = [str(detail["loc"][0]) for detail in error.errors()]
        raise ConfigurationError(f"secret {shown(reference)}: {wrong} cannot be used (values are not shown)") from None


def read_secret(reference: str) -> SecretStr:
    """A single value, of `env:NAME`, `file:PATH`, `ssm:/path/name` or `connection:ID` (its password).

    Raises ConfigurationError, ServiceError.
    """
    scheme, _, target = reference.partition(":")
    if scheme == "env":
        text = os.environ.get(target, "")
    elif scheme == "ssm":
        text = ssm.parameter(target)
    elif scheme == "connection":
        text = read_connection(target).get("password") or ""
    else:
        try:
            text = (ROOT / target).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"secret {shown(reference)}: cannot be read ({type(error).__name__})") from None
    if not text.strip():
        raise ConfigurationError(f"secret {shown(reference)}: found nothing")
    return SecretStr(text.strip())


def read_service_account(reference: str) -> dict[str, Any]:
    """A Google service account's key, as its JSON file holds it. Raises ConfigurationError."""
    key = _read_google_json(reference)
    if missing := [name for name in ("client_email", "private_key", "token_uri") if not key.get(name)]:
        raise ConfigurationError(f"secret {shown(reference)}: no service account's key, {missing} missing in it")
    return _checked_key(key, reference)


def _checked_key(key: dict[str, Any], reference: str) -> dict[str, Any]:
    """What is sent to these addresses is worth a token: over TLS, or to this machine."""
    for name in ("token_uri", "token_url", "service_account_impersonation_url"):
        try:
            checked_url(str(key.get(name) or "https://none"))
        except ValueError as error:
            raise ConfigurationError(f"secret {shown(reference)}: {name}: {error}") from None
    return key


def get_google_credentials(reference: str, scope: str) -> Any:
    """Google's credentials with a token of about an hour: by a service account's key, or from AWS by federation."""
    from google.auth import aws
    from google.auth.exceptions import GoogleAuthError, TransportError
    from google.oauth2 import service_account as account

    try:
        if (info := _read_google_json(reference)).get("type") == "external_account":
            info = _checked_key(info, reference)
            supplied = {name: text for name, text in info.items() if name != "credential_source"}
            minting: Any = aws.Credentials.from_info(  # type: ignore[no-untyped-call]
                {**supplied, "aws_security_credentials_supplier": _FromAws()}, scopes=[scope]
            )
        else:
            key = read_service_account(reference)
            minting = account.Credentials.from_service_account_info(key, scopes=[scope])  # type: ignore[no-untyped-call]
        credentials = make_bearer(minting)
        credentials.refresh(_transport())
    except TransportError as error:
        raise ServiceError(f"secret {shown(reference)}: Google's token endpoint: {type(error).__name__}") from None
    except (GoogleAuthError, ValueError) as error:
        raise ConfigurationError(
            f"secret {shown(reference)}: Google gives no token: {describe_refusal(error)}"
        ) from None
    return credentials


def describe_refusal(error: Exception) -> str:
    """OAuth's code (RFC 6749, section 5.2) of what a token endpoint says, else what was raised: no description."""
    code = re.match(r"[a-z]+_[a-z_]+(?=:|$)", str(error.args[0] if error.args else ""))
    return code[0] if code else type(error).__name__


def make_bearer(minting: Any, retries: Retries = _TRIES) -> Any:
    """Credentials that carry the tokens of others, and ask nobody else.

    google-auth's service accounts ask iamcredentials.googleapis.com in the background where they may be used.
    """
    from google.oauth2.credentials import Credentials

    def mint(_: object, **__: object) -> tuple[str, datetime]:
        minting.refresh(_transport(retries))
        return minting.token, minting.expiry

    return Credentials(None, refresh_handler=mint)  # type: ignore[no-untyped-call]


def _transport(retries: Retries = _TRIES) -> Any:
    """google-auth's way to a token endpoint: to that one only, and as nobody that a ~/.netrc names.

    What may pass is waited out, and then a TransportError: google-auth takes a 502 for a refusal of the key.
    """
    from google.auth.transport.requests import Request
    from requests import Session

    from jobs.clients.http import confine, mount_retries

    session = Session()
    confine(session)
    mount_retries(session, retries, "POST", raises=True)
    return Request(session)


def _read_google_json(reference: str) -> dict[str, Any]:
    try:
        content = _read_key(reference)
    except json.JSONDecodeError:
        raise ConfigurationError(
            f"secret {shown(reference)}: not JSON; allowed is a service account's key file"
        ) from None
    return content if isinstance(content, dict) else {}


class _FromAws:
    """google-auth's supplier of AWS credentials: boto3's chain, which knows EMR Serverless too."""

    def get_aws_security_credentials(self, _context: object, _request: object) -> Any:
        from boto3.session import Session
        from google.auth.aws import AwsSecurityCredentials

        credentials = Session().get_credentials()
        if credentials is None:
            raise ConfigurationError("no AWS credentials to federate; give this machine a role, or AWS_PROFILE")
        frozen = credentials.get_frozen_credentials()
        return AwsSecurityCredentials(frozen.access_key, frozen.secret_key, frozen.token)

    def get_aws_region(self, _context: object, _request: object) -> str:
        return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ssm.REGION


def read_connection(name: str) -> dict[str, Any]:
    """A connection as Airflow keeps it: in the variable AIRFLOW_CONN_NAME, else in AWS SSM; JSON, or a URI."""
    text = os.environ.get(f"AIRFLOW_CONN_{name}") or ssm.parameter(f"/airflow/connections/{name}")
    try:
        fields = json.loads(text) if text.lstrip().startswith("{") else _parse_uri(text)
        if isinstance(extra := fields.get("extra") or {}, str):
            extra = json.loads(extra)
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"secret connection:{name}: broken JSON at character {error.pos}") from None
    except ValueError:
        raise ConfigurationError(
            f"secret connection:{name}: a URI whose parts cannot be told apart; write # / ? [ ] @ of user and password "
            "as %23 %2F %3F %5B %5D %40, or the connection as JSON"
        ) from None
    if not isinstance(extra, dict):
        raise ConfigurationError(f"secret connection:{name}: its extra is no object of JSON")
    return fields | {"extra": extra}


def resolve_identifier(text: str) -> str:
    """Itself, or what a reference holds, or Airflow's variable of `variable:NAME`: AIRFLOW_VAR_NAME, or in AWS SSM."""
    if re.fullmatch(REFERENCE, text):
        return read_secret(text).get_secret_value()
    if not text.startswith("variable:"):
        return text
    name = text.removeprefix("variable:")
    found = (os.environ.get(f"AIRFLOW_VAR_{name}") or ssm.parameter(f"/airflow/variables/{name}")).strip()
    if not re.fullmatch("[A-Za-z0-9_-]+", found):  # messages and `_source_uri` name it
        raise ConfigurationError(f"variable:{name}: {len(found)} characters that are no id (not shown)")
    return found


def _parse_uri(text: str) -> dict[str, Any]:
    """Raises ValueError where a reserved letter ends the password too soon: what follows would be taken for a host."""
    parts = urlsplit(text.strip())
    if parts.fragment or ("@" in parts.path + parts.query and "@" not in parts.netloc):
        raise ValueError("reserved letters")
    extra = dict(parse_qsl(parts.query))
    return {
        "login": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "host": unquote(parts.hostname or ""),
        "port": parts.port,
        "schema": unquote(parts.path.lstrip("/")),
        "extra": json.loads(extra["__extra__"]) if "__extra__" in extra else extra,
    }


def _map_database(fields: dict[str, Any]) -> dict[str, str | None]:
    """The six parameters; Airflow calls the database `schema`, the schema of the tables stands in `extra`."""
    named = {
        "db_host": "host",
        "db_port": "port",
        "db_username": "login",
        "db_password": "password",  # pragma: allowlist secret
        "db_name": "schema",
    }
    parameters = {ours: fields.get(theirs) for ours, theirs in named.items()}
    parameters |= {"db_port": parameters["db_port"] or 5432}
    parameters["table_schema_name"] = fields["extra"].get("table_schema_name", "customer_complaints")
    return {name: None if value is None else str(value) for name, value in parameters.items()}


def _read_key(reference: str) -> Any:
    """As a JSON text, or in the extra of a connection to Google Cloud, which calls it by an old and a new name."""
    if not reference.startswith("connection:"):
        return json.loads(read_secret(reference).get_secret_value())
    extra = read_connection(reference.removeprefix("connection:"))["extra"]
    key = extra.get("keyfile_dict") or extra.get("extra__google_cloud_platform__keyfile_dict") or {}
    return json.loads(key) if isinstance(key, str) else key


def resolve_address(text: str) -> str:
    """A service's address, itself or by reference. Raises ConfigurationError where it would carry secrets in clear."""
    is_reference = re.fullmatch(REFERENCE, text)
    try:
        return checked_url(read_secret(text).get_secret_value() if is_reference else text).rstrip("/")
    except ValueError as error:
        raise ConfigurationError(f"services: {f'{shown(text)}: ' if is_reference else ''}{error}") from None
