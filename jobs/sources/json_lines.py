"""JSON lines: an object a line, read in splits. A blank line is no record."""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from jobs.clients import store
from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.contracts.source import SourceContract
from jobs.landing.split import Counts, Split
from jobs.sources.json_batches import Batches
from jobs.sources.json_structure import BLANK
from jobs.sources.reading import MAX_RECORD, SHOWN, TOO_LONG

SPLIT = 128 * 2**20  # bytes that one task reads
PIECE = 2**20  # bytes of whole lines that become a batch


def cut_lines(root: Location, file: Input, uri: str, contract: SourceContract) -> list[Split]:
    """A file's splits, at least one; `uri`: as which it was delivered."""
    starts = range(0, max(file.size, 1), SPLIT)
    return [LinesSplit(root, file, uri, contract, at, at + SPLIT) for at in starts]


@dataclass(frozen=True)
class LinesSplit:
    """The lines of a file whose first byte is in [start, end)."""

    root: Location
    file: Input
    uri: str
    contract: SourceContract
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.file.size

    def start_at(self, at: int) -> "LinesSplit":
        """Never asked for: a line begins behind a line end, whatever stands in it."""
        raise NotImplementedError(f"{self.uri}, byte {at}")

    def read_batches(self, counts: Counts) -> Iterator[pa.RecordBatch]:
        batches = Batches(self.contract, counts)
        for piece, is_too_long in cut_whole_lines(self._read_own_bytes(counts)):
            first = counts.lines + 1
            counts.lines += piece.count(b"\n") + is_too_long
            if is_too_long:
                counts.records += 1
                counts.reject(TOO_LONG, first, piece)
            else:
                records = counts.lines - first + 1 + (not piece.endswith(b"\n"))
                yield from batches.read_lines(piece, _number_lines(piece, first), records)

    def _read_own_bytes(self, counts: Counts) -> Iterator[bytes]:
        """Those of the lines that begin in the split, but for a byte order mark."""
        at = max(self.start - 1, 0)  # a line begins at `start` if the byte before it is a line end
        is_before = self.start > 0
        counts.first_byte = counts.end_byte = self.file.size if is_before else 0
        for read in store.stream(self.root, self.file, at):
            chunk, begin = read, 0
            if is_before:
                begin = chunk.find(b"\n") + 1
                if not begin:
                    at += len(chunk)
                    continue
                is_before = False
                counts.first_byte = counts.end_byte = at + begin
                if at + begin >= self.end:
                    return
            stop = chunk.find(b"\n", max(self.end - 1 - at, begin)) + 1
            own = chunk[begin : stop or None]
            is_first = counts.end_byte == 0
            counts.end_byte += len(own)
            yield own.removeprefix(codecs.BOM_UTF8) if is_first else own
            if stop:
                return
            at += len(chunk)


def cut_whole_lines(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Some whole lines, or the beginning of one that is too long (True), however the chunks were cut."""
    pending, is_too_long = b"", False
    for read in chunks:
        chunk, first = read, read.find(b"\n") + 1
        if first and (is_too_long or len(pending) + first - 1 > MAX_RECORD):
            yield (pending + chunk[: first - 1])[:SHOWN], True
            pending, is_too_long, chunk = b"", False, chunk[first:]
        if is_too_long:
            continue
        end = chunk.rfind(b"\n") + 1
        if end:
            yield from ((piece, False) for piece in _cut_pieces(pending + chunk[:end]))
        pending = chunk[end:] if end else pending + chunk
        if len(pending) > MAX_RECORD:
            pending, is_too_long = pending[:SHOWN], True
    if pending:
        yield pending, is_too_long


def _cut_pieces(lines: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(lines):
        end = lines.find(b"\n", at + PIECE - 1) + 1 or len(lines)
        yield lines[at:end]
        at = end


def _number_lines(piece: bytes, first: int) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(piece.split(b"\n"), first):
        if line.strip(BLANK):
            yield number, line
