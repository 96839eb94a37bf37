"""What Silver makes of a text, in Python: what the drafted model's unit test expects of it."""

import re
from datetime import UTC, datetime

from jobs.adopt.dates import COMPACT, ISO, LOOSE
from jobs.adopt.forms import FLAGS, Form

_CLOCK = re.compile(r"[ T](\d{1,2}):(\d\d)(:\d\d)?(\.\d{1,9})?(Z| UTC|[+-]\d\d(?::?\d\d)?)?")


def read_value(form: Form, text: str) -> str | None:
    """As dbt's YAML has it, of a text that the form fits; None: it does not fit."""
    match form.kind:
        case "text":
            return text
        case "day" | "moment":
            return _to_iso(form, text)
        case "flag":
            return "false" if text.lower() == FLAGS[form.written] else "true"
        case "whole":
            return str(int(text))
        case "decimal":
            point, other = form.written[-2], "," if form.written[-2] == "." else "."
            return text.replace(other, "").replace(point, ".").lstrip("+")


def _to_iso(form: Form, text: str) -> str | None:
    if form.written == COMPACT:
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    day, time = re.split("(?=[ T])", f"{text} ", maxsplit=1)
    mark = form.written.strip("ymd")[:1]
    parts = day.split(mark)
    if len(parts) != 3:
        return None
    by_unit = dict(zip((ISO if form.written == LOOSE else form.written).split(mark), parts, strict=True))
    iso = f"{by_unit['yyyy']}-{by_unit['mm']:0>2}-{by_unit['dd']:0>2}"
    if form.kind == "day":
        return iso
    clock = _CLOCK.fullmatch(time.rstrip())
    return _to_utc(iso, *clock.groups("")) if clock else f"{iso} 00:00:00" if not time.strip() else None


def _to_utc(day: str, hour: str, minute: str, second: str, fraction: str, offset: str) -> str:
    offset = "+00" if offset in ("", "Z", " UTC") else offset
    at = datetime.fromisoformat(f"{day}T{hour:0>2}:{minute}{second or ':00'}{offset}").astimezone(UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}{fraction[:7]}"
