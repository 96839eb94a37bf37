"""Where things lie: a folder (`pathlib.Path`), or a prefix in a bucket, written `s3://bucket/prefix`."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema, model_validator
from pydantic_core import core_schema

from jobs.clients.url import checked_url

# The project's folder, with `conf`; named by the environment where this package runs from a zip.
ROOT = Path(os.environ.get("CORETELECOMS_ROOT") or Path(__file__).resolve().parents[2])


class Service(BaseModel):
    """How S3 is reached. Credentials stand in none of it: the environment or the instance role has them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str = "eu-north-1"
    endpoint: str | None = None  # else AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or Amazon's own
    # Containers' names that may be spoken to over plain HTTP, as this machine may: a network of one machine.
    plain_http: tuple[Annotated[str, Field(pattern="^[a-z0-9-]+$")], ...] = ()
    path_style: bool | None = None  # http://host/bucket/key; unset: where there is an endpoint
    kms_key: str | None = None  # an ARN: what is written is encrypted with it (SSE-KMS)
    owners: dict[str, Annotated[str, Field(pattern=r"^\d{12}$")]] = {}  # bucket -> account that must own it

    @model_validator(mode="after")
    def _goes_in_clear_nowhere(self) -> Self:
        if self.endpoint is not None:
            checked_url(self.endpoint, self.plain_http)
        return self


@dataclass(frozen=True)
class S3Location:
    """An object or a prefix; `/` goes down, as with a `Path`."""

    bucket: str
    key: str
    service: Service = field(default_factory=Service, compare=False, repr=False)

    def __truediv__(self, part: str) -> "S3Location":
        return replace(self, key=f"{self.key}/{part}" if self.key else part)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]


def parse_location(text: Any) -> Path | S3Location:
    """Raises ValueError where it is neither."""
    if isinstance(text, Path | S3Location):
        return text
    if not isinstance(text, str):
        raise ValueError(f"found {text!r}, allowed a folder or s3://bucket/prefix")
    if not text.startswith("s3://"):
        return ROOT / text
    bucket, _, key = text.removeprefix("s3://").partition("/")
    if not bucket:
        raise ValueError(f"found {text!r}, allowed s3://bucket/prefix")
    return S3Location(bucket, key.strip("/"))


# Relative folders start at the project's.
Location = Annotated[
    Path | S3Location,
    GetPydanticSchema(lambda _type, _handler: core_schema.no_info_plain_validator_function(parse_location)),
]


def is_marker(name: str, size: int) -> bool:
    """Whether an object only says that a folder is there, or that a job ended, as Hadoop and consoles write."""
    is_folder = not size and (not name or name.endswith("_$folder$"))
    is_checksum = name.startswith(".") and name.endswith(".crc")
    return is_folder or is_checksum or name == "_SUCCESS" or name.startswith(("_committed_", "_started_"))
