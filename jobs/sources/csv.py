"""CSV files (RFC 4180): one chain of records from the header to the last byte, read in parts.

Rules, the same whatever block or part a record falls into (docs/hostile-deliveries.md):
- LF or CR LF ends a record, outside quotes; a line of nothing is no record.
- A field whose first byte is a quote ends at the next quote that is not doubled; any other quote is text.
- A record whose fields are not as many as the header's is rejected as a whole, as are NUL, what is not UTF-8, a
  carriage return outside quotes that ends no line, and more than MAX_RECORD bytes.
- Text behind a closing quote: the lines down to it are rejected as one record; a quote that is never closed, or that
  closes at what is the opening quote of a later, sound record: the first line is. Reading goes on with the next line.

A block goes to Arrow's parser at once where its bytes prove that these rules find the records that Arrow finds; else
each record is cut by `Records`, and the sound ones go to the same parser.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice

import pyarrow as pa
import pyarrow.csv as arrow_csv

from jobs import store
from jobs.contract import Mapping, map_columns
from jobs.errors import BalanceError, ContractError
from jobs.landing.split import Counts
from jobs.location import Location
from jobs.reading import MAX_RECORD, SHOWN, TOO_LONG, Reading, Request, merged, refuse_if_packed
from jobs.settings import CsvDelivery
from jobs.store import Input

SPLIT = 128 * 2**20  # bytes of a file that one task reads
BLOCK = 8 * 2**20  # bytes that are looked at, and parsed, at once
WIDE = 500  # from so many columns on, no pattern of a whole record: building it would take long
csv.field_size_limit(2**31 - 1)
_QUOTED = rb'"[^"]*+(?:""[^"]*+)*+"'
_FIELD = rb'(?:%b|[^",\r\n][^,\r\n]*+|)' % _QUOTED
_quoted = re.compile(_QUOTED)
_bare = re.compile(rb"[^,\n]*+")
_blank = re.compile(rb"\r*+\n")
# Quotes that open behind a comma, a line end or nothing, and close before a comma or a line end, one after the other.
_alternating = re.compile(rb'(?:[^"]*+(?:(?<=[,\n])|\A)%b(?=[,\r\n]))*+' % _QUOTED)
_stop = re.compile(rb"[,\n]")


@dataclass(frozen=True)
class CsvSplit:
    """The records of a file whose first byte is in [start, end).

    Where the first of them begins is guessed, and told with the counts, unless it is `known`.
    """

    root: Location
    found: Input
    mapping: Mapping
    start: int
    end: int
    line: int  # the number of the first line behind the header
    known: bool

    @property
    def uri(self) -> str:
        return self.found.uri

    @property
    def size(self) -> int:
        return self.found.size

    def starting_at(self, at: int) -> "CsvSplit":
        return replace(self, start=at, known=True)

    @property
    def width(self) -> int:
        return len(self.mapping.delivered)

    @cached_property
    def record(self) -> re.Pattern[bytes] | None:
        """A record of as many fields as the header has, with its line end."""
        if self.width > WIDE:
            return None
        return re.compile(_FIELD + (b"(?:,%b){%d}" % (_FIELD, self.width - 1)) + rb"\r*+\n")

    def batches(self, counts: Counts) -> Iterator[pa.RecordBatch]:
        begin = self.start if self.known else self._guess()
        counts.first_byte = counts.end_byte = begin
        records = Records(self.root, self.found, begin)
        while (records.at < self.end) and records.fill(BLOCK):
            room = self.end - records.at
            view = records.rest if len(records.rest) <= room else records.rest[:room]
            cut = sound(view)
            block = view if cut == len(view) else view[:cut]
            table = self._parsed(block) if cut else None
            if table is not None and _rows(block, table) == len(table):
                counts.records += len(table)
                counts.lines += block.count(b"\n")
                records.skip(cut)
                yield from self._batches(table)
            else:
                yield from self._apart(records, counts, records.at + len(view))
        counts.end_byte = min(max(records.at, begin), self.found.size)

    def _batches(self, table: pa.Table) -> Iterator[pa.RecordBatch]:
        for batch in table.to_batches():
            yield self.mapping.batch(batch.columns, len(batch))

    def _apart(self, records: "Records", counts: Counts, until: int) -> Iterator[pa.RecordBatch]:
        """Record by record, those that begin before byte `until`."""
        sound_ones: list[bytes] = []
        held = 0
        while records.at < until and records.fill(1):
            line = self.line + counts.lines
            raw, reason, lines = records.take(self.width, self.record)
            counts.lines += lines
            if not raw:
                continue
            counts.records += 1
            if reason:
                counts.reject(reason, line, raw)
                continue
            sound_ones.append(raw)
            held += len(raw)
            if held > BLOCK:
                yield from self._batches(self._of(sound_ones))
                sound_ones, held = [], 0
        if sound_ones:
            yield from self._batches(self._of(sound_ones))

    def _of(self, records: list[bytes]) -> pa.Table:
        table = self._parsed(b"".join(records))
        if table is None or len(table) != len(records):
            raise BalanceError(f"{self.uri}: {len(records)} records were cut, the parser finds others")
        return table

    def _parsed(self, block: bytes) -> pa.Table | None:
        """None: rows of another width."""
        names = [str(position) for position in range(self.width)]
        odd: list[int] = []

        def note(row: arrow_csv.InvalidRow) -> str:
            odd.append(row.actual_columns)
            return "skip"

        # A line to skip comes first: Arrow takes a byte order mark off the first bytes.
        given = (
            pa.BufferReader(b"".join((b"\n", block))),
            arrow_csv.ReadOptions(column_names=names, skip_rows=1, use_threads=False, block_size=len(block) + 2),
            arrow_csv.ParseOptions(ignore_empty_lines=True, invalid_row_handler=note),
            arrow_csv.ConvertOptions(
                check_utf8=False,  # it was
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,  # nothing between two commas is null, two quotes are an empty text
                null_values=[""],
                quoted_strings_can_be_null=False,
            ),
        )
        try:
            table = arrow_csv.read_csv(*given)
        except pa.ArrowInvalid:  # nothing but blank lines, or what this module does not foresee
            return None
        return None if odd else table

    def _guess(self) -> int:
        """Where the first record begins: behind the first line end that sound records follow. Wrong guesses cost time."""
        window = b"".join(islice(store.stream(self.root, self.found, self.start - 1), 1))
        at = first = window.find(b"\n") + 1
        if not first or self.record is None:
            return self.start - 1 + first if first else self.end
        for _ in range(100_000):
            behind, number = at, 0
            while number < 32 and (found := self.record.match(window, behind)):
                behind, number = found.end(), number + 1
            if number == 32 or (number and behind == len(window)):
                return self.start - 1 + at
            at = window.find(b"\n", at) + 1
            if not at:
                break
        return self.start - 1 + first


def sound(view: bytes) -> int:
    """Where the last whole record of `view` ends; 0 where its bytes do not prove the rules; it begins with a record."""
    end, quote = 0, view.find(b'"')
    if quote >= 0:
        end = _alternating.match(view).end()  # type: ignore[union-attr]
        quote = view.find(b'"', end)
        if quote > 0 and view[quote - 1 : quote] not in (b",", b"\n"):
            return 0
        if quote >= 0 and (found := _quoted.match(view, quote)) and found.end() < len(view):
            return 0
    cut = view.rfind(b"\n", 0, quote if quote >= 0 else len(view)) + 1
    while view.count(b'"', cut, end) % 2:  # a line end within quotes
        cut = view.rfind(b"\n", 0, cut - 1) + 1
    block = view[:cut] if cut < len(view) else view
    if b"\0" in block or (b"\r" in block and block.count(b"\r") != block.count(b"\r\n")):
        return 0
    if not block.isascii():
        try:
            block.decode()
        except UnicodeDecodeError:
            return 0
    return cut


def _rows(block: bytes, table: pa.Table) -> int:
    """What the line ends say: those that end no record stand in a value."""
    lines = block.count(b"\n")
    if lines == len(table):
        return lines
    return lines - sum(_bytes_of(chunk).count(b"\n") for column in table.columns for chunk in column.chunks)


def _bytes_of(texts: pa.Array) -> bytes:
    """All values of a column, one behind the other: a third of what counting value by value costs."""
    _, offsets, values = texts.buffers()
    if values is None:
        return b""
    ends = memoryview(offsets).cast("i")
    return bytes(memoryview(values)[ends[texts.offset] : ends[texts.offset + len(texts)]])


class Records:
    """A file's bytes from `at` on, cut record by record. The last line has an end, if need be one that is not there."""

    def __init__(self, root: Location, found: Input, at: int) -> None:
        self._root, self._found = root, found
        self._chunks: Iterator[bytes] = iter(())
        self._buffer, self._from, self.at = b"", 0, at
        self._ended = False
        self._to(at)

    def _to(self, at: int) -> None:
        self.at, self._buffer, self._from, self._ended = at, b"", 0, False
        self._chunks = store.stream(self._root, self._found, at) if at < self._found.size else iter(())

    @property
    def rest(self) -> bytes:
        if self._from:
            self._buffer, self._from = self._buffer[self._from :], 0
        return self._buffer

    def fill(self, size: int) -> bool:
        """Have `size` bytes at hand, or all there are; False: nothing is left."""
        while len(self._buffer) - self._from < size and self._more():
            pass
        return len(self._buffer) > self._from

    def _more(self) -> bool:
        """False: nothing new is to be seen; a line end, or that these bytes are the last, would be new."""
        if self._ended:
            return False
        chunk, rest = next(self._chunks, b""), self.rest
        self._ended = not chunk
        if chunk:
            self._buffer = rest + chunk
        elif rest and not rest.endswith(b"\n"):
            self._buffer = rest + b"\n"
        return True

    def skip(self, size: int) -> None:
        self._from += size
        self.at += size

    def take(self, width: int, record: re.Pattern[bytes] | None) -> tuple[bytes, str, int]:
        """The next record's bytes, why it cannot land or "", and the lines it took; no bytes: a blank line."""
        while True:
            buffer, begin = self._buffer, self._from
            if blank := _blank.match(buffer, begin):
                self.skip(blank.end() - begin)
                return b"", "", 1
            if record and (found := record.match(buffer, begin)):
                end, fields, fault = found.end(), width, ""
                break
            end, fields, fault = _structure(buffer, begin)
            if end:
                break
            if len(buffer) - begin > MAX_RECORD:
                return self._far()
            if not self._more():
                break
        if fault == _JUNK or not end:
            end = self._unreadable(end - self._from if fault == _JUNK else 0, record)
            fault = UNREADABLE
        raw = self._buffer[self._from : end]
        self.skip(len(raw))
        reason = fault or _content(raw) or ("" if fields == width else f"{fields} fields, the header has {width}")
        lines = raw.count(b"\n")
        return (raw, reason, lines) if len(raw) <= MAX_RECORD else (raw[:SHOWN], TOO_LONG, lines)

    def _unreadable(self, junk: int, record: re.Pattern[bytes] | None) -> int:
        """Where the text ends that is rejected for `junk` behind a closing quote; junk 0: for a quote that never closes."""
        line = self.rest.find(b"\n") + 1  # from here on nothing is skipped: positions stay as they are
        if not line or junk < line or junk > MAX_RECORD:
            return line if line else self._line_end(0)
        end = self._line_end(junk)
        if record is None or self._buffer[junk - 2 : junk - 1] not in (b",", b"\n"):
            return end
        at = line
        while (
            at < junk
        ):  # is the quote before `junk` the first of a field, in lines that are sound without the open one?
            found = record.match(self._buffer, at)
            if found and found.end() - at <= MAX_RECORD:
                at = found.end()
            elif found or _structure(self._buffer, at)[0] or len(self._buffer) - at > MAX_RECORD or not self._more():
                return end
        return line

    def _line_end(self, at: int) -> int:
        while (end := self._buffer.find(b"\n", at)) < 0 and self._more():
            pass
        return end + 1

    def _far(self) -> tuple[bytes, str, int]:
        """A record that is longer than memory should hold: rejected as one where it ends, else its first line is."""
        begin, size = self.at, self._found.size
        behind = begin + len(self.rest)
        more = store.stream(self._root, self._found, behind) if behind < size else ()
        end, lines = _end_of(chain([self.rest], more))
        raw = self.rest[:SHOWN]
        reason = TOO_LONG
        if end is None:
            end = 0
            for chunk in chain([self.rest], self._chunks):
                at = chunk.find(b"\n") + 1
                end += at or len(chunk)
                if at:
                    break
            lines = 1
            if end <= MAX_RECORD:
                raw, reason = self.rest[:end], UNREADABLE
        self._to(min(begin + end, size))
        return raw, reason, lines


UNREADABLE = "quotes or line ends that cannot be read"
_JUNK = "junk"


def _structure(buffer: bytes, at: int) -> tuple[int, int, str]:
    """(end, fields, fault) of the record at `at`; end 0: the buffer ends before it; fault "junk": at `end`, behind a quote."""
    fields, fault, size = 1, "", len(buffer)
    while True:
        if buffer[at : at + 1] == b'"':
            if not (found := _quoted.match(buffer, at)) or found.end() == size:
                return 0, fields, fault
            at = found.end()
            if line := _blank.match(buffer, at):
                return line.end(), fields, fault
            if buffer[at : at + 1] != b",":
                return (at, fields, _JUNK) if buffer[at : at + 1000].strip(b"\r") else (0, fields, fault)
        else:
            found = _bare.match(buffer, at)
            text = found.group()
            at = found.end()
            if at == size:
                return 0, fields, fault
            if buffer[at : at + 1] == b"\n":
                text = text.rstrip(b"\r")
            if b"\r" in text:
                fault = UNREADABLE
            if buffer[at : at + 1] == b"\n":
                return at + 1, fields, fault
        fields += 1
        at += 1


def _end_of(chunks: Iterable[bytes]) -> tuple[int | None, int]:
    """How many bytes and lines a record has that holds more than a buffer; None: a quote is not closed as it should be."""
    state, offset, lines = "start", 0, 0
    for chunk in chunks:
        at = 0
        while at < len(chunk):
            byte = chunk[at : at + 1]
            if state == "start" and byte == b'"':
                state, at = "quoted", at + 1
            elif state == "quoted":
                at = chunk.find(b'"', at) + 1 or len(chunk) + 1
                state = "quoted" if at > len(chunk) else "behind"
            elif state == "behind" and byte == b'"':
                state, at = "quoted", at + 1
            elif state == "behind" and byte not in (b",", b"\n", b"\r"):
                return None, 0
            elif found := _stop.search(chunk, at):
                at, state = found.end(), "start"
                if found.group() == b"\n":
                    return offset + at, lines + chunk.count(b"\n", 0, at)
            else:
                at, state = len(chunk), state if state == "behind" else "bare"
        offset += len(chunk)
        lines += chunk.count(b"\n")
    return (None if state == "quoted" else offset), lines


def _content(record: bytes) -> str:
    if b"\0" in record:
        return "NUL byte"
    try:
        record.decode()
    except UnicodeDecodeError:
        return "not UTF-8"
    return ""


@contextmanager
def reading(request: Request, inputs: tuple[Input, ...], delivery: CsvDelivery) -> Iterator[Reading]:
    """All files of a delivery, each by its own header. Raises ContractError."""
    splits: list[CsvSplit] = []
    mappings = []
    for found in inputs:
        header, at, line = header_of(request.environment.sources, found)
        mapping = map_columns(request.contract, header, found.uri)
        mappings.append(mapping)
        for start in range(0, max(found.size, 1), SPLIT):
            first = start == 0
            begin, end = (at, max(SPLIT, at)) if first else (max(start, at), start + SPLIT)
            splits.append(CsvSplit(request.environment.sources, found, mapping, begin, end, line, first or start < at))
    yield Reading(
        inputs=inputs,
        splits=splits,
        columns=mappings[0].delivered,
        drift=merged(mapping.drift for mapping in mappings),
    )


def header_of(root: Location, found: Input) -> tuple[tuple[str, ...], int, int]:
    """The first record's names, where the records behind it begin, and in which line. Raises ContractError: no CSV."""
    records = Records(root, found, 0)
    if not records.fill(1):
        raise ContractError(f"{found.uri}: the file is empty (0 bytes), not even a header; ask for it to be sent again")
    refuse_if_packed(records.rest, found.uri)
    if records.rest.startswith(b"\xef\xbb\xbf"):
        records.skip(3)
    line = 1
    while records.fill(1):
        raw, reason, lines = records.take(-1, None)
        line += lines
        if raw:
            break
    else:
        raise ContractError(f"{found.uri}: blank lines and no header; ask for it to be sent again")
    text = raw.rstrip(b"\r\n")
    if b"\r" in text and "\n" not in text.decode("latin-1") and not records.fill(1):
        raise ContractError(f"{found.uri}: its lines end with CR alone; allowed are LF and CR LF")
    if not reason.endswith("the header has -1"):
        raise ContractError(f"{found.uri}: the header cannot be read: {reason}; found {raw[:200]!r}")
    names = next(csv.reader(io.StringIO(text.decode(), newline=""), strict=True))
    return tuple(names), records.at, line
