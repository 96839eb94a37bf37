"""One JSON record (RFC 8259, strict): its values as the texts they were delivered as, or why it cannot land.

A text lands as its characters, a number as it was written, true and false as these words, null as null, an object or
an array as its own text without the blanks between its tokens.
"""

import re
from typing import NamedTuple, NoReturn

import msgspec

from jobs.sources.json_structure import BLANK, StructureError, find_value_end, has_members, measure_depth, read_members
from jobs.sources.reading import is_utf_8

NOT_AN_OBJECT, NOT_UTF_8, TOO_DEEP = "not a JSON object", "not UTF-8", "nested too deeply"
MAX_DEPTH = 500  # brackets open at once within a value; readers of JSON allow 1,000 at most
FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # what a decoder of msgspec raises

_texts = msgspec.json.Decoder(dict[str, str | None])
_raws = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str)
_BLANKS_BETWEEN = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")|[ \t\r\n]+')
_HALF_A_PAIR = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class UnsoundError(ValueError):
    """A record cannot land; the message is the reason."""


class Record(NamedTuple):
    """`values`: of a key that stands twice the last one; `earlier`: those before it; `mixed`: keys of no mere text."""

    values: dict[str, str | None]
    earlier: dict[str, list[str | None]]
    mixed: frozenset[str] = frozenset()


def decode_record(raw: bytes) -> Record:
    """Raises UnsoundError."""
    try:
        try:
            return _decode_texts(raw)
        except msgspec.ValidationError:  # an object with a value that is no text, or no object
            return _decode_values(raw)
    except FAULTS as error:
        _refuse(raw, error)


def _decode_texts(raw: bytes) -> Record:
    values = _texts.decode(raw)
    return Record(values, {} if has_members(len(values), raw) else _find_earlier(raw))


def _decode_values(raw: bytes) -> Record:
    raw_values = {name: bytes(value) for name, value in _raws.decode(raw).items()}
    values = {name: to_text(value) for name, value in raw_values.items()}
    mixed = frozenset(name for name, value in raw_values.items() if not value.startswith((b'"', b"null")))
    return Record(values, {} if has_members(len(values), raw, raw_values.values()) else _find_earlier(raw), mixed)


def to_text(value: bytes) -> str | None:
    """The text that a sound value lands as. Raises UnsoundError, UnicodeDecodeError, msgspec.DecodeError."""
    first = value[:1]
    if first == b'"':
        return _text.decode(value)
    if first == b"n":
        return None
    if first in (b"{", b"["):
        return _to_nested_text(value)
    return value.decode()


def _to_nested_text(value: bytes) -> str:
    if value.count(b"[") + value.count(b"{") > MAX_DEPTH and measure_depth(value) > MAX_DEPTH:
        raise UnsoundError(TOO_DEEP)
    if any(blank in value for blank in (b" ", b"\n", b"\t", b"\r")):
        value = _BLANKS_BETWEEN.sub(lambda match: match[1] or b"", value)
    return value.decode()


def _find_earlier(raw: bytes) -> dict[str, list[str | None]]:
    """What the keys of a sound object had before their last value."""
    values_by_key: dict[str, list[str | None]] = {}
    for name, value in read_members(raw.strip(BLANK)):
        values_by_key.setdefault(_text.decode(name.raw), []).append(to_text(value.raw))
    return {name: values[:-1] for name, values in values_by_key.items() if len(values) > 1}


def _refuse(raw: bytes, error: Exception) -> NoReturn:
    if isinstance(error, RecursionError):
        raise UnsoundError(TOO_DEEP) from None
    is_text = is_utf_8(raw) and not _is_object(_HALF_A_PAIR.sub(rb"\\u0041", raw))
    raise UnsoundError(NOT_AN_OBJECT if is_text else NOT_UTF_8) from None


def _is_object(raw: bytes) -> bool:
    """Whether it is one but for the text of its values."""
    try:
        _raws.decode(raw)
    except FAULTS:
        return False
    return True


def may_be_record(line: bytes) -> bool:
    """Whether a line is an object by itself, one that has to be rejected among them; a bad byte decides nothing."""
    try:
        decode_record(line.decode("utf-8", "replace").encode())
    except UnsoundError as reason:
        return _is_one_value(line.strip(BLANK)) if str(reason) == TOO_DEEP else str(reason) != NOT_AN_OBJECT
    return True


def _is_one_value(raw: bytes) -> bool:
    """By its structure alone, which no depth hides."""
    try:
        return find_value_end(raw, 0) == len(raw)
    except StructureError:
        return False
