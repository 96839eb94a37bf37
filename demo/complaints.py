"""The three daily sources, as rows: call logs, social media and web forms."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from hashlib import blake2b
from itertools import islice
from random import Random
from typing import Literal, NamedTuple

from demo.vocabulary import CATEGORIES, CHANNELS, LAST_NAMES, STATUSES

Daily = Literal["call_logs", "social_media", "web_forms"]
Row = tuple[str, ...]

FIRST_DAY = date(2025, 11, 20)
CALLS = 378_993
CUSTOMERS = 2_499_948
SEED = 20251120
AGENTS = range(1000, 1100)

HEADERS: dict[Daily, Row] = {
    "call_logs": (
        "",
        "call ID",
        "customeR iD",
        "COMPLAINT_catego ry",
        "agent ID",
        "call_start_time",
        "call_end_time",
        "resolutionstatus",
        "callLogsGenerationDate",
    ),
    "social_media": (
        "complaint_id",
        "customeR iD",
        "COMPLAINT_catego ry",
        "agent ID",
        "resolutionstatus",
        "request_date",
        "resolution_date",
        "media_channel",
        "MediaComplaintGenerationDate",
    ),
    "web_forms": (
        "Column1",
        "request_id",
        "customeR iD",
        "COMPLAINT_catego ry",
        "agent ID",
        "resolutionstatus",
        "request_date",
        "resolution_date",
        "webFormGenerationDate",
    ),
}

_PER_CALL: dict[Daily, float] = {
    "call_logs": 1.0,
    "social_media": 37_863 / CALLS,
    "web_forms": 278_985 / CALLS,
}
# An id is some letters of a name and then hex digits: (shortest, longest) prefix and the number of digits.
_KEY_SHAPE: dict[Daily, tuple[int, int, int]] = {
    "call_logs": (3, 4, 52),
    "social_media": (2, 4, 52),
    "web_forms": (3, 4, 48),
}
_ORPHAN_SHARE: dict[Daily, float] = {"call_logs": 0.0, "social_media": 0.004, "web_forms": 0.0}
_BATCH = 8192
_DAY_SECONDS = 86_400
_OLDEST_SECONDS = 334 * _DAY_SECONDS


@dataclass(frozen=True)
class Scale:
    """How much is delivered; every byte of a delivery follows from this and its day."""

    calls: int = CALLS
    customers: int = CUSTOMERS
    seed: int = SEED

    def volume(self, source: Daily, day: date) -> int:
        """Rows of one day: the published numbers on the first day, within four percent of them later."""
        swing = 1.0 if day == FIRST_DAY else Random(f"{self.seed}/volume/{source}/{day}").uniform(0.96, 1.04)
        return max(1, round(self.calls * _PER_CALL[source] * swing))

    def again(self, source: Daily, day: date) -> int:
        """How many of a day's rows are yesterday's complaints once more; a call ID never comes twice."""
        if source == "call_logs" or day <= FIRST_DAY:
            return 0
        volume = self.volume(source, day)
        return min(max(1, volume // 1000), volume // 2)


class Complaint(NamedTuple):
    """One complaint before it takes its source's shape; moments are seconds since the year 1."""

    key: str
    customer: str
    category: str
    agent: str
    status: str
    opened: int
    closed: int


def customer_id(seed: int, index: int, namespace: str = "customer") -> str:
    """The uuid4 of the customer at `index`, derived, so that nobody need hold 2.5 million of them."""
    digits = blake2b(f"{seed}/{namespace}/{index}".encode(), digest_size=16).hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def rows(source: Daily, day: date, scale: Scale) -> Iterator[Row]:
    """All rows of one delivery, in the order of `HEADERS[source]`."""
    match source:
        case "call_logs":
            return _call_rows(day, scale)
        case "social_media":
            return _social_rows(day, scale)
        case "web_forms":
            return _web_rows(day, scale)


def _call_rows(day: date, scale: Scale) -> Iterator[Row]:
    indexes = _stray_index(Random(f"{scale.seed}/index/{day}"))
    for c in _complaints("call_logs", day, scale):
        times = moment(c.opened), moment(c.closed)
        yield next(indexes), *c[:4], *times, c.status, str(day)


def _social_rows(day: date, scale: Scale) -> Iterator[Row]:
    channel = Random(f"{scale.seed}/channel/{day}").choice
    for c in _complaints("social_media", day, scale):
        yield *c[:5], *_request_dates(c), channel(CHANNELS), str(day)


def _web_rows(day: date, scale: Scale) -> Iterator[Row]:
    for index, c in enumerate(_complaints("web_forms", day, scale)):
        yield str(index), *c[:5], *_request_dates(c), str(day)


def _request_dates(complaint: Complaint) -> tuple[str, str]:
    resolved = moment(complaint.closed) if complaint.status == "Resolved" else ""
    return moment(complaint.opened), resolved


def _stray_index(rng: Random) -> Iterator[str]:
    """A row number with gaps, as a filtered pandas frame leaves it; it starts anew every day."""
    index = -1
    while True:
        index += 1 if rng.random() < 0.8 else 2 + int(rng.random() * 4)
        yield str(index)


def moment(seconds: int) -> str:
    """`yyyy-MM-dd HH:mm:ss`; strftime would take most of the generator's time."""
    ordinal, second = divmod(seconds, _DAY_SECONDS)
    return f"{_date(ordinal)} {_clock()[second]}"


@cache
def _date(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


@cache
def _clock() -> list[str]:
    return [f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in range(_DAY_SECONDS)]


def _complaints(source: Daily, day: date, scale: Scale) -> Iterator[Complaint]:
    yield from _fresh(source, day, scale)
    yield from _delivered_again(source, day, scale)


def _delivered_again(source: Daily, day: date, scale: Scale) -> Iterator[Complaint]:
    """Some of yesterday's open complaints, now resolved, under the ids that they had."""
    number = scale.again(source, day)
    yesterday = _fresh(source, day - timedelta(days=1), scale) if number else iter(())
    still_open = (complaint for complaint in yesterday if complaint.status != "Resolved")
    for complaint in islice(still_open, number):
        closed = day.toordinal() * _DAY_SECONDS + complaint.opened % _DAY_SECONDS
        yield complaint._replace(status="Resolved", closed=closed)


def _fresh(source: Daily, day: date, scale: Scale) -> Iterator[Complaint]:
    rng = Random(f"{scale.seed}/{source}/{day}")
    count = scale.volume(source, day) - scale.again(source, day)
    for start in range(0, count, _BATCH):
        yield from _batch(rng, source, day, scale, min(_BATCH, count - start))


def _batch(rng: Random, source: Daily, day: date, scale: Scale, size: int) -> Iterator[Complaint]:
    end_of_day = (day.toordinal() + 1) * _DAY_SECONDS - 1
    columns = zip(
        _keys(rng, source, size),
        rng.choices(CATEGORIES, (35, 30, 15, 20), k=size),
        rng.choices(AGENTS, k=size),
        rng.choices(STATUSES, (55, 20, 15, 10), k=size),
        strict=True,
    )
    for key, category, agent, status in columns:
        opened = end_of_day - int(rng.random() * _OLDEST_SECONDS)
        if source == "call_logs":
            closed = opened + 240 + int(rng.random() * 541)
        else:
            closed = min(end_of_day, opened + 600 + int(rng.random() * 14 * _DAY_SECONDS))
        yield Complaint(key, _customer(rng, source, scale), category, str(agent), status, opened, closed)


def _customer(rng: Random, source: Daily, scale: Scale) -> str:
    is_orphan = rng.random() < _ORPHAN_SHARE[source]
    return customer_id(scale.seed, int(rng.random() * scale.customers), "orphan" if is_orphan else "customer")


def _keys(rng: Random, source: Daily, size: int) -> list[str]:
    shortest, longest, digits = _KEY_SHAPE[source]
    names = [name.lower().ljust(longest, "x") for name in LAST_NAMES]
    prefixes = [name[:length] for name in names for length in range(shortest, longest + 1)]
    pool = rng.randbytes(size * digits // 2).hex()
    return [
        prefix + pool[at : at + digits]
        for prefix, at in zip(rng.choices(prefixes, k=size), range(0, len(pool), digits), strict=True)
    ]
