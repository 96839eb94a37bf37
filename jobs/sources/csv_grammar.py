"""What a CSV record is made of, in bytes (RFC 4180, section 2), where the document's rules depart from it included.

The patterns are possessive: their time is linear in what they look at, whatever the input. Of every encoding that is
allowed the first 128 bytes are ASCII's and nothing else's, so that records are cut before they are decoded.
"""

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

from jobs.sources.reading import is_utf_8

WIDE = 500  # fields from which on there is no pattern of a whole record: building it would take long
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_QUOTED = rb'"[^"]*+(?:""[^"]*+)*+"'
_quoted_field = re.compile(_QUOTED)
blank_line = re.compile(rb"\r*+\n")
_returns = re.compile(rb"\r*+")

STRAY_CARRIAGE_RETURN = "a carriage return that ends no line"
TEXT_BEHIND_A_QUOTE = "text behind a closing quote"


class Shape(NamedTuple):
    """A record by its separators: where it ends, and its fields.

    `end` 0: the bytes at hand end before it does; with TEXT_BEHIND_A_QUOTE it is where that text begins.
    """

    end: int
    fields: int
    fault: str


@dataclass(frozen=True)
class Grammar:
    """Of one delimiter, a byte, and one encoding."""

    delimiter: bytes = b","
    encoding: str = "utf-8"

    @cached_property
    def separators(self) -> "_Separators":
        return _compile_separators(self.delimiter)

    def compile_record(self, width: int) -> re.Pattern[bytes] | None:
        """A record of `width` fields with its line end; None where there is no such pattern."""
        if width > WIDE:
            return None
        escaped = re.escape(self.delimiter)
        field = rb'(?:%b|[^"%b\r\n][^%b\r\n]*+|)' % (_QUOTED, escaped, escaped)
        return re.compile(field + (b"(?:%b%b){%d}" % (escaped, field, width - 1)) + rb"\r*+\n")

    def find_shape(self, data: bytes, at: int) -> Shape:
        """The record that begins at `at`, field by field."""
        fields, fault = 1, ""
        while True:
            is_quoted = data[at : at + 1] == b'"'
            end, field_fault = self._find_quoted_end(data, at) if is_quoted else self._find_bare_end(data, at)
            fault = field_fault or fault
            if not end or field_fault == TEXT_BEHIND_A_QUOTE or data[end - 1 : end] == b"\n":
                return Shape(end, fields, fault)
            fields, at = fields + 1, end

    def _find_quoted_end(self, data: bytes, at: int) -> tuple[int, str]:
        """Behind the separator of the quoted field at `at`; 0: it is not at hand."""
        field = _quoted_field.match(data, at)
        if field is None or field.end() == len(data):  # what comes next may double the quote
            return 0, ""
        end = field.end()
        if line_end := blank_line.match(data, end):
            return line_end.end(), ""
        if data[end : end + 1] == self.delimiter:
            return end + 1, ""
        returns = _returns.match(data, end)
        assert returns  # it matches nothing too
        is_text = returns.end() < len(data)
        return (end, TEXT_BEHIND_A_QUOTE) if is_text else (0, "")

    def _find_bare_end(self, data: bytes, at: int) -> tuple[int, str]:
        """Behind the separator of the unquoted field at `at`; 0: it is not at hand."""
        field = self.separators.bare_field.match(data, at)
        assert field  # it matches nothing too
        end = field.end()
        if end == len(data):
            return 0, ""
        text = field.group()
        if data[end : end + 1] == b"\n":
            text = text.rstrip(b"\r")
        return end + 1, STRAY_CARRIAGE_RETURN if b"\r" in text else ""

    def find_provable_end(self, view: bytes) -> int:
        """Where the last whole record of `view` ends, if its bytes prove that a strict parser finds the same records.

        `view` begins with a record. 0: not proven; then each record is to be looked at by itself.
        """
        first_quote = view.find(b'"')
        proven, next_quote = (0, -1) if first_quote < 0 else self._prove_quotes(view)
        if next_quote == 0 or (next_quote > 0 and not self._opens_at_the_end(view, next_quote)):
            return 0
        end = view.rfind(b"\n", 0, next_quote if next_quote >= 0 else len(view)) + 1
        while view.count(b'"', end, proven) % 2:  # a line end within quotes
            end = view.rfind(b"\n", 0, end - 1) + 1
        return end if self._is_plain(view, end) else 0

    def _prove_quotes(self, view: bytes) -> tuple[int, int]:
        """(the end of what is proven, the first quote behind it or -1)."""
        proven = self.separators.sound_quotes.match(view)
        assert proven
        return proven.end(), view.find(b'"', proven.end())

    def _opens_at_the_end(self, view: bytes, quote: int) -> bool:
        """Whether the quote opens a field whose end, or what follows it, is not in view."""
        if view[quote - 1 : quote] not in (self.delimiter, b"\n"):
            return False
        field = _quoted_field.match(view, quote)
        return field is None or field.end() == len(view)

    def _is_plain(self, view: bytes, end: int) -> bool:
        """Before `end` no NUL, no carriage return but before a line feed, and text in this encoding."""
        has_returns = view.find(b"\r", 0, end) >= 0
        if has_returns and view.count(b"\r", 0, end) != view.count(b"\r\n", 0, end):
            return False
        return view.find(b"\0", 0, end) < 0 and (view.isascii() or self.is_text(view[:end]))

    def is_text(self, raw: bytes) -> bool:
        """Whether the bytes are text in this encoding."""
        if self.encoding == "utf-8" or raw.isascii():
            return is_utf_8(raw)
        try:
            raw.decode(self.encoding)
        except UnicodeDecodeError:
            return False
        return True

    def find_fault(self, record: bytes) -> str:
        """Why a record's bytes cannot land, or ""."""
        if b"\0" in record:
            return "NUL byte"
        name = "UTF-8" if self.encoding == "utf-8" else self.encoding
        return "" if self.is_text(record) else f"not {name}"

    def to_utf_8(self, raw: bytes | memoryview) -> bytes | memoryview:
        """The same text in UTF-8; what is none of this encoding's as an escape."""
        return raw if self.encoding == "utf-8" else str(raw, self.encoding, "backslashreplace").encode()


class _Separators(NamedTuple):
    bare_field: re.Pattern[bytes]
    sound_quotes: re.Pattern[bytes]
    either: re.Pattern[bytes]


@cache
def _compile_separators(delimiter: bytes) -> _Separators:
    escaped = re.escape(delimiter)
    return _Separators(
        bare_field=re.compile(rb"[^%b\n]*+" % escaped),
        # Quotes that open behind a delimiter, a line end or nothing, and close before one, one after the other.
        sound_quotes=re.compile(rb'(?:[^"]*+(?:(?<=[%b\n])|\A)%b(?=[%b\r\n]))*+' % (escaped, _QUOTED, escaped)),
        either=re.compile(rb"[%b\n]" % escaped),
    )


RFC_4180 = Grammar()
