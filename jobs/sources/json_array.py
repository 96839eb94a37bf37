"""One JSON array of records: its entries are cut by a scan of structure and read in bounded memory, however many."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from jobs.clients import store
from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.contracts.source import SourceContract
from jobs.errors import ContractError
from jobs.landing.split import Counts
from jobs.sources.json_batches import Batches
from jobs.sources.json_structure import (
    BLANK,
    BrokenError,
    Scan,
    StructureError,
    UnfinishedError,
    shorten,
    skip_blanks,
    skip_mark,
)
from jobs.sources.reading import MAX_RECORD

PIECE = 2**20  # bytes of entries that become a batch
_BETWEEN = re.compile(rb"\}([ \t\r\n]*+,[ \t\r\n]*+)\{")


@dataclass(frozen=True)
class ArraySplit:
    """A file that begins with a bracket. Its structure must be sound to the end; a record in it need not be."""

    root: Location
    file: Input
    uri: str
    contract: SourceContract
    size: int | None = None

    def start_at(self, at: int) -> "ArraySplit":
        """Never asked for: it is the only split of its file."""
        raise NotImplementedError(f"{self.uri}, byte {at}")

    def read_batches(self, counts: Counts) -> Iterator[pa.RecordBatch]:
        """Raises ContractError where the array is broken, cut off, or not all there is."""
        entries = _Entries(skip_mark(store.stream(self.root, self.file)))
        try:
            yield from self._read_entries(entries, counts)
        except StructureError as error:
            near = entries.passed + error.at
            raise ContractError(f"{self.uri}: {error}, near byte {near}; ask for it to be sent again") from None

    def _read_entries(self, entries: "_Entries", counts: Counts) -> Iterator[pa.RecordBatch]:
        batches = Batches(self.contract, counts)
        entries.open()
        while not entries.is_over:
            guess = entries.guess()
            batch = batches.read_entries(guess) if guess else None
            if batch is not None:
                entries.skip(len(guess))
                yield batch
            else:
                first = counts.records
                raw_entries = entries.cut()
                yield from batches.read_lines(b"\n".join(raw_entries), enumerate(raw_entries, first), len(raw_entries))


class _Entries:
    """What is held of the file, and where in it the next entry begins."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._data, self._at, self.passed = b"", 0, 0
        self.is_over = False

    def open(self) -> None:
        """Go to the first entry. Raises StructureError."""
        self._pass(b"[")
        if self._find_byte() == b"]":
            self._pass(b"]")

    def guess(self) -> bytes:
        """Entries up to what looks like the end of one: it is one if they make a sound array. b"": no guess."""
        while not (boundary := _BETWEEN.search(self._data, self._at + PIECE)):
            if len(self._data) - self._at > MAX_RECORD or not self._read_more():
                return b""
        size = boundary.start() + 1 - self._at
        return self._data[self._at : self._at + size] if size <= MAX_RECORD else b""

    def skip(self, size: int) -> None:
        """Go on behind a guess that was right, and its comma."""
        self._at = self._data.index(b",", self._at + size) + 1

    def cut(self) -> list[bytes]:
        """The next entries, one by one. Raises StructureError."""
        entries: list[bytes] = []
        size = 0
        while not self.is_over and size < PIECE:
            entries.append(self._cut_entry())
            size += len(entries[-1])
        return entries

    def _cut_entry(self) -> bytes:
        """The next entry; of one that is too long so much that it is seen to be. Raises StructureError."""
        self._find_byte()
        scan, beginning, at = Scan(), b"", self._at
        while True:
            try:
                end = scan.end(self._data, at)
                break
            except UnfinishedError as error:
                at = error.at - self._at
                if len(self._data) - self._at > MAX_RECORD:
                    beginning = beginning or self._data[self._at : self._at + MAX_RECORD + 1]
                if beginning:
                    self._hold(shorten(self._data[error.at :]))
                    error.at = at = 0
                if not self._read_more():
                    raise
        entry = beginning or self._data[self._at : end]
        self._at = end
        self._pass(b",]")
        return entry

    def _hold(self, rest: bytes) -> None:
        """No more than `rest` of what was read."""
        self.passed += len(self._data) - len(rest)
        self._data, self._at = rest, 0

    def _pass(self, allowed: bytes) -> None:
        """Go behind the next byte that is not blank. Raises StructureError."""
        byte = self._find_byte()
        self._at += 1
        if byte not in allowed:
            raise BrokenError(f"neither {' nor '.join(allowed.decode())} behind an entry", self._at)
        if byte == b"]":
            self._close()

    def _find_byte(self) -> bytes:
        """Go to the next byte that is not blank. Raises UnfinishedError."""
        while (at := skip_blanks(self._data, self._at)) == len(self._data):
            self._at = at
            if not self._read_more():
                raise UnfinishedError("the array is cut off", at)
        self._at = at
        return self._data[at : at + 1]

    def _close(self) -> None:
        self.is_over = True
        while not self._data[self._at :].strip(BLANK):
            self._at = len(self._data)
            if not self._read_more():
                return
        raise BrokenError("text stands behind the array", self._at)

    def _read_more(self) -> bool:
        """Read on, unless it is the end of the file."""
        chunk = next(self._chunks, b"")
        if chunk:
            self.passed += self._at
            self._data, self._at = self._data[self._at :] + chunk, 0
        return bool(chunk)
