"""How days are written in a column, by how many of its values each way fits; two that fit equally are never guessed."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

ISO = "yyyy-mm-dd"
COMPACT = "yyyymmdd"
ORDERS = ("yyyy{0}mm{0}dd", "dd{0}mm{0}yyyy", "mm{0}dd{0}yyyy", "yyyy{0}dd{0}mm")
_TIME = r"(?:[ T]\d{1,2}:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z| UTC|[+-]\d\d(?::?\d\d)?)?)?"
_WRITTEN = re.compile(rf"(\d{{1,4}})([-/.])(\d{{1,2}})\2(\d{{1,4}})({_TIME})")
_COMPACT = re.compile(r"\d{8}")
_LEAST = 0.9  # share of a column's values that must be days for it to be one of days


class Evidence(NamedTuple):
    """`fits`: way of writing -> values that it fits, the best first; `timed`: values with a time behind the day."""

    values: int
    fits: dict[str, int]
    timed: int

    @property
    def is_certain(self) -> bool:
        """Whether one way fits better than all others, or every value stands as ISO 8601 has it."""
        ranked = [*self.fits.items()]
        is_iso = self.fits.get(ISO) == self.values and self.values > 0
        return is_iso or len(ranked) == 1 or (len(ranked) > 1 and ranked[0][1] == self.values > ranked[1][1])

    @property
    def best(self) -> str:
        return ISO if self.fits.get(ISO) == self.values else next(iter(self.fits))

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
    ranked = dict(sorted(fits.items(), key=lambda fit: -fit[1]))
    return Evidence(
        len(values), {way: count for way, count in ranked.items() if count * 2 >= max(fits.values())}, timed
    )


def _list_ways(text: str, is_named_day: bool) -> tuple[list[str], bool]:
    if is_named_day and _COMPACT.fullmatch(text):
        return [COMPACT] * _is_day(text[:4], text[4:6], text[6:]), False
    if not (found := _WRITTEN.fullmatch(text)):
        return [], False
    first, mark, second, third, time = found.groups()
    return [way for order in ORDERS if _fits(way := order.format(mark), mark, (first, second, third))], bool(time)


def _fits(way: str, mark: str, parts: tuple[str, ...]) -> bool:
    by_unit = dict(zip((unit[0] for unit in way.split(mark)), parts, strict=True))
    if way == ISO and [*map(len, parts)] != [4, 2, 2]:
        return False
    return _is_day(by_unit["y"], by_unit["m"], by_unit["d"])


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        return len(year) == 4 and len(day) <= 2 and bool(date(int(year), int(month), int(day)))
    except ValueError:
        return False
