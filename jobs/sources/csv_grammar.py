"""What a CSV record is made of, in bytes (RFC 4180, section 2), where the document's rules depart from it included.

The patterns are possessive: their time is linear in what they look at, whatever the input.
"""

import re
from typing import NamedTuple

from jobs.sources.reading import is_utf_8

WIDE = 500  # fields from which on there is no pattern of a whole record: building it would take long
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_QUOTED = rb'"[^"]*+(?:""[^"]*+)*+"'
_FIELD = rb'(?:%b|[^",\r\n][^,\r\n]*+|)' % _QUOTED
_quoted_field = re.compile(_QUOTED)
_bare_field = re.compile(rb"[^,\n]*+")
blank_line = re.compile(rb"\r*+\n")
_returns = re.compile(rb"\r*+")
# Quotes that open behind a comma, a line end or nothing, and close before a comma or a line end, one after the other.
_sound_quotes = re.compile(rb'(?:[^"]*+(?:(?<=[,\n])|\A)%b(?=[,\r\n]))*+' % _QUOTED)

STRAY_CARRIAGE_RETURN = "a carriage return that ends no line"
TEXT_BEHIND_A_QUOTE = "text behind a closing quote"


def compile_record(width: int) -> re.Pattern[bytes] | None:
    """A record of `width` fields with its line end; None where there is no such pattern."""
    if width > WIDE:
        return None
    return re.compile(_FIELD + (b"(?:,%b){%d}" % (_FIELD, width - 1)) + rb"\r*+\n")


class Shape(NamedTuple):
    """A record by its separators: where it ends, and its fields.

    `end` 0: the bytes at hand end before it does; with TEXT_BEHIND_A_QUOTE it is where that text begins.
    """

    end: int
    fields: int
    fault: str


def find_shape(data: bytes, at: int) -> Shape:
    """The record that begins at `at`, field by field."""
    fields, fault = 1, ""
    while True:
        is_quoted = data[at : at + 1] == b'"'
        end, field_fault = _find_quoted_end(data, at) if is_quoted else _find_bare_end(data, at)
        fault = field_fault or fault
        if not end or field_fault == TEXT_BEHIND_A_QUOTE or data[end - 1 : end] == b"\n":
            return Shape(end, fields, fault)
        fields, at = fields + 1, end


def _find_quoted_end(data: bytes, at: int) -> tuple[int, str]:
    """Behind the separator of the quoted field at `at`; 0: it is not at hand."""
    field = _quoted_field.match(data, at)
    if field is None or field.end() == len(data):  # what comes next may double the quote
        return 0, ""
    end = field.end()
    if line_end := blank_line.match(data, end):
        return line_end.end(), ""
    if data[end : end + 1] == b",":
        return end + 1, ""
    returns = _returns.match(data, end)
    assert returns  # it matches nothing too
    is_text = returns.end() < len(data)
    return (end, TEXT_BEHIND_A_QUOTE) if is_text else (0, "")


def _find_bare_end(data: bytes, at: int) -> tuple[int, str]:
    """Behind the separator of the unquoted field at `at`; 0: it is not at hand."""
    field = _bare_field.match(data, at)
    assert field  # it matches nothing too
    end = field.end()
    if end == len(data):
        return 0, ""
    text = field.group()
    if data[end : end + 1] == b"\n":
        text = text.rstrip(b"\r")
    return end + 1, STRAY_CARRIAGE_RETURN if b"\r" in text else ""


def find_provable_end(view: bytes) -> int:
    """Where the last whole record of `view` ends, if its bytes prove that a strict parser finds the same records.

    `view` begins with a record. 0: not proven; then each record is to be looked at by itself.
    """
    first_quote = view.find(b'"')
    proven, next_quote = (0, -1) if first_quote < 0 else _prove_quotes(view)
    if next_quote == 0 or (next_quote > 0 and not _opens_at_the_end(view, next_quote)):
        return 0
    end = view.rfind(b"\n", 0, next_quote if next_quote >= 0 else len(view)) + 1
    while view.count(b'"', end, proven) % 2:  # a line end within quotes
        end = view.rfind(b"\n", 0, end - 1) + 1
    return end if _is_plain(view, end) else 0


def _prove_quotes(view: bytes) -> tuple[int, int]:
    """(the end of what is proven, the first quote behind it or -1)."""
    proven = _sound_quotes.match(view)
    assert proven
    return proven.end(), view.find(b'"', proven.end())


def _opens_at_the_end(view: bytes, quote: int) -> bool:
    """Whether the quote opens a field whose end, or what follows it, is not in view."""
    if view[quote - 1 : quote] not in (b",", b"\n"):
        return False
    field = _quoted_field.match(view, quote)
    return field is None or field.end() == len(view)


def _is_plain(view: bytes, end: int) -> bool:
    """Before `end` no NUL, no carriage return but before a line feed, and UTF-8."""
    has_returns = view.find(b"\r", 0, end) >= 0
    if has_returns and view.count(b"\r", 0, end) != view.count(b"\r\n", 0, end):
        return False
    return view.find(b"\0", 0, end) < 0 and (view.isascii() or is_utf_8(view[:end]))
