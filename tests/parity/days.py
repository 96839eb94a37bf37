"""What the warehouses' suites have in common, so that what they export can be compared."""

from tests.conftest import DAYS

CALLS, CUSTOMERS = 300, 200  # a day; of the faithful generator
FOUR_DAYS, CORRECTED = "four_days", "corrected"  # when they export
CHANGED = f"call logs/call_logs_day_{DAYS[1]}.csv"


def correction(delivered: bytes) -> bytes:
    """The file sent again: a call gone, one twice, one twice with another status."""
    header, _, *rest = delivered.splitlines(keepends=True)
    return b"".join([header, *rest, rest[0], rest[1].replace(b"Resolved", b"Blocked")])
