"""The first rows of deliveries, as text under the headers that they came with; bounded, however large those are."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.errors import ConfigurationError

MAX_ROWS = 20_000  # of a delivery
MAX_BYTES = 8 * 2**20  # of its plain text
MAX_DELIVERIES = 3

Row = dict[str, str | None]  # header -> value; one that is missing was not delivered


@dataclass(frozen=True)
class Sample:
    """Of one delivery. `broken`: records that fit no header; `notes`: what else was seen, for the summary."""

    headers: tuple[str, ...]
    rows: Sequence[Row]
    broken: int = 0
    is_whole: bool = True
    notes: tuple[str, ...] = ()


def require_rows(sample: Sample, uri: str) -> Sample:
    """Raises ConfigurationError where it has none."""
    if sample.rows:
        return sample
    raise ConfigurationError(f"{uri}: no row below its header; a delivery with rows in it tells what they are")


class EnoughError(Exception):
    """A sample is full."""


class Lines(io.BytesIO):
    """Records as lines, until a sample is full. `write` raises EnoughError then."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[bytes] = []
        self._size = 0

    def write(self, line: Any) -> int:
        self.taken.append(bytes(line))
        self._size += len(line)
        if len(self.taken) > MAX_ROWS or self._size > MAX_BYTES:
            raise EnoughError
        return len(line)


@dataclass(frozen=True)
class Samples:
    """Of one feed's deliveries."""

    parts: tuple[Sample, ...]
    headers: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        headers = dict.fromkeys(header for part in self.parts for header in part.headers)
        object.__setattr__(self, "headers", tuple(headers))

    @property
    def rows(self) -> Iterator[Row]:
        return (row for part in self.parts for row in part.rows)

    @property
    def size(self) -> int:
        return sum(len(part.rows) for part in self.parts)

    @property
    def is_whole(self) -> bool:
        return all(part.is_whole for part in self.parts)

    def list_values(self, header: str) -> list[str]:
        """The values of a column that are not blank, trimmed."""
        texts = ((row.get(header) or "").strip() for row in self.rows)
        return [text for text in texts if text]

    def count_missing(self, header: str) -> int:
        """Rows that came without the column, not even blank."""
        return sum(header not in row for row in self.rows)
