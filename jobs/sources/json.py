"""JSON files (RFC 8259, strict), told apart by their content, each value as the text it was delivered as.

`lines`: an object a line, read in splits; `array`: `[{...}, ...]`; `columns`: one object `{column: {"0": value, ...}}`
(pandas `orient="columns"`); `record`: one object and nothing else. The last three are one value, read as a whole.

A text lands as its characters, a number as it was written, true and false as these words, null as null, an object or
an array as its own text without blanks between its tokens. A record that is no object, that is not UTF-8 or names half
a surrogate pair, that nests too deeply, or is longer than MAX_RECORD, is rejected; so is a line with more than a value.
Of a key that a record has twice the last value lands, the others stand in `_rescued`.
"""

import codecs
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec
import pyarrow as pa

from jobs import store
from jobs.contract import as_json, map_columns, snake_case
from jobs.errors import ContractError
from jobs.landing.split import Counts
from jobs.location import Location
from jobs.reading import MAX_RECORD, SHOWN, TOO_LONG, Reading, Request, refuse_if_packed
from jobs.settings import JsonDelivery, SourceContract
from jobs.store import Input

SPLIT = 128 * 2**20  # bytes of a file that one task reads
HEAD = 2**20  # bytes that tell lines from a value
BATCH = 20_000
Raws = dict[str, msgspec.Raw]
Record = dict[str, str | None]
_texts = msgspec.json.Decoder(dict[str, str | None])
_raws = msgspec.json.Decoder(Raws)
_entries = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)
_FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_BLANKS = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")|[ \t\r\n]+')
_CLOSED = re.compile(rb"\[\s*(?:[\]{]|$)")
NOT_AN_OBJECT, NOT_UTF_8, TOO_DEEP = "not a JSON object", "not UTF-8", "nested too deeply"


class Batches:
    """Records into batches of landed columns: each key by the source contract's own map, then by the generic rule."""

    def __init__(self, contract: SourceContract, counts: Counts) -> None:
        self._contract, self._counts = contract, counts
        self._columns = tuple(contract.columns.values())
        self._held: list[Record] = []
        self._twice: dict[int, dict[str, Any]] = {}  # number of a held record -> its keys' other values

    def add(self, record: Record, twice: dict[str, Any] | None = None) -> bool:
        """True: enough for a batch."""
        if twice:
            self._twice[len(self._held)] = twice
        self._held.append(record)
        return len(self._held) >= BATCH

    def flush(self) -> Iterator[pa.RecordBatch]:
        records, twice, self._held, self._twice = self._held, self._twice, [], {}
        if not records:
            return
        names = dict.fromkeys(chain.from_iterable(records))
        self._counts.columns |= names
        by_column: dict[str, list[str]] = {}
        for name in names:
            by_column.setdefault(target(self._contract, name), []).append(name)
        columns = []
        for column in self._columns:
            keys = by_column.pop(column, [])
            # Two keys of one column: refused in the end, when all names are known.
            columns.append(
                pa.array([record.get(keys[0]) for record in records] if keys else [None] * len(records), pa.string())
            )
        unknown = [name for name in names if any(name in keys for keys in by_column.values())] if by_column else []
        extra = pa.nulls(len(records), pa.string())
        if unknown or twice:
            extra = pa.array(
                [self._extra(unknown, record, twice.get(n)) for n, record in enumerate(records)], pa.string()
            )
        yield pa.RecordBatch.from_arrays([*columns, extra], names=[*self._columns, "_rescued"])

    @staticmethod
    def _extra(unknown: Sequence[str], record: Record, twice: dict[str, Any] | None) -> str | None:
        found: dict[str, Any] = {name: record[name] for name in unknown if record.get(name) is not None}
        if not unknown and not twice:
            return None
        return as_json(found | (twice or {}))


def target(contract: SourceContract, name: str) -> str:
    """The landed column that a key falls on; of a key that nobody asked for, something else."""
    return contract.columns.get(name) or snake_case(name)


def record_of(raw: bytes) -> tuple[Record | None, str, dict[str, Any] | None]:
    """A record's values as text, or why it cannot land; and what else its keys were given."""
    try:
        record = _texts.decode(raw)
        members = raw.count(b'":')
        if members == len(record) and not _has_blank_before_colon(raw):
            return record, "", None  # no key stands there twice
        return _with_all_keys(raw, record)
    except msgspec.ValidationError:  # an object with a value that is no text, or no object
        pass
    except _FAULTS as error:
        return None, _fault(raw, error), None
    try:
        record = {name: as_text(bytes(value)) for name, value in _raws.decode(raw).items()}
    except _FAULTS as error:
        return None, _fault(raw, error), None
    if not raw.isascii() and not _is_utf_8(raw):
        return None, NOT_UTF_8, None
    return _with_all_keys(raw, record)


def _has_blank_before_colon(raw: bytes) -> bool:
    return b" :" in raw or b"\t:" in raw or b"\n:" in raw or b"\r:" in raw


def _fault(raw: bytes, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return TOO_DEEP
    if not _is_utf_8(raw):
        return NOT_UTF_8
    try:  # Python's reader lets half a surrogate pair pass, and nothing else that msgspec does not
        return NOT_UTF_8 if isinstance(_decoder.decode(raw.decode()), dict) else NOT_AN_OBJECT
    except (ValueError, RecursionError):
        return NOT_AN_OBJECT


def _is_utf_8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def as_text(value: bytes) -> str | None:
    """A value's own text. Raises msgspec.DecodeError, UnicodeDecodeError."""
    first = value[:1]
    if first == b'"':
        return _text.decode(value)
    if first == b"n":
        return None
    if first in (b"{", b"[") and any(blank in value for blank in (b" ", b"\n", b"\t", b"\r")):
        value = _BLANKS.sub(lambda found: found.group(1) or b"", value)
    return value.decode()


def _with_all_keys(raw: bytes, record: Record) -> tuple[Record, str, dict[str, Any] | None]:
    """The same, with the values that a key had before its last one; `raw` is sound."""
    text = raw.decode()
    pairs = json.loads(text, object_pairs_hook=list, parse_int=str, parse_float=str)
    if len(pairs) == len(record):
        return record, "", None
    earlier: dict[str, list[str | None]] = {}
    for name, value in _members(text):
        earlier.setdefault(name, []).append(as_text(value.encode()))
    return record, "", {n: v[0] if len(v) == 2 else v[:-1] for n, v in earlier.items() if len(v) > 1}


_WHITE = re.compile(r"[ \t\r\n]*")
_decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=lambda name: _no(name))


def _no(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _members(text: str) -> Iterator[tuple[str, str]]:
    """The members of an object as (key, value's text), all of them. Raises ValueError, RecursionError."""
    at = _WHITE.match(text, 1 + text.index("{")).end()  # type: ignore[union-attr]
    while text[at : at + 1] == '"':
        name, at = json.decoder.scanstring(text, at + 1)
        at = _WHITE.match(text, text.index(":", at) + 1).end()  # type: ignore[union-attr]
        _, end = _decoder.raw_decode(text, at)
        yield name, text[at:end]
        at = _WHITE.match(text, end).end()  # type: ignore[union-attr]
        if text[at : at + 1] == ",":
            at = _WHITE.match(text, at + 1).end()  # type: ignore[union-attr]


def _elements(text: str) -> Iterator[str]:
    """The entries of an array as their text. Raises ValueError, RecursionError."""
    at = _WHITE.match(text, 1 + text.index("[")).end()  # type: ignore[union-attr]
    while text[at : at + 1] != "]":
        _, end = _decoder.raw_decode(text, at)
        yield text[at:end]
        at = _WHITE.match(text, end).end()  # type: ignore[union-attr]
        if text[at : at + 1] == ",":
            at = _WHITE.match(text, at + 1).end()  # type: ignore[union-attr]
        elif text[at : at + 1] != "]":
            raise ValueError(f"neither , nor ] near character {at}")


@dataclass(frozen=True)
class LinesSplit:
    """The lines of a file whose first byte is in [start, end)."""

    root: Location
    found: Input
    uri: str
    contract: SourceContract
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.found.size

    def starting_at(self, at: int) -> "LinesSplit":
        raise NotImplementedError  # lines begin where they begin

    def batches(self, counts: Counts) -> Iterator[pa.RecordBatch]:
        batches = Batches(self.contract, counts)
        for raw, line, is_long in self._lines(counts):
            counts.records += 1
            record, reason, twice = (None, TOO_LONG, None) if is_long else record_of(raw)
            if record is None:
                counts.reject(reason, line, raw)
            elif batches.add(record, twice):
                yield from batches.flush()
        yield from batches.flush()

    def _lines(self, counts: Counts) -> Iterator[tuple[bytes, int, bool]]:
        """(bytes, number, whether they are only the beginning of it) of each line that is not blank."""
        at = max(self.start - 1, 0)
        chunks = store.stream(self.root, self.found, at)
        rest = b""
        skipping = at < self.start
        cut = 0  # bytes of a long line that are not held any more
        counts.first_byte = counts.end_byte = at if not skipping else self.found.size
        for chunk in chain(chunks, [b""]):
            if skipping:
                end = chunk.find(b"\n") + 1
                at += end or len(chunk)
                if not end:
                    continue
                chunk, skipping = chunk[end:], False
                counts.first_byte = counts.end_byte = at
            *whole, rest = (rest + chunk).split(b"\n") if chunk else ([rest] if rest else []) + [b""]
            for line in whole:
                if counts.end_byte >= self.end:
                    return
                size = len(line) + cut
                counts.end_byte = min(counts.end_byte + size + 1, self.found.size)
                counts.lines += 1
                if counts.end_byte == size + 1 or (counts.end_byte == size and line):
                    line = line.removeprefix(codecs.BOM_UTF8)
                if size > MAX_RECORD:
                    yield line[:SHOWN], counts.lines, True
                elif line.strip(b" \t\r"):
                    yield line, counts.lines, False
                cut = 0
            if len(rest) > MAX_RECORD:
                cut += len(rest) - SHOWN
                rest = rest[:SHOWN]


@dataclass(frozen=True)
class ValueSplit:
    """A file that is one value: an array, an object of columns, a record. Its shape is seen when it is read."""

    root: Location
    found: Input
    uri: str
    contract: SourceContract
    size: int | None = None

    def starting_at(self, at: int) -> "ValueSplit":
        raise NotImplementedError

    def batches(self, counts: Counts) -> Iterator[pa.RecordBatch]:
        raw = b"".join(store.stream(self.root, self.found)).removeprefix(codecs.BOM_UTF8).strip(b" \t\r\n")
        try:
            value, wrong = self._value(raw), ""
        except ValueError as error:
            value, wrong = None, str(error)
        if isinstance(value, dict) and (columns := _table(value)) is not None:
            mapping = map_columns(self.contract, tuple(value), self.uri)
            counts.columns |= dict.fromkeys(value)
            if columns:
                rows = len(columns[0])
                counts.records += rows
                yield mapping.batch([pa.array(list(column.values()), pa.string()) for column in columns], rows)
            else:
                yield from self._by_index(value, counts)
        elif isinstance(value, list):
            yield from self._records(value, counts)
        elif value is not None:
            yield from self._records([raw], counts)
        elif _CLOSED.match(raw) or b"\n" not in raw:
            what = "text stands behind the array, or it is broken" if raw.startswith(b"[") else "not JSON, or cut off"
            raise ContractError(f"{self.uri}: {what}: {wrong}; ask for it to be sent again")
        else:
            landed = 0
            for batch in LinesSplit(self.root, self.found, self.uri, self.contract, 0, self.found.size).batches(counts):
                landed += len(batch)
                yield batch
            if not landed:
                raise ContractError(
                    f"{self.uri}: not JSON: {wrong}; and no line of it is an object by itself (one object over several lines?)"
                )

    def _value(self, raw: bytes) -> list[bytes] | dict[str, bytes]:
        """Entries or members as their text. Raises ValueError."""
        try:
            if raw.startswith(b"["):
                return [bytes(entry) for entry in _entries.decode(raw)]
            found = _raws.decode(raw)
            members = {name: bytes(value) for name, value in found.items()}
            inner = sum(value.count(b'":') for value in members.values())
            if raw.count(b'":') == len(members) + inner and not _has_blank_before_colon(raw):
                return members  # no key stands there twice
        except _FAULTS:
            pass
        # A fault of one entry is that entry's: what Python's own reader lets pass is looked at entry by entry.
        text = raw.decode("utf-8", "surrogateescape")
        try:
            _decoder.decode(text)
            if raw.startswith(b"["):
                return [entry.encode("utf-8", "surrogateescape") for entry in _elements(text)]
            return {name: value.encode("utf-8", "surrogateescape") for name, value in _members(text)}
        except RecursionError:
            raise ValueError(TOO_DEEP) from None

    def _records(self, entries: Sequence[bytes], counts: Counts) -> Iterator[pa.RecordBatch]:
        batches = Batches(self.contract, counts)
        for position, raw in enumerate(entries):
            counts.records += 1
            record, reason, twice = (None, TOO_LONG, None) if len(raw) > MAX_RECORD else record_of(raw)
            if record is None:
                counts.reject(reason, position, raw[: SHOWN if reason == TOO_LONG else None])
            elif batches.add(record, twice):
                yield from batches.flush()
        yield from batches.flush()

    def _by_index(self, value: dict[str, bytes], counts: Counts) -> Iterator[pa.RecordBatch]:
        """Where the columns are not all of one length, of texts only, without a fault: each entry by itself."""
        columns: dict[str, dict[str, bytes]] = {}
        twice: set[str] = set()
        for name, raw in value.items():
            columns[name] = {}
            for index, entry in _members(raw.decode("utf-8", "surrogateescape")):
                if index in columns[name]:
                    twice.add(index)
                columns[name][index] = entry.encode("utf-8", "surrogateescape")
        indexes = dict.fromkeys(index for entries in columns.values() for index in entries)
        batches = Batches(self.contract, counts)
        for position, index in enumerate(indexes):
            counts.records += 1
            absent = [name for name, entries in columns.items() if index not in entries]
            reason = (
                f"no value for {absent}"
                if absent
                else f"index {index!r} stands twice in a column"
                if index in twice
                else ""
            )
            record: Record = {}
            for name, entries in columns.items():
                if reason:
                    break
                _, reason, _ = one = record_of(b'{"":' + entries[index] + b"}")
                record[name] = one[0][""] if one[0] else None
            if reason:
                shown = b",".join(json.dumps(n).encode() + b":" + e[index] for n, e in columns.items() if index in e)
                counts.reject(reason, position, b"{" + shown + b"}")
            elif batches.add(record):
                yield from batches.flush()
        yield from batches.flush()


def _table(value: dict[str, bytes]) -> list[Record] | None:
    """The columns of an object that is a table; [] where one has to look at each entry; None: it is no table.

    A table's members are objects that agree in an index, or are all empty.
    """
    if not value or not all(raw.startswith(b"{") for raw in value.values()):
        return None
    try:
        columns = [_texts.decode(raw) for raw in value.values()]
        indexes = list(columns[0])
        is_even = all(len(column) == len(indexes) and list(column) == indexes for column in columns)
        if is_even and all(
            raw.count(b'":') == len(indexes) and not _has_blank_before_colon(raw) for raw in value.values()
        ):
            return columns
    except (*_FAULTS, msgspec.ValidationError):
        pass
    common = set.intersection(*(set(_names(raw)) for raw in value.values()))
    return [] if common or all(raw.strip(b"{} \t\r\n") == b"" for raw in value.values()) else None


def _names(raw: bytes) -> Iterable[str]:
    try:
        return _raws.decode(raw)
    except _FAULTS:
        return [name for name, _ in _members(raw.decode("utf-8", "surrogateescape"))]


@contextmanager
def reading(request: Request, inputs: tuple[Input, ...], delivery: JsonDelivery) -> Iterator[Reading]:
    """Read all files of a delivery, each in its own shape. Raises ContractError."""
    splits: list[LinesSplit | ValueSplit] = []
    for found in inputs:
        splits += _splits(request, found, delivery)

    yield Reading(inputs=inputs, splits=splits)


def _splits(request: Request, found: Input, delivery: JsonDelivery) -> list[LinesSplit | ValueSplit]:
    root, contract, limit = request.environment.sources, request.contract, delivery.max_value_mb * 2**20
    head, more = b"", False
    for chunk in store.stream(root, found):
        head += chunk
        start = head.removeprefix(codecs.BOM_UTF8).lstrip()
        first, end, behind = start.partition(b"\n")
        more = bool(end and behind.strip())
        if (more and len(head) >= HEAD) or len(head) > MAX_RECORD:
            break
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if not start:
        raise ContractError(f"{found.uri}: the file is empty; ask for it to be sent again")
    refuse_if_packed(head, found.uri)
    # A first line that is broken is that line's fault, where one of those behind it is an object.
    is_lines = more and any(_is_object(line) for line in start.split(b"\n", 1000)[1:1000])
    if not start.startswith((b"{", b"[")) and not is_lines:
        raise ContractError(f"{found.uri}: not JSON; allowed is an object or an array, found {start[:80]!r}")
    first = start.partition(b"\n")[0]
    is_lines = (is_lines and not start.startswith((b"{", b"["))) or (
        start.startswith(b"{") and more and _is_object(first)
    )
    if is_lines or (start.startswith(b"{") and more and found.size > limit):
        return [LinesSplit(root, found, found.uri, contract, at, at + SPLIT) for at in range(0, found.size, SPLIT)]
    if found.size > limit:
        raise ContractError(
            f"{found.uri}: {found.size} bytes as a single value, allowed are {delivery.max_value_mb} MB "
            "(max_value_mb); ask for JSON lines, or raise it"
        )
    return [ValueSplit(root, found, found.uri, contract)]


def _is_object(line: bytes) -> bool:
    record, reason, _ = record_of(line)
    return record is not None or reason in (NOT_UTF_8, TOO_DEEP)
