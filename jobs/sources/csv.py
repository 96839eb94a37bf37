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

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.contracts.deliveries import DELIMITERS, CsvDelivery
from jobs.contracts.mapping import Mapping, map_columns
from jobs.errors import ContractError
from jobs.sources.csv_frame import FOOTER, Header, find_footer, pass_no_header, read_header
from jobs.sources.csv_grammar import Grammar
from jobs.sources.csv_split import CsvSplit
from jobs.sources.files import TextFiles
from jobs.sources.reading import Reading, Request, add_counts, merge_drift

SPLIT = 128 * 2**20  # bytes of a file that one task reads


@dataclass(frozen=True)
class CsvFiles(TextFiles):
    """A delivery's files, each by its own header."""

    delivery: CsvDelivery

    @property
    def transcoded(self) -> str | None:
        encoding = self.delivery.encoding
        return encoding if encoding.startswith("utf-16") else None

    @cached_property
    def grammar(self) -> Grammar:
        one = self.delivery
        texts = (one.quote.encode(), one.escape.encode(), one.comment.encode())
        return Grammar(one.delimiter.encode(), "utf-8" if self.transcoded else one.encoding, *texts)

    @contextmanager
    def read(self, request: Request, inputs: tuple[Input, ...]) -> Iterator[Reading]:
        """Raises ContractError."""
        files = [self._cut(request, file) for file in inputs]
        told = [file.records for file in files if file.records is not None]
        yield Reading(
            inputs=inputs,
            splits=[split for file in files for split in file.splits],
            records=sum(told) if len(told) == len(files) else None,
            columns=files[0].mapping.delivered,
            drift=merge_drift(file.mapping.drift for file in files),
            apart=add_counts(file.apart for file in files),
        )

    def _cut(self, request: Request, file: Input) -> "_Cut":
        root, whole = self.open(request, file)
        header = self._find_header(request, root, whole, file.uri)
        mapping = self._map(request, header.names, file.uri)
        footer = find_footer(root, whole, self.grammar, file.uri, self.delivery.footer)
        if footer.at < min(header.at, whole.size):  # a last line without an end is read as if it had one
            raise ContractError(f"{file.uri}: no header before its footer; ask for it to be sent again")
        plain, splits = whole.model_copy(update={"size": footer.at}), []
        for start in range(0, max(plain.size, 1), SPLIT):
            begin, end = (header.at, max(SPLIT, header.at)) if start == 0 else (max(start, header.at), start + SPLIT)
            is_known = start <= header.at
            splits.append(CsvSplit(root, plain, file.uri, mapping, begin, end, header.line, is_known, self.grammar))
        of_footer = {FOOTER: len(self.delivery.footer)} if self.delivery.footer else {}
        return _Cut(mapping, splits, header.apart | of_footer, footer.records)

    def _find_header(self, request: Request, root: Location, file: Input, uri: str) -> Header:
        if self.delivery.header:
            return read_header(root, file, self.grammar, uri, self.delivery.skip_rows)
        return pass_no_header(root, file, self.grammar, uri, tuple(request.contract.columns))

    def _map(self, request: Request, header: tuple[str, ...], uri: str) -> Mapping:
        """Raises ContractError, which names the delimiter that a header in one piece holds instead."""
        try:
            return map_columns(request.contract, header, uri)
        except ContractError as error:
            others = [other for other in DELIMITERS if other != self.delivery.delimiter and other in header[0]]
            if len(header) > 1 or not others:
                raise
            raise ContractError(
                f"{error}; its header is one field with {others[0]!r} in it: delivery.delimiter?"
            ) from None


@dataclass(frozen=True)
class _Cut:
    """A file; `records`: as many as it says that it has, if it does; `apart`: lines around them, by what they are."""

    mapping: Mapping
    splits: list[CsvSplit]
    apart: dict[str, int]
    records: int | None
