"""What becomes of a delivery, by the product and by a reference, in one form; and the sizes at which it is cut."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import pytest

LONGEST = 16 * 2**20
Row = tuple[str | None, ...]  # the landed columns, then `_rescued`


class Rejected(NamedTuple):
    """`raw` as the rejected file shows it, without its line end; expected reasons: one of those between bars."""

    position: int
    reason: str
    raw: str

    def is_as(self, expected: "Rejected") -> bool:
        same = self.position == expected.position and self.reason in expected.reason.split("|")
        return same and self.raw == expected.raw


def rejected(position: int, reason: str, raw: bytes) -> Rejected:
    if reason.startswith("no value for"):
        reason = "no value for some columns"
    if reason.startswith("longer than"):
        return Rejected(position, "too long", "...")
    return Rejected(position, reason, raw.strip(b" \r\n").decode("utf-8", "backslashreplace") or "a blank")


def rescued(text: str | None) -> str | None:
    """The same whatever the order of its keys, a key with several values or with one, a null or nothing."""
    found = json.loads(text) if text else {}
    pairs = [(key, one) for key, value in found.items() for one in (value if isinstance(value, list) else [value])]
    kept = sorted((key, one) for key, one in pairs if one is not None)
    return str(kept) if kept else None


@dataclass(frozen=True)
class Outcome:
    """Landed rows in order, and rejected records; `refused`: why nothing landed."""

    rows: tuple[Row, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    refused: str = ""

    def is_as(self, expected: "Outcome") -> bool:
        """Whatever the words of a refusal."""
        if self.refused or expected.refused:
            return bool(self.refused and expected.refused)
        same = self.rows == expected.rows and len(self.rejected) == len(expected.rejected)
        pairs = zip(sorted(self.rejected), sorted(expected.rejected), strict=same)
        return same and all(one.is_as(other) for one, other in pairs)


@dataclass(frozen=True)
class Sizes:
    """In bytes: of a split, of a block that is parsed at once, of a chunk that a file gives, of the longest record."""

    split: int
    block: int
    chunk: int
    longest: int

    @staticmethod
    def of(choose: Random) -> "Sizes":
        block, chunk = choose.choice([1, 5, 30, 200, 8 * 2**20]), choose.choice([7, 8, 13, 64, 1000])
        least = max(80, block + chunk)
        return Sizes(
            split=choose.choice([64, 64, 65, 100, 1000]),
            block=block,
            chunk=chunk,
            longest=least if least < 1000 and choose.random() < 0.3 else LONGEST,
        )

    @contextmanager
    def set(self) -> Iterator[None]:
        """Wherever a module of the jobs holds them under the names that they have there."""
        names = {"SPLIT": self.split, "BLOCK": self.block, "CHUNK": self.chunk, "MAX_RECORD": self.longest}
        modules = [module for name, module in sys.modules.items() if name.startswith("jobs.")]
        with pytest.MonkeyPatch.context() as patch:
            for module in modules:
                for name in names.keys() & vars(module).keys():
                    patch.setattr(module, name, names[name])
            yield
