"""CSV counted by Python's own csv, one record after the other.

Its reader knows no comments and no footer: they are kept from it. An escape means to it something outside of quotes
too,
which is of no consequence to a count, but before a line end.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal

from jobs.contracts.deliveries import CsvDelivery

MARKS = ("\xef\xbb\xbf", "\ufeff")  # a byte order mark, read as Latin-1 or as what it is
_BEFORE_A_LINE_END = re.compile(r"(?<!\\)((?:\\\\)*)\\(?=[\r\n])")
csv.field_size_limit(2**31 - 1)


def count_csv(text: io.TextIOBase, delivery: CsvDelivery) -> int:
    """Behind the header; a line of nothing is no record. Raises csv.Error where quotes do not close as they should."""
    lines = _Lines(_drop_footer(_drop_mark(text), len(delivery.footer)), delivery)
    for _ in range(delivery.skip_rows):
        lines.skip()
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if delivery.quote else csv.QUOTE_NONE
    reader = csv.reader(
        lines,
        delimiter=delivery.delimiter,
        quotechar=delivery.quote or None,
        quoting=quoting,
        escapechar=delivery.escape or None,
        strict=True,
    )
    records = (record for record in _take_each(reader, lines) if record)
    return sum(1 for _ in islice(records, int(delivery.header), None))


class _Lines:
    """Lines for a reader that is told of no comment; `is_start`: whether a record begins with the next one."""

    def __init__(self, lines: Iterator[str], delivery: CsvDelivery) -> None:
        self._lines, self._comment, self._escape = lines, delivery.comment, delivery.escape
        self.is_start = True

    def skip(self) -> None:
        next(self._lines, "")

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        while self.is_start and self._comment and line.startswith(self._comment):
            line = next(self._lines)
        self.is_start = False
        return _BEFORE_A_LINE_END.sub(r"\1", line) if self._escape else line


def _take_each(reader: Iterator[list[str]], lines: _Lines) -> Iterator[list[str]]:
    for record in reader:
        lines.is_start = True
        yield record


def _drop_mark(text: Iterable[str]) -> Iterator[str]:
    lines = iter(text)
    first = next(lines, "")
    for mark in MARKS:
        first = first.removeprefix(mark)
    if first:
        yield first
    yield from lines


def _drop_footer(lines: Iterator[str], number: int) -> Iterator[str]:
    """Without the last lines that are not blank; blank ones among and behind them go as well."""
    held: deque[str] = deque()
    filled = 0
    for line in lines:
        held.append(line)
        filled += bool(line.strip("\r\n"))
        while held and (filled > number or not held[0].strip("\r\n")):
            filled -= bool(held[0].strip("\r\n"))
            yield held.popleft()
