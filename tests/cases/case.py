"""A delivery and the outcome that is right for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.shipment import Arrival, Parcel

AB = {"a": "a", "b": "b"}
UNREADABLE = "quotes or line ends that cannot be read"


@dataclass(frozen=True)
class Case:
    """`rejected`: position, reason, and the record's text or its beginning; `refused`: a part of the message.

    `rescued`: by the row's number from 0; `drift`: where it matters.
    """

    data: bytes
    rows: Sequence[tuple[str | None, ...]] = ()
    rejected: Sequence[tuple[int, str, str]] = ()
    refused: str = ""
    rescued: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=lambda: AB)
    optional: Sequence[str] = ()
    drift: Mapping[str, Sequence[str]] | None = None
    max_rejected: float = 1.0

    def parcel(self, kind: str, name: str) -> Parcel:
        return Parcel(f"{kind}_{name}", kind, self.data, self.columns, self.optional, self.max_rejected)

    def hold_against(self, found: Arrival) -> None:
        if self.refused:
            assert self.refused in found.refused
            return
        assert found.outcome.state == "loaded", found.outcome.error
        assert found.outcome.rows_delivered == len(self.rows) + len(self.rejected)
        assert found.outcome.rows_bronze == len(self.rows)
        assert found.rows == [*self.rows]
        assert found.rescued == [self.rescued.get(number) for number in range(len(self.rows))]
        assert [one[:2] for one in found.rejected] == [one[:2] for one in self.rejected]
        for (_, _, raw), (_, _, expected) in zip(found.rejected, self.rejected, strict=True):
            assert raw.rstrip("\r\n").startswith(expected)
            assert len(expected) > 100 or raw.rstrip("\r\n") == expected
        if self.drift is not None:
            assert found.drift == self.drift
