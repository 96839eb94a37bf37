"""A split: what one task reads of a delivery, as Arrow batches of text columns.

A split is small, knows no Spark and can be pickled: a thread of this process runs it, or a task of a Spark cluster.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

import pyarrow as pa

from jobs.errors import PlatformError

Reject = Callable[[str, int, bytes], object]  # takes reason, position and the record's bytes


class Counts:
    """What a split says of its bytes while they pass by; `reject` takes the records that cannot land."""

    def __init__(self, reject: Reject = lambda *_: None) -> None:
        self.records = 0  # delivered: counted by what separates records, not by what comes out of a parser
        self.lines = 0  # line ends, for the positions within the splits behind this one
        self.first_byte = self.end_byte = 0  # of its records: [first_byte, end_byte)
        self.columns: dict[str, None] = {}  # headers or keys, in order of their first appearance
        self.apart: dict[str, int] = {}  # lines that are no records and not blank, by what they are
        self.reject = reject

    def set_apart(self, what: str) -> None:
        self.apart[what] = self.apart.get(what, 0) + 1


class Split(Protocol):
    """One task's share of a delivery; `uri` names the object, table or answer in `_source_uri` and in errors."""

    @property
    def uri(self) -> str: ...

    @property
    def size(self) -> int | None:
        """Bytes of the file where the splits of one must follow each other without a gap, else None."""
        ...

    def read_batches(self, counts: Counts) -> Iterator[pa.RecordBatch]:
        """The landed columns in the source contract's order, then `_rescued`. Raises ContractError."""
        ...

    def start_at(self, at: int) -> "Split":
        """The same split where it is known that its first record begins at byte `at`."""
        ...


class RejectedRows(NamedTuple):
    """A split's rejected records as their file's footer counts them; `path` is empty where there are none."""

    path: str = ""
    rows: int = 0
    bytes: int = 0
    reasons: Mapping[str, int] = MappingProxyType({})
    first: str = ""  # reason and place of the first one, without its content


class SplitResult(NamedTuple):
    """A split's file as its footer counts it, and what the split's bytes said; `error`: why nothing may land."""

    path: str
    rows: int
    bytes: int
    records: int
    rejected: RejectedRows
    lines: int
    first_byte: int
    end_byte: int
    columns: tuple[str, ...]
    apart: Mapping[str, int] = MappingProxyType({})
    error: PlatformError | None = None

    @staticmethod
    def from_error(error: PlatformError) -> "SplitResult":
        return SplitResult("", 0, 0, 0, RejectedRows(), 0, 0, 0, (), error=error)
