"""What may go wrong with a CSV of call logs, each as the bytes of one delivery."""

import gzip
from collections.abc import Callable
from datetime import date
from functools import cache
from itertools import islice

from demo.complaints import HEADERS, Row, Scale, rows
from demo.faithful import csv_text

DAY = date(2025, 11, 21)
ROWS = 300
# The customers are those of every faithful delivery with at least a thousand of them.
SCALE = Scale(calls=400, customers=1000)
HUGE_CELL = 10 * 1024 * 1024

_HEADER = HEADERS["call_logs"]
_CALL, _CATEGORY, _START, _END, _STATUS = (
    _HEADER.index(name)
    for name in ("call ID", "COMPLAINT_catego ry", "call_start_time", "call_end_time", "resolutionstatus")
)


@cache
def call_rows() -> tuple[Row, ...]:
    return tuple(islice(rows("call_logs", DAY, SCALE), ROWS))


def _lines() -> list[str]:
    """The header and the rows of a faithful file, without their line ends."""
    return csv_text([_HEADER, *call_rows()]).splitlines()


def _joined(lines: list[str], end: str = "\n") -> bytes:
    return "".join(line + end for line in lines).encode()


def faithful() -> bytes:
    return _joined(_lines())


def with_line(change: Callable[[str], str], *at: int) -> bytes:
    """The file with the lines `at` changed; the header is line 0."""
    lines = _lines()
    for number in at or (150,):
        lines[number] = change(lines[number])
    return _joined(lines)


def with_category(text: str, at: int = 150) -> bytes:
    """The file with one category replaced by `text`, as it stands, without quoting."""
    return with_line(lambda line: _replaced(line, _CATEGORY, text), at)


def with_header(old: str, new: str) -> bytes:
    assert old in _HEADER
    return with_line(lambda line: _replaced(line, _HEADER.index(old), new), 0)


def _replaced(line: str, at: int, text: str) -> str:
    cells = line.split(",")
    return ",".join([*cells[:at], text, *cells[at + 1 :]])


def reordered(order: list[int]) -> bytes:
    """The columns in another order, or fewer of them."""
    return _joined([",".join(line.split(",")[at] for at in order) for line in _lines()])


def column_dropped() -> bytes:
    return reordered([at for at, name in enumerate(_HEADER) if name != "agent ID"])


def columns_reversed() -> bytes:
    return reordered(list(range(len(_HEADER)))[::-1])


def column_added() -> bytes:
    lines = _lines()
    return _joined([f"{lines[0]},callQueue", *(f"{line},queue-{n % 4}" for n, line in enumerate(lines[1:]))])


def two_names_for_one() -> bytes:
    """`Agent_Id` beside `agent ID`: both become agent_id."""
    lines = _lines()
    return _joined([f"{lines[0]},Agent_Id", *(f"{line},1000" for line in lines[1:])])


def short_rows(*at: int) -> bytes:
    return with_line(lambda line: line.rsplit(",", 2)[0], *at)


def unclosed_quote(at: int) -> bytes:
    return with_line(lambda line: _replaced(line, _CATEGORY, '"' + line.split(",")[_CATEGORY]), at)


def duplicate_ids() -> bytes:
    """One row twice as it is, and one call ID again with another status."""
    lines = _lines()
    first, other = lines[1], lines[2]
    lines[100] = first
    lines[200] = _replaced(other, _STATUS, "Blocked" if "Blocked" not in other else "Resolved")
    return _joined(lines)


def future_dates() -> bytes:
    changed = {_START: "2199-01-01 08:00:00", _END: "2199-01-01 08:09:00"}

    def in_future(line: str) -> str:
        return ",".join(changed.get(at, cell) for at, cell in enumerate(line.split(",")))

    return with_line(in_future, 100, 200)


def not_a_date() -> bytes:
    return with_line(lambda line: _replaced(line, _START, "not-a-date"))


def latin_1() -> bytes:
    return with_category("Dépannage").decode().encode("latin-1")


def blank_lines() -> bytes:
    lines = _lines()
    return _joined([*lines[:50], "", *lines[50:150], "", "", *lines[150:]])


def truncated() -> bytes:
    """The upload broke off within the last row."""
    return faithful()[:-60]


def corrected() -> bytes:
    """The faithful file sent again under its key: five rows resolved since, and one row less."""
    lines = _lines()[:-1]
    still_open = (at for at, row in enumerate(call_rows(), start=1) if row[_STATUS] != "Resolved")
    for at in islice(still_open, 5):
        lines[at] = _replaced(lines[at], _STATUS, "Resolved")
    return _joined(lines)


def with_line_ends(end: str) -> bytes:
    return _joined(_lines(), end)


def with_delimiter(delimiter: str) -> bytes:
    return faithful().replace(b",", delimiter.encode())


def header_only() -> bytes:
    return _joined(_lines()[:1])


def gzipped() -> bytes:
    return gzip.compress(faithful(), mtime=0)
