"""CSV files (RFC 4180): one chain of records from the header to the last byte, read in splits.

Rules, the same whatever block or split a record falls into (docs/hostile-deliveries.md):
- LF or CR LF ends a record, outside quotes; a line of nothing is no record.
- A field whose first byte is a quote ends at the next quote that is not doubled; any other quote is text.
- A record whose fields are not as many as the header's is rejected as a whole, as are NUL, what is not UTF-8, a
  carriage return outside quotes that ends no line, and more than MAX_RECORD bytes.
- Text behind a closing quote: the lines down to it are rejected as one record; a quote that is never closed, or that
  closes at what is the opening quote of a later, sound record: the first line is. Reading goes on with the next line.
- Nothing between two commas is NULL, two quotes are an empty text.
"""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.contracts.mapping import map_columns
from jobs.errors import ContractError
from jobs.sources.csv_grammar import BYTE_ORDER_MARK, Grammar
from jobs.sources.csv_records import Records, Window
from jobs.sources.csv_split import CsvSplit
from jobs.sources.files import Files
from jobs.sources.reading import Reading, Request, merge_drift, refuse_if_packed

SPLIT = 128 * 2**20  # bytes of a file that one task reads
MAX_COLUMNS = 5_000  # of a file: each costs every row, also where nobody asked for it
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class CsvFiles(Files):
    """A delivery's files, each by its own header."""

    delimiter: str = ","
    encoding: str = "utf-8"

    @property
    def transcoded(self) -> str | None:
        return self.encoding if self.encoding.startswith("utf-16") else None

    @property
    def grammar(self) -> Grammar:
        return Grammar(self.delimiter.encode(), "utf-8" if self.transcoded else self.encoding)

    @contextmanager
    def read(self, request: Request, inputs: tuple[Input, ...]) -> Iterator[Reading]:
        """Raises ContractError."""
        splits: list[CsvSplit] = []
        mappings = []
        for file in inputs:
            root, plain = self.open(request, file)
            header, at, line = read_header(root, plain, self.grammar, file.uri)
            mapping = map_columns(request.contract, header, file.uri)
            mappings.append(mapping)
            for start in range(0, max(plain.size, 1), SPLIT):
                begin, end = (at, max(SPLIT, at)) if start == 0 else (max(start, at), start + SPLIT)
                splits.append(CsvSplit(root, plain, file.uri, mapping, begin, end, line, start <= at, self.grammar))
        yield Reading(
            inputs=inputs,
            splits=splits,
            columns=mappings[0].delivered,
            drift=merge_drift(mapping.drift for mapping in mappings),
        )


def read_header(root: Location, file: Input, grammar: Grammar, uri: str) -> tuple[tuple[str, ...], int, int]:
    """The first record's names, the byte and the line at which the records behind it begin.

    Raises ContractError where the file is no CSV, or has too many columns.
    """
    window = Window(root, file, 0)
    if not window.has(1):
        raise ContractError(f"{uri}: the file is empty (0 bytes), not even a header; ask for it to be sent again")
    window.has(len(BYTE_ORDER_MARK))
    refuse_if_packed(window.rest, uri)
    if window.rest.startswith(BYTE_ORDER_MARK):
        if grammar.encoding != "utf-8":
            raise ContractError(f"{uri}: a byte order mark of UTF-8; encoding = {grammar.encoding!r} is expected")
        window.skip(len(BYTE_ORDER_MARK))
    records, line = Records(window, 0, grammar), 1
    while window.has(1):
        raw, reason, lines = records.take()
        line += lines
        if raw:
            break
    else:
        raise ContractError(f"{uri}: blank lines and no header; ask for it to be sent again")
    text = raw.rstrip(b"\r\n")
    if reason and b"\r" in text and b"\n" not in text and not window.has(1):
        raise ContractError(f"{uri}: its lines end with CR alone; allowed are LF and CR LF")
    if reason:
        raise ContractError(f"{uri}: the header (line {line - lines}, {len(raw)} bytes) cannot be read: {reason}")
    lines_of_text = io.StringIO(text.decode(grammar.encoding), newline="")
    names = next(csv.reader(lines_of_text, delimiter=grammar.delimiter.decode(), strict=True))
    if len(names) > MAX_COLUMNS:
        raise ContractError(f"{uri}: {len(names)} columns, allowed are {MAX_COLUMNS}; is the header one, or a row?")
    return tuple(names), window.at, line
