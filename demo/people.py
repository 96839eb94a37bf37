"""The two static sources, as rows: customers and agents."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from random import Random

from demo.complaints import AGENTS, Row, Scale, customer_id
from demo.vocabulary import (
    ADDRESS_STATES,
    CITY_ENDS,
    CITY_STARTS,
    EMAIL_DOMAINS,
    EXPERIENCE,
    FEMALE_NAMES,
    LAST_NAMES,
    MALE_NAMES,
    MILITARY_STATES,
    STATES,
    STREET_KINDS,
    STREET_NAMES,
)

CUSTOMER_HEADER = ("customer_id", "name", "Gender", "DATE of biRTH", "signup_date", "email", "address")
AGENT_HEADER = ("iD", "NamE", "experience", "state")
PART = 25_000

_BORN = date(1944, 1, 1), date(2007, 12, 31)
_SIGNED_UP = date(2016, 1, 1), date(2025, 11, 19)
_MILITARY_SHARE = 0.05


def customer_rows(part: int, scale: Scale) -> Iterator[Row]:
    """Customers `part * PART` and following; each part has its own random numbers."""
    rng = Random(f"{scale.seed}/customers/{part}")
    born, signed_up = _days(*_BORN), _days(*_SIGNED_UP)
    for index in range(part * PART, min((part + 1) * PART, scale.customers)):
        gender = "M" if rng.random() < 0.5 else "F"
        first = _pick(rng, MALE_NAMES if gender == "M" else FEMALE_NAMES)
        last = _pick(rng, LAST_NAMES)
        dates = _pick(rng, born), _pick(rng, signed_up)
        email = _email(rng, first.lower(), last.lower())
        yield customer_id(scale.seed, index), f"{first} {last}", gender, *dates, email, _address(rng)


def agent_rows(scale: Scale) -> Iterator[Row]:
    rng = Random(f"{scale.seed}/agents")
    for agent in AGENTS:
        name = f"{_pick(rng, MALE_NAMES + FEMALE_NAMES)} {_pick(rng, LAST_NAMES)}"
        yield str(agent), name, _pick(rng, EXPERIENCE), _pick(rng, tuple(STATES.values()))


def _pick(rng: Random, words: tuple[str, ...]) -> str:
    return words[int(rng.random() * len(words))]


def _number(rng: Random, low: int, high: int) -> int:
    return low + int(rng.random() * (high - low))


@cache
def _days(first: date, last: date) -> tuple[str, ...]:
    return tuple(str(first + timedelta(days=n)) for n in range((last - first).days + 1))


def _email(rng: Random, first: str, last: str) -> str:
    odd_number = str(_number(rng, 1, 9999)) if rng.random() < 0.1 else ""
    return f"{odd_number}{first}_{last}{_number(rng, 1, 1000)}@{_pick(rng, EMAIL_DOMAINS)}"


def _address(rng: Random) -> str:
    zip_code = f"{_number(rng, 501, 99951):05}"
    if rng.random() < _MILITARY_SHARE:
        return f"{_military_line(rng)} {_pick(rng, MILITARY_STATES)} {zip_code}"
    street = f"{_number(rng, 100, 99999)} {_pick(rng, STREET_NAMES)} {_pick(rng, STREET_KINDS)}"
    if rng.random() < 0.4:
        street += f" {'Apt.' if rng.random() < 0.5 else 'Suite'} {_number(rng, 100, 1000)}"
    city = f"{_pick(rng, LAST_NAMES)}{_pick(rng, CITY_ENDS)}"
    if rng.random() < 0.4:
        city = f"{_pick(rng, CITY_STARTS)} {city}"
    return f"{street}\n{city}, {_pick(rng, ADDRESS_STATES)} {zip_code}"


def _military_line(rng: Random) -> str:
    kind, box, number = rng.random(), _number(rng, 1, 10_000), _number(rng, 1, 10_000)
    if kind < 0.5:
        return f"PSC {number:04}, Box {box:04}\nAPO"
    if kind < 0.8:
        return f"Unit {number:04} Box {box:04}\nDPO"
    return f"USNS {_pick(rng, LAST_NAMES)}\nFPO"
