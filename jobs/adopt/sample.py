"""The first rows of deliveries, as text under the headers that they came with; bounded, however large those are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

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
