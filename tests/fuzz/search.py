"""Many inputs of one seed, and the smallest of those that fail."""

import time
from collections.abc import Callable, Sequence
from random import Random

from tests.fuzz.outcome import Outcome, Sizes

PATIENCE = 20.0  # seconds that are spent on making a failing input small
ROUND = 50  # inputs of one choice of sizes


class Trial:
    """One way through the product against a reference, which tells all that is allowed."""

    def __init__(
        self,
        delivery: Callable[[Random], bytes],
        product: Callable[[bytes], Outcome],
        reference: Callable[[bytes, Sizes], Sequence[Outcome]],
    ) -> None:
        self._delivery, self._product, self._reference = delivery, product, reference

    def run(self, seed: int, inputs: int) -> None:
        """Raises AssertionError that shows a small failing input, its sizes and both outcomes."""
        for first in range(0, inputs, ROUND):
            choose = Random(f"{seed} {first}")
            sizes = Sizes.of(choose)
            with sizes.set():
                for number in range(first, min(first + ROUND, inputs)):
                    data = self._delivery(choose)
                    if self.difference(data, sizes):
                        small = smaller(data, lambda one: bool(self.difference(one, sizes)))
                        raise AssertionError(f"seed {seed}, input {number}, {sizes}:\n  {small!r}\n{self.difference(small, sizes)}")

    def difference(self, data: bytes, sizes: Sizes) -> str:
        expected = self._reference(data, sizes)
        try:
            found = self._product(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no outcome
            return f"  expected {shown(expected)}\n  raised   {type(error).__name__}: {str(error)[:300]}"
        is_allowed = any(found.is_as(one) for one in expected)
        return "" if is_allowed else f"  expected {shown(expected)}\n  found    {found}"


def smaller(data: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """Delta debugging: without every piece whose absence lets it still fail, pieces of half its size down to a byte."""
    deadline = time.monotonic() + PATIENCE
    size = len(data) // 2
    while size:
        at = 0
        while at < len(data) and time.monotonic() < deadline:
            without = data[:at] + data[at + size :]
            if fails(without):
                data = without
            else:
                at += size
        size //= 2
    for at, byte in enumerate(data):
        plain = data[:at] + b"x" + data[at + 1 :]
        if byte not in b'x\n\r,"' and time.monotonic() < deadline and fails(plain):
            data = plain
    return data


def shown(allowed: Sequence[Outcome]) -> str:
    return "\n  or       ".join(map(str, allowed))
