"""When a day's delivery is due: `06:00 Africa/Lagos` on the day after it, or `06:00 Africa/Lagos +2` two days after."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, PlainSerializer

_FORM = re.compile(r"(\d\d:\d\d) (\S+)(?: \+(\d))?")


class Due(NamedTuple):
    """A time of a zone's clocks, so many days after the day that is delivered for."""

    at: time
    zone: str
    days: int

    def __str__(self) -> str:
        return f"{self.at:%H:%M} {self.zone} +{self.days}"

    def moment(self, day: date) -> datetime:
        """In UTC; one that the zone's clocks leave out is as they would have shown it before."""
        local = datetime.combine(day + timedelta(days=self.days), self.at, ZoneInfo(self.zone))
        return local.astimezone(UTC)


def parse_due(text: object) -> Due:
    """Raises ValueError: what was found, and how it is written."""
    if isinstance(text, Due):
        return text
    found = _FORM.fullmatch(str(text))
    if not found:
        raise ValueError(f"found {text!r}, allowed is a time and its zone, as '06:00 Africa/Lagos', and ' +2' for days")
    try:
        ZoneInfo(found[2])
        return Due(time.fromisoformat(found[1]), found[2], int(found[3] or 1))
    except (ValueError, OSError, LookupError):  # ZoneInfo's own is a KeyError
        raise ValueError(f"found {text!r}: no such time, or no zone {found[2]!r} on this machine") from None


DueTime = Annotated[Due, BeforeValidator(parse_due), PlainSerializer(str)]
