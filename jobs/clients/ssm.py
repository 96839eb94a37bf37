"""The parameter store of AWS (SSM), its errors as ours."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jobs.errors import ConfigurationError, ServiceError
from jobs.masking import describe

REGION = "eu-north-1"  # where everything of CoreTelecoms is, unless AWS_REGION or AWS_DEFAULT_REGION says otherwise
_DENIED = ("AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException", "InvalidKeyId")
_THROTTLED = ("ThrottlingException", "Throttling", "TooManyRequestsException", "InternalServerError")


def parameter(name: str) -> str:
    """Decrypted. Raises ConfigurationError, ServiceError."""
    with _parameter_store(name) as client:
        return str(client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])


def parameters(path: str) -> Iterator[tuple[str, str]]:
    """Name below `path` -> value. An unknown path is an empty answer, not an error."""
    with _parameter_store(path) as client:
        pages = client.get_paginator("get_parameters_by_path").paginate(Path=path, WithDecryption=True)
        for page in pages:
            for parameter in page["Parameters"]:
                yield parameter["Name"].rpartition("/")[2], parameter["Value"]


@contextmanager
def _parameter_store(path: str) -> Iterator[Any]:
    """A client of AWS SSM, its errors as ours."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

    from jobs.clients.s3_session import NOT_PASSING

    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or REGION
    retries = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=10, read_timeout=30)
    try:
        # A session of its own: the default one is not made for threads, and sources are read side by side.
        yield boto3.session.Session().client("ssm", region_name=region, config=retries)
    except (NoCredentialsError, PartialCredentialsError):
        raise ConfigurationError(
            f"secret ssm:{path}: no AWS credentials; give this machine a role, or AWS_PROFILE"
        ) from None
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code == "ParameterNotFound":
            raise ConfigurationError(f"secret ssm:{path}: no such parameter in {region}") from None
        if code in _DENIED:
            raise ConfigurationError(
                f"secret ssm:{path}: {code} in {region}; the role needs ssm:GetParameter and "
                f"ssm:GetParametersByPath on parameter{path}, and kms:Decrypt on its key"
            ) from None
        if code in _THROTTLED or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
            raise ServiceError(f"secret ssm:{path}: {code} from SSM in {region} after 5 tries; run again") from None
        raise ConfigurationError(f"secret ssm:{path}: {code} from SSM in {region}") from None
    except NOT_PASSING as error:
        raise ConfigurationError(f"secret ssm:{path}: {describe(error)}") from None
    except BotoCoreError as error:
        raise ServiceError(f"secret ssm:{path}: SSM in {region}: {describe(error)}") from None
