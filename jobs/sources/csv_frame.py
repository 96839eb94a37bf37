"""What stands around a CSV file's records: lines that are skipped, its header, its footer."""

import csv
import io
import re
from typing import Literal, NamedTuple

from jobs.clients import store
from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.errors import ContractError
from jobs.sources.csv_grammar import BYTE_ORDER_MARK, Grammar
from jobs.sources.csv_records import COMMENT, Record, Records, Window
from jobs.sources.reading import MAX_COLUMNS, SKIPPED, refuse_if_packed

FOOTER = "footer lines"
ROWS = "{rows}"  # in a footer: how many records the supplier says that there are
_TAIL = 64 * 2**10  # bytes that a footer may have
csv.field_size_limit(2**31 - 1)


class Header(NamedTuple):
    """Its names, the byte and the line at which the records behind it begin, and the lines that were none of either."""

    names: tuple[str, ...]
    at: int
    line: int
    apart: dict[str, int]


class Footer(NamedTuple):
    """The byte at which it begins, or the file ends; `records`: what it says of them, if it does."""

    at: int
    records: int | None


def read_header(root: Location, file: Input, grammar: Grammar, uri: str, skip_rows: int = 0) -> Header:
    """The first record behind `skip_rows` lines. Raises ContractError where the file is no CSV, or too wide."""
    window = _open(root, file, grammar, uri)
    records = Records(window, 0, grammar)
    skipped = _skip_lines(records, skip_rows, uri)
    (raw, reason, lines), line, comments = _take_first(records)
    line += skip_rows
    if not raw:
        raise ContractError(f"{uri}: blank lines and no header; ask for it to be sent again")
    text = raw.rstrip(b"\r\n")
    if reason and b"\r" in text and b"\n" not in text and not window.has(1):
        raise ContractError(f"{uri}: its lines end with CR alone; allowed are LF and CR LF")
    if reason:
        raise ContractError(f"{uri}: the header (line {line}, {len(raw)} bytes) cannot be read: {reason}")
    names = parse_record(raw, grammar)
    if len(names) > MAX_COLUMNS:
        raise ContractError(f"{uri}: {len(names)} columns, allowed are {MAX_COLUMNS}; is the header one, or a row?")
    return Header(names, window.at, line + lines, skipped | comments)


def pass_no_header(root: Location, file: Input, grammar: Grammar, uri: str, headers: tuple[str, ...]) -> Header:
    """`headers`: of the columns by their position. Raises ContractError where the first record is one all the same."""
    window = _open(root, file, grammar, uri)
    at = window.at
    (raw, reason, _), line, _ = _take_first(Records(window, len(headers), grammar))
    if raw and not reason and parse_record(raw, grammar) == headers:
        raise ContractError(f"{uri}: line {line} is a header, and its source contract says header = false")
    return Header(headers, at, 1, {})


def parse_record(raw: bytes, grammar: Grammar) -> tuple[str, ...]:
    """The fields of a sound record, by Python's csv."""
    text = grammar.double_escaped(raw).rstrip(b"\r\n").decode(grammar.encoding)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if grammar.quote else csv.QUOTE_NONE
    quote, delimiter = grammar.quote.decode() or None, grammar.delimiter.decode()
    lines = io.StringIO(text, newline="")
    return tuple(next(csv.reader(lines, delimiter=delimiter, quotechar=quote, quoting=quoting, strict=True)))


def _open(root: Location, file: Input, grammar: Grammar, uri: str) -> Window:
    """At the first byte behind a byte order mark."""
    window = Window(root, file, 0)
    if not window.has(1):
        raise ContractError(f"{uri}: the file is empty (0 bytes), not even a header; ask for it to be sent again")
    window.has(len(BYTE_ORDER_MARK))
    refuse_if_packed(window.rest, uri)
    if window.rest.startswith(BYTE_ORDER_MARK):
        if grammar.encoding != "utf-8":
            raise ContractError(f"{uri}: a byte order mark of UTF-8; encoding = {grammar.encoding!r} is expected")
        window.skip(len(BYTE_ORDER_MARK))
    return window


def _skip_lines(records: Records, number: int, uri: str) -> dict[str, int]:
    for found in range(number):
        if not records.window.has(1):
            raise ContractError(f"{uri}: {found} lines and no header behind them; skip_rows = {number}")
        records.take_line()
    return {SKIPPED: number} if number else {}


def _take_first(records: Records) -> tuple[Record, int, dict[str, int]]:
    """The first record, the line that it begins in, and the comments before it; none: without bytes."""
    line, comments, record = 1, 0, Record(b"", "", 0)
    while records.window.has(1):
        record = records.take()
        if record.raw:
            break
        line, comments = line + record.lines, comments + bool(record.reason)
    return record, line, {COMMENT: comments} if comments else {}


def find_footer(root: Location, file: Input, grammar: Grammar, uri: str, footer: tuple[str, ...]) -> Footer:
    """The file's last lines that are not blank, as many as `footer` says, each beginning as it says.

    Raises ContractError where one does not: a record must not go for a footer that was left out.
    """
    start = max(file.size - _TAIL, 0)
    tail = b"".join(store.stream(root, file, start)) if footer else b""
    end, records = file.size - start, None
    for number, beginning in enumerate(reversed(footer), start=1):
        text = tail[:end].rstrip(b"\r\n")
        end = text.rfind(b"\n") + 1
        found = _compile_beginning(beginning, grammar.encoding).match(text, end)
        if found is None or (start and not end):
            raise ContractError(
                f"{uri}: the last line but {number - 1} does not begin with {beginning!r} (footer); is it cut off?"
            )
        records = int(found[1]) if found.lastindex else records
    return Footer(start + end, records)


def _compile_beginning(beginning: str, encoding: str) -> re.Pattern[bytes]:
    return re.compile(rb"(\d{1,18})".join(re.escape(part.encode(encoding)) for part in beginning.split(ROWS)))
