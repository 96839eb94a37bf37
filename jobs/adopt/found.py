"""What deliveries of one feed tell, whatever their kind."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from jobs.adopt.sample import Samples


@dataclass(frozen=True)
class Found:
    """`delivery`: the source contract's table of that name; `notes`: what was not looked at."""

    system: str
    delivery: dict[str, Any]
    samples: Samples
    days: tuple[date, ...]
    notes: tuple[str, ...] = ()
