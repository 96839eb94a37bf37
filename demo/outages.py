"""Service outages of a day, as a network operations centre's API gives them; the same for the same seed and day."""

from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from demo.complaints import SEED
from demo.vocabulary import STATES

SERVICES = ("Mobile", "Broadband", "Voice", "Television")
CAUSES = ("Fibre cut", "Power failure", "Planned works", "Software fault", "Storm")


def outages(day: date, seed: int = SEED) -> list[dict[str, Any]]:
    """40 to 80 of them; one in ten has not ended yet."""
    rng = Random(f"{seed}/outages/{day}")
    return [_outage(rng, day, number) for number in range(rng.randint(40, 80))]


def _outage(rng: Random, day: date, number: int) -> dict[str, Any]:
    started = datetime.combine(day, time()) + timedelta(seconds=rng.randrange(86_400))
    ended = None if rng.random() < 0.1 else started + timedelta(minutes=rng.randint(3, 600))
    return {
        "outageId": f"OUT-{day:%Y%m%d}-{number:04}",
        "service": rng.choice(SERVICES),
        "region": rng.choice(tuple(STATES.values())),
        "startedAt": started.isoformat() + "Z",
        "endedAt": ended and ended.isoformat() + "Z",
        "cause": rng.choice(CAUSES),
        "customersAffected": rng.randint(1, 50_000),
        "reportDate": str(day),
    }
