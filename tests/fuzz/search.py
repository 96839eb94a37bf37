"""Many inputs of one seed, and the smallest of those that fail."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.fuzz.outcome import Outcome, Sizes

PATIENCE = 20.0  # seconds that are spent on making a failing input small
ROUND = 50  # inputs of one choice of sizes


@dataclass(frozen=True)
class Trial:
    """One way through the product against a reference, which tells all outcomes that are allowed."""

    delivery: Callable[[Random], bytes]
    product: Callable[[bytes], Outcome]
    reference: Callable[[bytes, Sizes], Sequence[Outcome]]

    def run(self, seed: int, inputs: int) -> None:
        """Raises AssertionError that shows a small failing input, its sizes and both outcomes."""
        for first in range(0, inputs, ROUND):
            choose = Random(f"{seed} {first}")
            sizes = Sizes.of(choose)
            with sizes.set():
                for number in range(first, min(first + ROUND, inputs)):
                    data = self.delivery(choose)
                    if self.difference(data, sizes):
                        raise AssertionError(f"seed {seed}, input {number}, {sizes}:\n{self.shrunk(data, sizes)}")

    def difference(self, data: bytes, sizes: Sizes) -> str:
        """Between what is allowed and what is found; "": none."""
        allowed = self.reference(data, sizes)
        try:
            found = self.product(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no outcome
            return f"  raised   {type(error).__name__}: {str(error)[:300]}\n  allowed  {_listed(allowed)}"
        if any(found.is_as(one) for one in allowed):
            return ""
        kind = "refused" if found.refused else "found"
        return f"  {kind:8} {found}\n  allowed  {_listed(allowed)}"

    def shrunk(self, data: bytes, sizes: Sizes) -> str:
        """The smallest input that differs in the same way, and how."""
        kind = self.difference(data, sizes)[:30].split()[:2]  # found, refused, or what was raised
        small = smaller(data, lambda one: self.difference(one, sizes)[:30].split()[:2] == kind)
        return f"  {small!r}\n{self.difference(small, sizes)}"


def _listed(allowed: Sequence[Outcome]) -> str:
    return "\n  or       ".join(map(str, allowed))


def smaller(data: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """Delta debugging: without every piece whose absence lets it still fail, pieces of half its size down to a byte."""
    deadline = time.monotonic() + PATIENCE
    before = b""
    while data != before and time.monotonic() < deadline:
        before, size = data, len(data) // 2
        while size:
            at = 0
            while at < len(data) and time.monotonic() < deadline:
                without = data[:at] + data[at + size :]
                if fails(without):
                    data = without
                else:
                    at += size
            size //= 2
    return data
