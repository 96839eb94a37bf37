"""A CSV file cut record by record, from any byte at which one begins: the way for what no pattern proves at once."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from jobs.clients import store
from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.sources.csv_grammar import (
    STRAY_CARRIAGE_RETURN,
    TEXT_BEHIND_A_QUOTE,
    Grammar,
    blank_line,
)
from jobs.sources.reading import MAX_RECORD, SHOWN, TOO_LONG

UNREADABLE = "quotes or line ends that cannot be read"
COMMENT = "comment lines"


class Record(NamedTuple):
    """A record's bytes (of a very long one their beginning), why it cannot land or "", and the line ends it took.

    No bytes: what is no record, a blank line or (the reason says so) a comment.
    """

    raw: bytes
    reason: str
    lines: int


class Window:
    """A file's bytes from `at` on, read forward by the chunk; a last line without an end gets one.

    No rule may depend on how much is at hand: whatever is not yet decided reads on.
    """

    def __init__(self, root: Location, file: Input, at: int) -> None:
        self._root, self._file = root, file
        self.move(at)

    def move(self, at: int) -> None:
        """To another byte of the file, forward or back."""
        self.at, self.data, self.begin, self._has_ended = at, b"", 0, False
        self._chunks = _stream(self._root, self._file, at)

    @property
    def size(self) -> int:
        """Of the whole file."""
        return self._file.size

    @property
    def rest(self) -> bytes:
        """What is at hand from `at` on; from then on `begin` is 0."""
        if self.begin:
            self.data, self.begin = self.data[self.begin :], 0
        return self.data

    def view(self, until: int) -> bytes:
        """What is at hand before byte `until`; no more than a record may have, so that none in it is too long."""
        return self.rest[: min(until - self.at, MAX_RECORD)]

    def __len__(self) -> int:
        return len(self.data) - self.begin

    def has(self, size: int) -> bool:
        """Have `size` bytes at hand, or all there are; False: nothing is left."""
        while len(self) < size and self.read_more():
            pass
        return len(self) > 0

    def read_more(self) -> bool:
        """Read on. False: nothing new is to be seen; that these bytes are the last is news once."""
        if self._has_ended:
            return False
        chunk, rest = next(self._chunks, b""), self.rest
        self._has_ended = not chunk
        if chunk:
            self.data = rest + chunk
        elif rest and not rest.endswith(b"\n"):
            self.data = rest + b"\n"
        return True

    def is_at(self, text: bytes) -> bool:
        return self.data.startswith(text, self.begin)

    def skip(self, size: int) -> None:
        self.begin += size
        self.at += size

    def find_line_end(self, at: int) -> int:
        """Behind the first line end from `at` on, counted from what is at hand; 0: MAX_RECORD bytes have none."""
        while (end := self.data.find(b"\n", at)) < 0 and len(self) - at <= MAX_RECORD and self.read_more():
            pass
        return end + 1

    def stream_rest(self) -> Iterator[bytes]:
        """The bytes at hand and all behind them, without holding them; `move` before anything else is asked."""
        return chain([self.rest], self._chunks)

    def stream_rest_again(self) -> Iterable[bytes]:
        """The same, read beside what `chunks` gives."""
        return chain([self.rest], _stream(self._root, self._file, self.at + len(self)))


def _stream(root: Location, file: Input, at: int) -> Iterator[bytes]:
    """The bytes from `at` on, and none behind the size that is told: a footer may stand there.

    It knows no window, which knows it: the file is closed with the last of both, not by the collector of cycles.
    """
    left = file.size - at
    for chunk in store.stream(root, file, at) if left > 0 else ():
        yield chunk[:left]
        left -= len(chunk)
        if left <= 0:
            return


class Records:
    """Takes the records of a window, one after the other; `width`: of the header, in fields (0: any)."""

    def __init__(self, window: Window, width: int, grammar: Grammar) -> None:
        self.window, self._width, self._grammar = window, width, grammar
        self._pattern = grammar.compile_record(width) if width else None

    def take(self) -> Record:
        """The next record; the window moves behind it."""
        window = self.window
        end, fields, fault = 0, self._width, ""
        if self._is_at_comment():
            return self._take_comment()
        while True:
            if blank := blank_line.match(window.data, window.begin):
                window.skip(blank.end() - window.begin)
                return Record(b"", "", 1)
            end, fields, fault = self._measure_next()
            if end:
                break
            if len(window) > MAX_RECORD:
                return self._take_far()
            if not window.read_more():
                break
        if fault == TEXT_BEHIND_A_QUOTE or not end:
            return self._take_unreadable(end - window.begin if end else 0)
        size = end - window.begin
        reason = (
            UNREADABLE if fault == STRAY_CARRIAGE_RETURN else self._grammar.find_fault(window.data[window.begin : end])
        )
        if not reason and self._width not in (0, fields):
            reason = f"{fields} fields, the header has {self._width}"
        return self._take_bytes(size, reason)

    def _is_at_comment(self) -> bool:
        comment = self._grammar.comment
        return bool(comment) and self.window.has(len(comment)) and self.window.is_at(comment)

    def _take_comment(self) -> Record:
        """A line, whatever stands in it, however long it is."""
        window = self.window
        if end := window.data.find(b"\n", window.begin) + 1:
            window.skip(end - window.begin)
            return Record(b"", COMMENT, 1)
        return Record(b"", COMMENT, self.take_line().lines)

    def take_line(self) -> Record:
        """A line that is no record, whatever stands in it."""
        _ = self.window.rest  # positions count from 0
        return self._take_line(0)

    def _measure_next(self) -> tuple[int, int, str]:
        """End, fields and fault of the record at hand."""
        window = self.window
        if self._pattern and (match := self._pattern.match(window.data, window.begin)):
            return match.end(), self._width, ""
        return self._grammar.find_shape(window.data, window.begin)

    def _take_bytes(self, size: int, reason: str) -> Record:
        window = self.window
        raw = window.data[window.begin : window.begin + size]
        window.skip(size)
        if size > MAX_RECORD:
            return Record(raw[:SHOWN], TOO_LONG, raw.count(b"\n"))
        return Record(raw, reason, raw.count(b"\n"))

    def _take_unreadable(self, text: int) -> Record:
        """What is rejected for the text behind a quote that begins `text` bytes on; 0: the quote never closes.

        The lines down to that text; but the first line alone where the "closing" quote is the first of a field in
        lines that are sound without the quote before them, for then that one was a mistake, or beyond MAX_RECORD.
        """
        window = self.window
        _ = window.rest  # from here on nothing is skipped: positions count from 0
        line = window.find_line_end(0)
        is_within = not line or text < line
        opens_a_field = window.data[text - 2 : text - 1] in (self._grammar.delimiter, b"\n")
        if text and text <= MAX_RECORD and (is_within or not (opens_a_field and self._are_sound(line, text))):
            return self._take_line(text)
        return self._take_line(0)

    def _take_line(self, at: int) -> Record:
        """Reject the bytes down to the first line end from `at` on."""
        window = self.window
        if end := window.find_line_end(at):
            return self._take_bytes(end, UNREADABLE)
        begin, shown = window.at, window.rest[:SHOWN]
        end, lines = _find_line_end(window.stream_rest(), at)
        window.move(min(begin + end, window.size))
        return Record(shown, TOO_LONG, lines)

    def _are_sound(self, at: int, until: int) -> bool:
        """Whether whole records of the header's width stand from `at` to beyond `until`."""
        window = self.window
        while self._pattern and at < until:
            match = self._pattern.match(window.data, at)
            if match and match.end() - at <= MAX_RECORD:
                at = match.end()
            elif (
                match
                or self._grammar.find_shape(window.data, at).end
                or len(window) - at > MAX_RECORD
                or not window.read_more()
            ):
                return False
        return self._pattern is not None

    def _take_far(self) -> Record:
        """A record longer than memory should hold: rejected as one where it ends."""
        window = self.window
        begin, shown = window.at, window.rest[:SHOWN]
        end, lines, text = _find_end(window.stream_rest_again(), self._grammar)
        if not end:
            return self._take_unreadable(text)
        window.move(min(begin + end, window.size))
        return Record(shown, TOO_LONG, lines)


def _find_line_end(chunks: Iterable[bytes], at: int) -> tuple[int, int]:
    """Bytes and line ends down to the first line end from `at` on, or to the last byte."""
    size = lines = 0
    for chunk in chunks:
        if end := chunk.find(b"\n", max(at - size, 0)) + 1:
            return size + end, lines + chunk.count(b"\n", 0, end)
        size += len(chunk)
        lines += chunk.count(b"\n")
    return size, lines + 1


def _find_end(chunks: Iterable[bytes], grammar: Grammar) -> tuple[int, int, int]:
    """Bytes and line ends of the record that `chunks` begin with.

    0 bytes: a quote of it is never closed, or (the third number) closes before text, which begins there.
    """
    state, size, lines, text_at = "start", 0, 0, 0
    for chunk in chunks:
        at = 0
        while at < len(chunk):
            state, at = _step(state, chunk, at, grammar)
            if state == "behind":
                text_at = size + at
            if state == "text":
                return 0, 0, text_at
            if state == "end":
                return size + at, lines + chunk.count(b"\n", 0, at), 0
        size += len(chunk)
        lines += chunk.count(b"\n")
    return (0 if state in ("quoted", "escaped") else size), lines, 0


def _step(state: str, chunk: bytes, at: int, grammar: Grammar) -> tuple[str, int]:
    """One step of reading a record by its separators: the state then, and where.

    "behind" a closing quote; "returns": behind it came carriage returns only; "text": something else did.
    """
    byte = chunk[at : at + 1]
    if state in ("start", "behind") and byte == grammar.quote:
        return "quoted", at + 1
    if state == "escaped":
        return "quoted", at + (byte in (grammar.quote, grammar.escape))
    if state == "quoted":
        found = grammar.separators.within.search(chunk, at)
        if found is None:
            return "quoted", len(chunk)
        return "behind" if found.group() == grammar.quote else "escaped", found.end()
    if state in ("behind", "returns"):
        after = {b"\n": "end", b"\r": "returns"} | ({grammar.delimiter: "start"} if state == "behind" else {})
        return after.get(byte, "text"), at + 1
    separator = grammar.separators.either.search(chunk, at)
    if separator is None:
        return "bare", len(chunk)
    return "end" if separator.group() == b"\n" else "start", separator.end()
