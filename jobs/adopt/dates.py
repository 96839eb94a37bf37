"""How days are written in a column, by how many of its values each way fits; two that fit equally are never guessed."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

ISO = "yyyy-mm-dd"
LOOSE = "yyyy-m-d"  # the same with months, days or hours of one digit among them
COMPACT = "yyyymmdd"
ORDERS = ("yyyy{0}mm{0}dd", "dd{0}mm{0}yyyy", "mm{0}dd{0}yyyy", "yyyy{0}dd{0}mm")
# As macros/mending.sql's is_moment has them, but for an hour of one digit.
_OFFSET = r"(?:Z| UTC|[+-](?:0\d|1[0-3])(?::?[0-5]\d)?|[+-]14(?::?00)?)?"
_TIME = rf"(?:[ T](?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{{1,9}})?)?{_OFFSET})?"
_WRITTEN = re.compile(rf"(\d{{1,4}})([-/.])(\d{{1,2}})\2(\d{{1,4}})({_TIME})", re.ASCII)
_COMPACT = re.compile(r"[1-9]\d{7}", re.ASCII)
_LEAST = 0.9  # share of a column's values that must be days for it to be one of days


class Evidence(NamedTuple):
    """`fits`: way of writing -> values that it fits, the best first; `days`: values that any way fits; `timed`: values
    with a time behind the day.
    """

    values: int
    fits: dict[str, int]
    days: int
    timed: int

    @property
    def is_certain(self) -> bool:
        """Whether one way alone fits every value that is a day at all, or ISO 8601 does."""
        whole = [way for way, count in self.fits.items() if count == self.days]
        return ISO in whole or len(whole) == 1

    @property
    def best(self) -> str:
        return ISO if self.fits.get(ISO) == self.days else next(iter(self.fits))

    def __str__(self) -> str:
        return ", ".join(f"{way} fits {count:,} of {self.values:,}" for way, count in self.fits.items())


def find_days(values: Sequence[str], is_named_day: bool) -> Evidence | None:
    """None: the column holds something else. `is_named_day`: by its name eight digits may be a day."""
    fits, timed, days = Counter[str](), 0, 0
    for text, count in Counter(values).items():
        ways, has_time = _list_ways(text, is_named_day)
        fits.update(dict.fromkeys(ways, count))
        timed += has_time * count
        days += bool(ways) * count
    if not values or days < _LEAST * len(values):
        return None
    if fits[ISO] == fits[LOOSE]:
        del fits[LOOSE]
    ranked = dict(sorted(fits.items(), key=lambda fit: -fit[1]))
    likely = {way: count for way, count in ranked.items() if count * 2 >= max(fits.values())}
    return Evidence(len(values), likely, days, timed)


def _list_ways(text: str, is_named_day: bool) -> tuple[list[str], bool]:
    if is_named_day and _COMPACT.fullmatch(text):
        return [COMPACT] * _is_day(text[:4], text[4:6], text[6:]), False
    if not (found := _WRITTEN.fullmatch(text)):
        return [], False
    first, mark, second, third, time = found.groups()
    if "9999" in text and "-" in time:  # to the west of the last day there is none
        return [], False
    parts = (first, second, third)
    ways = [way for order in ORDERS if _fits(way := order.format(mark), mark, parts)]
    if ways[:1] == [ISO]:
        is_strict = [*map(len, parts)] == [4, 2, 2] and time[2:3] != ":"
        ways[:1] = [ISO, LOOSE] if is_strict else [LOOSE]
    return ways, bool(time)


def _fits(way: str, mark: str, parts: tuple[str, ...]) -> bool:
    by_unit = dict(zip((unit[0] for unit in way.split(mark)), parts, strict=True))
    return _is_day(by_unit["y"], by_unit["m"], by_unit["d"])


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        return len(year) == 4 and year >= "1000" and len(day) <= 2 and bool(date(int(year), int(month), int(day)))
    except ValueError:
        return False
