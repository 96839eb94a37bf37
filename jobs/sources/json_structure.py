"""The structure of JSON (RFC 8259, section 2): where a value ends, by brackets, quotes and separators alone.

A scan apart from the parser: it counts and cuts what the parser then reads. What a value says is not looked at, but
what may follow what is: no text follows a text without a separator. So a quote too many is noticed where it stands,
and never turns texts into structure.
"""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

BLANK = b" \t\r\n"
_BLANKS = rb"[ \t\r\n]*+"
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_BARE = rb'[^"{}\[\]:, \t\r\n]++'  # a number, true, false, null, or what is none of these
_MEMBER = rb"%b(?:%b|%b)?+%b" % (_BLANKS, _STRING, _BARE, _BLANKS)
_PLAIN = re.compile(rb"%b|\{%b(?:[:,]%b)*+\}" % (_STRING, _MEMBER, _MEMBER), re.DOTALL)  # a text, a flat object
_TOKEN = re.compile(
    rb"%b(?:(?P<scalar>%b|%b)|(?P<opens>[{\[])|(?P<closes>[}\]])|(?P<separates>[:,]))" % (_BLANKS, _STRING, _BARE),
    re.DOTALL,
)
_BRACKET = re.compile(rb"%b|([{\[])|[}\]]" % _STRING, re.DOTALL)
_KEY = re.compile(rb"%b(%b:)?+" % (_STRING, _BLANKS), re.DOTALL)
_BRACE = re.compile(rb"%b|(\{)" % _STRING, re.DOTALL)
_PADDING = re.compile(_BLANKS)
_CLOSING = {b"{": b"}", b"[": b"]"}


class StructureError(ValueError):
    """No JSON; `at`: the byte near which that is seen."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


class BrokenError(StructureError):
    """Brackets, quotes and separators make no JSON, whatever may follow."""


class UnfinishedError(StructureError):
    """The text ends within a value."""


def skip_mark(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes without a byte order mark."""
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= len(codecs.BOM_UTF8):
            break
    yield first.removeprefix(codecs.BOM_UTF8)
    yield from chunks


class Item(NamedTuple):
    """A value's own bytes, where they begin, the separator or bracket behind them, and where the next one begins."""

    raw: bytes
    start: int
    separator: bytes
    end: int


def read_item(data: bytes, at: int, may_follow: bytes) -> Item:
    """The value at `at`, blanks left out. Raises StructureError."""
    start = skip_blanks(data, at)
    end = find_value_end(data, start)
    separator_at = skip_blanks(data, end)
    if separator_at == len(data):
        raise UnfinishedError("cut off: 1 brackets are open", separator_at)
    value = Item(data[start:end], start, data[separator_at : separator_at + 1], separator_at + 1)
    if value.separator not in may_follow:
        raise BrokenError(f"neither {' nor '.join(may_follow.decode())} behind a value", value.end)
    return value


def find_value_end(data: bytes, at: int) -> int:
    """Where the value ends that begins at `at`. Raises StructureError."""
    return Scan().end(data, at)


class Scan:
    """Where a value ends whose bytes may come by the piece."""

    def __init__(self) -> None:
        self._awaited: list[bytes] = []  # closing brackets
        self._may_begin = True

    def end(self, data: bytes, at: int) -> int:
        """Raises StructureError; where it is unfinished, what stands before `at` of the error is done with."""
        awaited = self._awaited
        if not awaited and (plain := _PLAIN.match(data, at)):
            return plain.end()
        while True:
            token = _TOKEN.match(data, at)
            if token is None or (token["scalar"] and token.end() == len(data) and data[-1:] != b'"'):
                raise _make_unfinished_error(data, at, len(awaited))
            at = token.end()
            if token["separates"] and awaited:
                self._may_begin = True
                continue
            if token["closes"]:
                if not awaited or awaited.pop() != token["closes"]:
                    raise BrokenError("a bracket too many", at)
            elif not self._may_begin or token["separates"]:
                raise BrokenError("a separator, a bracket or a value is missing", at)
            self._may_begin = bool(token["opens"])
            if self._may_begin:
                awaited.append(_CLOSING[token["opens"]])
            if not awaited:
                return at


def shorten(token: bytes) -> bytes:
    """An unfinished token as short as it can be without a change of where it ends."""
    if not token.startswith(b'"'):
        return token[:1]
    is_escaping = (len(token) - len(token.rstrip(b"\\"))) % 2
    return b'"\\' if is_escaping else b'"'


def _make_unfinished_error(data: bytes, at: int, still_open: int) -> UnfinishedError:
    start = skip_blanks(data, at)
    is_text = data[start : start + 1] == b'"'
    return UnfinishedError("a string is never closed" if is_text else f"cut off: {still_open} brackets are open", start)


def skip_blanks(data: bytes, at: int) -> int:
    blanks = _PADDING.match(data, at)
    assert blanks  # nothing is a match, too
    return blanks.end()


def read_members(data: bytes, start: int = 0) -> Iterator[tuple[Item, Item]]:
    """Keys and values of the object at `start` as they stand there, also of a key that stands there twice.

    Raises StructureError.
    """
    at = skip_blanks(data, start + 1)
    separator = b"}" if data[at : at + 1] == b"}" else b","
    while separator == b",":
        key = read_item(data, at, b":")
        if not key.raw.startswith(b'"'):
            raise BrokenError("a key without quotes", key.start)
        value = read_item(data, key.end, b",}")
        at, separator = value.end, value.separator
        yield key, value


def has_members(number: int, data: bytes, values: Iterable[bytes] = ()) -> bool:
    """Whether the objects in `data` have as many members, those within `values` left out."""
    return _has_number(number, (_count_seeming_members, _count_members), data, values)


def has_objects(number: int, data: bytes, values: Iterable[bytes] = ()) -> bool:
    """Whether there are as many objects in `data`, those within `values` left out."""
    return _has_number(number, (_count_seeming_objects, _count_objects), data, values)


def _has_number(number: int, counts: Iterable[Callable[[bytes], int]], data: bytes, values: Iterable[bytes]) -> bool:
    """By a quick count, which takes more for structure than is, if it says so; else by an exact one."""
    return any(count(data) - sum(map(count, values)) == number for count in counts)


def _count_seeming_members(data: bytes) -> int:
    return data.translate(None, BLANK).count(b'":')


def _count_members(data: bytes) -> int:
    keys = _KEY.findall(data)
    return len(keys) - keys.count(b"")


def _count_seeming_objects(data: bytes) -> int:
    return data.count(b"{")


def _count_objects(data: bytes) -> int:
    return _BRACE.findall(data).count(b"{")


def measure_depth(data: bytes) -> int:
    """Brackets that are open at once."""
    now = most = 0
    for token in _BRACKET.finditer(data):
        if not token[0].startswith(b'"'):
            now += 1 if token[1] else -1
            most = max(most, now)
    return most
