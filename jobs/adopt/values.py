"""What Silver makes of a text, in Python: what the drafted model's unit test expects of it."""

import re

from jobs.adopt.dates import COMPACT
from jobs.adopt.forms import FLAGS, Form


def read_value(form: Form, text: str) -> str | None:
    """As dbt's YAML has it, of a text that the form fits; None: a moment of some zone, or what does not fit."""
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
    by_unit = dict(zip(form.written.split(mark), parts, strict=True))
    iso = f"{by_unit['yyyy']}-{by_unit['mm']:0>2}-{by_unit['dd']:0>2}"
    clock = re.fullmatch(r"[ T](\d{1,2}):(\d\d)(:\d\d)?(\.\d+)?", time.rstrip())
    if form.kind == "day" or not clock:
        return iso if form.kind == "day" else None
    return f"{iso} {clock[1]:0>2}:{clock[2]}{clock[3] or ':00'}{(clock[4] or '')[:7]}"
