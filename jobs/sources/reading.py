"""What every kind of source hands to a landing."""

import codecs
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.config.environment import Environment
from jobs.contracts.source import SourceContract
from jobs.errors import ContractError
from jobs.sources.unpacked import find_compression

if TYPE_CHECKING:  # a look at a source needs neither Arrow nor an engine
    from jobs.engines.in_process import InProcess
    from jobs.engines.spark import OnSpark
    from jobs.landing.split import Split

MAX_RECORD = 16 * 2**20  # bytes; a longer record is rejected, so that memory stays bounded
SHOWN = 2**20  # bytes of such a record that are kept
MAX_COLUMNS = 5_000  # of a file: each costs every row, also where nobody asked for it
SKIPPED = "skipped lines"  # above a header
TOO_LONG = f"longer than {MAX_RECORD} bytes"


@dataclass(frozen=True)
class Request:
    """One source's day, and what reading it needs.

    `work` is a local scratch folder; `scratch` is where an engine's tasks see what stands in it: the same folder, or
    a prefix on S3 outside `raw/`.
    """

    contract: SourceContract
    environment: Environment
    day: date
    run_id: str
    engine: "InProcess | OnSpark"
    work: Path
    scratch: Location

    @property
    def description(self) -> str:
        """What this source's day is called in Spark's UI and event log."""
        return f"{self.contract.name} {self.day}"

    @property
    def shared(self) -> Location:
        """Where whatever runs the tasks reads what stands in `work`: threads do so in place."""
        return self.scratch if self.engine.name == "spark" else self.work

    def place(self, uri: str) -> Path:
        """A file in `work` for what came from there."""
        return self.work / hashlib.sha256(uri.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Reading:
    """`splits`: what is to be landed.

    `records`: delivered, where the source itself says how many, else None: then the splits count what separates them.
    `columns`: as delivered, where that is known before the splits are read, or no split meets one; `drift`: theirs, and
    what else was seen. `apart`: lines beside the splits that are no records, by what they are.
    """

    inputs: tuple[Input, ...]
    splits: "Sequence[Split]"
    records: int | None = None
    columns: tuple[str, ...] = ()
    drift: dict[str, list[str]] = field(default_factory=dict)
    apart: dict[str, int] = field(default_factory=dict)


def refuse_if_packed(head: bytes, uri: str) -> None:
    """Raises ContractError where a file's first bytes say packed or UTF-16: no reader of text would notice."""
    if compression := find_compression(head):
        raise ContractError(
            f"{uri}: {compression} data under another name; allowed is plain text in UTF-8, or delivery.compression"
        )
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ContractError(f"{uri}: UTF-16; allowed is UTF-8, or delivery.encoding")


def is_utf_8(raw: bytes) -> bool:
    if raw.isascii():
        return True
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def merge_drift(drifts: Iterable[dict[str, list[str]]]) -> dict[str, list[str]]:
    """The drift of several files of one delivery as one."""
    names_by_kind: dict[str, list[str]] = {}
    for drift in drifts:
        for kind, names in drift.items():
            names_by_kind[kind] = sorted({*names_by_kind.get(kind, []), *names})
    return names_by_kind


def add_counts(found: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """By what is counted."""
    total: Counter[str] = Counter()
    for counts in found:
        total.update(counts)
    return dict(total)
