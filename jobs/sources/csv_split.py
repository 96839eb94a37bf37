"""A split of a CSV file: its records as batches, each value by the same parser.

A block goes to Arrow's parser at once where its bytes prove that the rules find the records that Arrow finds, and line
ends and rows agree; else each record is cut by itself, and the sound ones go to the same parser.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

import pyarrow as pa
import pyarrow.csv as arrow_csv

from jobs.clients import store
from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.contracts.mapping import Mapping
from jobs.errors import BalanceError
from jobs.landing.split import Counts
from jobs.sources.csv_grammar import BYTE_ORDER_MARK, RFC_4180, Grammar
from jobs.sources.csv_records import Records, Window

BLOCK = 8 * 2**20  # bytes that are looked at, and parsed, at once
_PROOF = 32  # sound records that make a guess
_GUESSES = 100_000


@dataclass(frozen=True)
class CsvSplit:
    """The records of a file whose first byte is in [start, end); `uri`: as which it was delivered.

    Where the first of them begins is guessed, and told with the counts, unless `is_start_known`.
    """

    root: Location
    file: Input
    uri: str
    mapping: Mapping
    start: int
    end: int
    line: int  # the number of the first line behind the header
    is_start_known: bool
    grammar: Grammar = RFC_4180

    @property
    def size(self) -> int:
        return self.file.size

    def start_at(self, at: int) -> "CsvSplit":
        return replace(self, start=at, is_start_known=True)

    @cached_property
    def _width(self) -> int:
        return len(self.mapping.delivered)

    def read_batches(self, counts: Counts) -> Iterator[pa.RecordBatch]:
        begin = self.start if self.is_start_known else self._guess_start()
        counts.first_byte = begin
        window = Window(self.root, self.file, begin)
        records = Records(window, self._width, self.grammar)
        while window.at < self.end and window.has(BLOCK):
            view = window.view(self.end)
            end = self.grammar.find_provable_end(view)
            table = self._parse(memoryview(view)[:end]) if end else None
            line_ends = view.count(b"\n", 0, end)
            if table is not None and _count_records(table, line_ends) == len(table):
                counts.records += len(table)
                counts.lines += line_ends
                window.skip(end)
                yield from self._map_batches(table)
            else:
                yield from self._cut_one_by_one(records, counts, window.at + len(view))
        counts.end_byte = min(max(window.at, begin), self.file.size)

    def _map_batches(self, table: pa.Table) -> Iterator[pa.RecordBatch]:
        for batch in table.to_batches():
            yield self.mapping.make_batch(batch.columns, len(batch))

    def _cut_one_by_one(self, records: Records, counts: Counts, until: int) -> Iterator[pa.RecordBatch]:
        """Those that begin before byte `until`, cut one by one."""
        sound: list[bytes] = []
        size = 0
        while records.window.at < until and records.window.has(1):
            line = self.line + counts.lines
            raw, reason, lines = records.take()
            counts.lines += lines
            counts.records += bool(raw)
            if reason and not raw:
                counts.set_apart(reason)
            elif reason:
                counts.reject(reason, line, bytes(self.grammar.to_utf_8(raw)))
            elif raw:
                sound.append(self.grammar.double_escaped(raw))
                size += len(raw)
            if size > BLOCK:
                yield from self._map_batches(self._parse_all(sound))
                sound, size = [], 0
        if sound:
            yield from self._map_batches(self._parse_all(sound))

    def _parse_all(self, records: list[bytes]) -> pa.Table:
        table = self._parse(b"".join(records))
        if table is None or len(table) != len(records):
            raise BalanceError(f"{self.uri}: {len(records)} records were cut, the parser finds others")
        return table

    def _parse(self, block: bytes | memoryview) -> pa.Table | None:
        """None: rows of another width."""
        block, names = self.grammar.to_utf_8(block), [str(position) for position in range(self._width)]
        odd: list[int] = []

        def note(row: arrow_csv.InvalidRow) -> str:
            odd.append(row.actual_columns)
            return "skip"

        # Arrow takes a byte order mark off the first bytes, unless a line to skip comes before it.
        is_marked = block[:3] == BYTE_ORDER_MARK
        source = pa.BufferReader(b"".join((b"\n", block)) if is_marked else pa.py_buffer(block))
        options = (
            arrow_csv.ReadOptions(
                column_names=names, skip_rows=int(is_marked), use_threads=False, block_size=len(block) + 2
            ),
            arrow_csv.ParseOptions(
                delimiter=self.grammar.delimiter.decode(),
                quote_char=self.grammar.quote.decode() or False,
                ignore_empty_lines=True,
                invalid_row_handler=note,
            ),
            arrow_csv.ConvertOptions(
                check_utf8=False,  # it was
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
                quoted_strings_can_be_null=False,
            ),
        )
        try:
            table = arrow_csv.read_csv(source, *options)
        except pa.ArrowInvalid:  # nothing but blank lines, or what the proof does not foresee
            return None
        return None if odd else table

    def _guess_start(self) -> int:
        """Where the first record begins: behind the first line end that sound records follow.

        A wrong guess costs time, no row: the driver sees that the splits do not meet.
        """
        window = next(islice(store.stream(self.root, self.file, self.start - 1), 1), b"")
        at = first = window.find(b"\n") + 1
        pattern = self.grammar.compile_record(self._width)
        if not first:
            return self.end
        for _ in range(_GUESSES if pattern else 0):
            next_at, number = at, 0
            while pattern and number < _PROOF and (record := pattern.match(window, next_at)):
                next_at, number = record.end(), number + 1
            if number == _PROOF or (number and next_at == len(window)):
                return self.start - 1 + at
            at = window.find(b"\n", at) + 1
            if not at:
                break
        return self.start - 1 + first


def _count_records(table: pa.Table, line_ends: int) -> int:
    """Line ends that stand in no value: a count of the records apart from the parser."""
    if line_ends == len(table):
        return line_ends
    return line_ends - sum(_join_bytes(chunk).count(b"\n") for column in table.columns for chunk in column.chunks)


def _join_bytes(texts: pa.Array) -> bytes:
    """All values of a column, one behind the other: a third of what counting value by value costs."""
    _, offsets, values = texts.buffers()
    if values is None:
        return b""
    ends = memoryview(offsets).cast("i")
    return bytes(memoryview(values)[ends[texts.offset] : ends[texts.offset + len(texts)]])
