"""What deliveries of one feed tell, whatever their kind."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from jobs.adopt.sample import Samples


class Entry(NamedTuple):
    """What an environment's file lacks: `table` of it, as services, and there a name and its value."""

    table: str
    name: str
    value: str


@dataclass(frozen=True)
class Found:
    """`delivery`: the source contract's table of that name; `notes`: what was not looked at.

    `days`: those that were seen; `is_static`: no part of where it is tells of a day.
    """

    system: str
    delivery: dict[str, Any]
    samples: Samples
    days: tuple[date, ...]
    is_static: bool
    notes: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()

    @property
    def last_day(self) -> date:
        """The newest one that was seen; today, where nothing tells of a day."""
        return max(self.days, default=datetime.now(UTC).date())
