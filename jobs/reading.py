"""What every kind of source hands to a landing."""

import codecs
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypedDict

from pyspark.sql import DataFrame, SparkSession

from jobs import store
from jobs.errors import ContractError
from jobs.location import Location
from jobs.session import Session
from jobs.settings import Environment, SourceContract
from jobs.store import Input

MAX_RECORD = 16 * 2**20  # bytes; a longer record is rejected, so that memory stays bounded


class Rejected(TypedDict):
    """A record that does not land: why, where it stood, and its text (bytes that are no text as \\xNN)."""

    _reason: str
    _source_uri: str
    _position: int
    _raw: str


REJECTED_SCHEMA = "_reason string, _source_uri string, _position long, _raw string"
REJECTED_COLUMNS = ("_reason", "_position", "_raw")


@dataclass(frozen=True)
class Request:
    """One source's day, and what reading it needs.

    `work` is a local scratch folder; `scratch` is where Spark's executors see what stands in it: the same folder, or
    a prefix on S3 outside `raw/`.
    """

    contract: SourceContract
    environment: Environment
    day: date
    run_id: str
    session: Session
    work: Path
    scratch: Location
    careful: bool = False

    @property
    def description(self) -> str:
        """What this source's day is called in Spark's UI and event log."""
        return f"{self.contract.name} {self.day}"

    def spark(self) -> SparkSession:
        """The session; what this thread starts in it bears this source's day."""
        return self.session.describe(self.description)

    def stream(self, found: Input) -> Iterator[bytes]:
        """An input's bytes, chunk by chunk."""
        return store.stream(self.environment.sources, found)


@dataclass(frozen=True)
class Reading:
    """`frame`: the landed columns as strings, `_rescued`, `_source_uri`; rows that cannot land are filtered out.

    Records that were looked at one by one and cannot land stand in `rejected_file` (JSON lines of `Rejected`).
    """

    inputs: tuple[Input, ...]
    frame: DataFrame
    rows_delivered: int
    columns_delivered: tuple[str, ...]
    drift: dict[str, list[str]]
    rows_rejected: int = 0
    rejected_file: Path | None = None
    reasons: dict[str, int] = field(default_factory=dict)
    first_rejected: str = ""


class RejectedFile:
    """Collects rejected records of a delivery, in order, without holding them in memory."""

    def __init__(self, work: Path) -> None:
        self.path = work / "rejected.jsonl"
        self.rows = 0
        self.reasons: dict[str, int] = {}
        self.first = ""
        self._file = self.path.open("w", encoding="utf-8")

    def add(self, reason: str, uri: str, position: int, raw: bytes) -> None:
        record = Rejected(
            _reason=reason, _source_uri=uri, _position=position, _raw=raw.decode("utf-8", "backslashreplace")
        )
        self._file.write(json.dumps(record) + "\n")
        self.first = self.first or f"{reason}, {uri} line or entry {position}"
        self.rows += 1
        self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def close(self) -> None:
        self._file.close()


def refuse_if_packed(head: bytes, uri: str) -> None:
    """Raises ContractError where a file's first bytes say gzip or UTF-16: no reader of text would notice."""
    if head.startswith(b"\x1f\x8b"):
        raise ContractError(f"{uri}: gzip data under another name; allowed is plain text in UTF-8")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ContractError(f"{uri}: UTF-16; allowed is UTF-8")


def merged(drifts: Iterable[dict[str, list[str]]]) -> dict[str, list[str]]:
    """The drift of several files of one delivery as one."""
    found: dict[str, list[str]] = {}
    for drift in drifts:
        for kind, names in drift.items():
            found[kind] = sorted({*found.get(kind, []), *names})
    return found
