"""How S3 is spoken to: one client for all threads, its errors as ours, and what each request names."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigNotFound,
    ConfigParseError,
    InvalidConfigError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
)

from jobs.clients.location import S3Location
from jobs.clients.url import checked_url
from jobs.errors import ConfigurationError, DeliveryChangedError, ServiceError
from jobs.masking import describe

# What is wrong on this machine, or in what is asked for: trying again does not help.
NOT_PASSING = (
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ConfigNotFound,
    ConfigParseError,
    InvalidConfigError,
    InvalidRegionError,
    NoRegionError,
    ParamValidationError,
)
_MISSING = {"404", "NoSuchKey", "NotFound"}
_making = threading.Lock()
_FORBIDDEN = {
    *("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"),
    *("NoSuchBucket", "InvalidBucketName", "AuthorizationHeaderMalformed", "PermanentRedirect", "301"),
    *("AllAccessDisabled", "AccountProblem", "RequestTimeTooSkewed"),
}


class MissingError(Exception):
    """There is no such object."""


class ConflictError(Exception):
    """Another conditional write of the key is under way."""


@contextmanager
def explain_errors(at: S3Location) -> Iterator[None]:
    """botocore's errors as ours: what a retry would do about them is part of the type."""
    try:
        yield
    except NOT_PASSING as error:
        raise ConfigurationError(f"{at}: {describe(error)}") from error
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        if code in _MISSING:
            raise MissingError(str(at)) from error
        if code in ("412", "PreconditionFailed"):
            raise DeliveryChangedError(f"{at} changed while it was read; run again") from error
        if code in ("409", "ConditionalRequestConflict"):
            raise ConflictError(str(at)) from error
        if code == "InvalidObjectState":
            raise ConfigurationError(
                f"{at}: it is archived; restore it (RestoreObject), or have it kept readable"
            ) from error
        if code in _FORBIDDEN:
            owner = at.service.owners.get(at.bucket)
            hint = f"; the bucket must belong to {owner}" if owner else ""
            raise ConfigurationError(f"{at}: {code}: {describe(error)}{hint}") from error
        raise ServiceError(f"{at}: {describe(error)}") from error
    except BotoCoreError as error:
        raise ServiceError(f"{at}: {describe(error)}") from error


def get_client(at: S3Location) -> Any:
    """One for all threads: without the lock all that ask at once make one each, and a client costs a third of a day."""
    with _making:
        return _make_client(at.service.region, at.service.endpoint, at.service.path_style, at.service.plain_http)


@cache
def _make_client(region: str, endpoint: str | None, path_style: bool | None, plain_http: tuple[str, ...]) -> Any:
    style = {None: "auto", True: "path", False: "virtual"}[path_style]
    config = Config(
        region_name=region,
        retries={"mode": "standard", "total_max_attempts": 8},
        connect_timeout=10,
        read_timeout=60,
        max_pool_connections=16,
        s3={"addressing_style": style},
    )
    client = boto3.session.Session().client("s3", endpoint_url=endpoint, config=config)
    try:
        checked_url(client.meta.endpoint_url, plain_http)  # which ~/.aws/config may say as well
    except ValueError as error:
        raise ConfigurationError(f"S3's endpoint: {error}") from None
    return client


def get_endpoint(at: S3Location) -> str:
    """The address requests go to, from settings or environment."""
    return str(get_client(at).meta.endpoint_url)


def is_path_style(at: S3Location) -> bool:
    path_style = at.service.path_style
    return not get_endpoint(at).endswith(".amazonaws.com") if path_style is None else path_style


def name_bucket(at: S3Location) -> dict[str, str]:
    return {"Bucket": at.bucket, **name_owner(at)}


def name_object(at: S3Location) -> dict[str, str]:
    return {**name_bucket(at), "Key": at.key}


def name_owner(at: S3Location) -> dict[str, str]:
    owner = at.service.owners.get(at.bucket)
    return {"ExpectedBucketOwner": owner} if owner else {}


def choose_encryption(at: S3Location) -> dict[str, str]:
    key = at.service.kms_key
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
