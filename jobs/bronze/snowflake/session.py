"""Sessions with Snowflake: how they log in, and its errors as ours."""

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import snowflake.connector
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from snowflake.connector import SnowflakeConnection, errors
from snowflake.connector.vendored.requests.exceptions import RequestException

from jobs.clients.credentials import read_secret, resolve_identifier
from jobs.config.warehouses import SnowflakeWarehouse
from jobs.errors import ConfigurationError, PlatformError, ServiceError
from jobs.masking import describe

ABSENT = 2003  # does not exist, or is not ours to see
ABORTED = 625  # too many wait for the lock that this statement needs
_BROKEN_OFF = (603, 604, 630)  # internal error, cancelled, out of time: all may pass


def execute(connection: SnowflakeConnection, statement: str, *values: object) -> list[Any]:
    """Its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall()) if cursor.description else []


@contextmanager
def connect(warehouse: SnowflakeWarehouse, tag: dict[str, str]) -> Iterator[SnowflakeConnection]:
    """A session whose statements bear the query tag. Raises ConfigurationError, ServiceError, PlatformError."""
    with explain_errors(warehouse), open_connection(warehouse, tag) as connection:
        yield connection


def open_connection(warehouse: SnowflakeWarehouse, tag: dict[str, str]) -> SnowflakeConnection:
    """The same for who closes it; raises Snowflake's own errors."""
    return snowflake.connector.connect(
        account=resolve_identifier(warehouse.account),
        user=warehouse.user,
        role=warehouse.role,
        warehouse=warehouse.warehouse,
        database=warehouse.database,
        schema=warehouse.bronze,
        application="coretelecoms",
        platform_detection_timeout_seconds=0.0,  # else each session asks three clouds where it is, AWS by its API
        login_timeout=warehouse.login_timeout,
        network_timeout=warehouse.statement_timeout,
        session_parameters={
            "QUERY_TAG": json.dumps(tag),
            "TIMEZONE": "UTC",
            "STATEMENT_TIMEOUT_IN_SECONDS": warehouse.statement_timeout,
        },
        **_make_login(warehouse),
        **(warehouse.host.model_dump() if warehouse.host else {}),
    )


def make_dbt_login(warehouse: SnowflakeWarehouse) -> dict[str, str]:
    """The same login as variables of dbt/profiles.yml; it masks key and token in its log by their names."""
    login, host = _make_login(warehouse), warehouse.host
    key = b64encode(_encode_key(login["private_key"])).decode() if "private_key" in login else ""
    return {
        "CORETELECOMS_SNOWFLAKE_ACCOUNT": resolve_identifier(warehouse.account),
        "CORETELECOMS_SNOWFLAKE_USER": warehouse.user,
        "CORETELECOMS_SNOWFLAKE_ROLE": warehouse.role,
        "CORETELECOMS_SNOWFLAKE_WAREHOUSE": warehouse.warehouse,
        "CORETELECOMS_SNOWFLAKE_AUTHENTICATOR": login["authenticator"].lower(),
        "CORETELECOMS_SNOWFLAKE_HOST": host.host if host else "",
        "CORETELECOMS_SNOWFLAKE_PORT": str(host.port) if host else "",
        "CORETELECOMS_SNOWFLAKE_PROTOCOL": host.protocol if host else "",
        "SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true",  # as in opened
        "DBT_ENV_SECRET_SNOWFLAKE_KEY": key,
        "DBT_ENV_SECRET_SNOWFLAKE_TOKEN": login.get("token", ""),
    }


def _make_login(warehouse: SnowflakeWarehouse) -> dict[str, Any]:
    """A key pair, or an OAuth token; never a password."""
    if warehouse.oauth_token:
        return {"authenticator": "oauth", "token": read_secret(warehouse.oauth_token).get_secret_value()}
    assert warehouse.private_key
    return {"authenticator": "SNOWFLAKE_JWT", "private_key": _read_key(warehouse.private_key, warehouse.passphrase)}


@cache
def _read_key(private_key: str, passphrase: str | None) -> RSAPrivateKey:
    """Of references that a run resolves once: reading a key takes 50 ms of CPU, and each session needs it."""
    opened_by = passphrase and read_secret(passphrase).get_secret_value().encode()
    try:
        key = serialization.load_pem_private_key(
            read_secret(private_key).get_secret_value().encode(), opened_by or None
        )
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError(f"secret {private_key}: no private RSA key in PEM (PKCS#8) that the passphrase opens")
    return key


def _encode_key(key: RSAPrivateKey) -> bytes:
    der, pkcs8 = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    return key.private_bytes(der, pkcs8, serialization.NoEncryption())


@contextmanager
def explain_errors(warehouse: SnowflakeWarehouse) -> Iterator[None]:
    """Snowflake's errors as ours."""
    try:
        yield
    except errors.Error as error:
        raise _explain_error(warehouse, error) from None
    except RequestException as error:  # an answer that breaks off: the client neither repeats nor names it
        raise ServiceError(f"Snowflake {resolve_identifier(warehouse.account)}: {describe(error)}") from None


def _explain_error(warehouse: SnowflakeWarehouse, error: errors.Error) -> PlatformError:
    text = f"Snowflake {resolve_identifier(warehouse.account)}: {describe(error)}"
    if isinstance(error, errors.ProgrammingError) and error.errno == ABSENT:
        objects = f"schema {warehouse.database}.{warehouse.bronze}, stage {warehouse.database}.{warehouse.stage}"
        return ConfigurationError(f"{text}; {objects} must exist and role {warehouse.role} may use them")
    if 390100 <= (error.errno or 0) < 390500:
        return ConfigurationError(f"{text}; is the public key of {warehouse.user} the one of this private key?")
    is_down = isinstance(error, errors.OperationalError | errors.InternalServerError | errors.ServiceUnavailableError)
    if is_down or error.errno in _BROKEN_OFF:
        return ServiceError(text)
    return PlatformError(text)
