"""What may go wrong with social media's JSON and the customers' CSV, as the bytes of one delivery."""

import gzip
import json
from collections.abc import Callable, Mapping
from itertools import islice

from demo.complaints import HEADERS, Scale, rows
from demo.faithful import csv_text
from demo.hostile_calls import DAY, HUGE_CELL, ROWS
from demo.people import CUSTOMER_HEADER, customer_rows

_HEADER = HEADERS["social_media"]
_CATEGORY = "COMPLAINT_catego ry"
_SCALE = Scale(calls=4000, customers=1000)

Columns = dict[str, dict[str, object]]


def columns() -> Columns:
    records = list(islice(rows("social_media", DAY, _SCALE), ROWS))
    return {name: {str(n): record[at] for n, record in enumerate(records)} for at, name in enumerate(_HEADER)}


def records() -> list[dict[str, object]]:
    delivered = columns()
    return [{name: values[str(n)] for name, values in delivered.items()} for n in range(ROWS)]


def _dumped(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def faithful() -> bytes:
    return _dumped(columns())


def with_column(name: str, change: Callable[[dict[str, object]], Mapping[str, object]]) -> bytes:
    delivered = columns()
    return _dumped({**delivered, name: change(delivered.get(name, {}))})


def with_values(name: str, values: Mapping[str, object]) -> bytes:
    """The faithful object with some values of one column replaced; keys are row numbers."""
    return with_column(name, lambda column: {**column, **values})


def truncated() -> bytes:
    return faithful()[:-5000]


def array() -> bytes:
    return _dumped(records())


def json_lines(broken: int | None = None) -> bytes:
    lines = [_dumped(record) + b"\n" for record in records()]
    if broken is not None:
        lines[broken] = lines[broken][:80] + b"\n"
    return b"".join(lines)


def unequal_columns() -> bytes:
    return with_column("agent ID", lambda column: dict(list(column.items())[:-1]))


def shifted_index() -> bytes:
    return with_column("agent ID", lambda column: {str(int(n) + 1): value for n, value in column.items()})


def column_added() -> bytes:
    return with_column("sentiment", lambda _: {str(n): "negative" for n in range(ROWS)})


def column_missing() -> bytes:
    return _dumped({name: values for name, values in columns().items() if name != "agent ID"})


def latin_1() -> bytes:
    return with_values(_CATEGORY, {"150": "Dépannage"}).decode().encode("latin-1")


def nulls_and_numbers() -> bytes:
    """Agents as numbers, and null where there is no resolution date, as a newer pandas may write them."""
    delivered = columns()
    agents = {n: int(str(agent)) for n, agent in delivered["agent ID"].items()}
    resolved = {n: moment or None for n, moment in delivered["resolution_date"].items()}
    return _dumped({**delivered, "agent ID": agents, "resolution_date": resolved})


def nested() -> bytes:
    return with_values(_CATEGORY, {"100": {"name": "Payments", "code": 4}, "200": ["Payments"]})


def duplicate_ids() -> bytes:
    ids = columns()["complaint_id"]
    return with_values("complaint_id", {"100": ids["0"], "200": ids["1"]})


def huge_cell() -> bytes:
    return with_values(_CATEGORY, {"150": "x" * HUGE_CELL})


def gzipped() -> bytes:
    return gzip.compress(faithful(), mtime=0)


def html_page() -> bytes:
    return b"<!DOCTYPE html>\n<html><head><title>503</title></head><body>Service Unavailable</body></html>\n"


def customers_quoted() -> bytes:
    """Line feed, comma and escaped quotes in every address."""
    delivered = [
        (*row[:-1], row[-1].replace("\n", f', "The Mews" {n}\n', 1))
        for n, row in enumerate(islice(customer_rows(0, _SCALE), ROWS))
    ]
    return csv_text([CUSTOMER_HEADER, *delivered]).encode()
