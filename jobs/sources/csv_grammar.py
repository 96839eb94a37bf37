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
    """Of one delimiter and one quote, a byte each, and one encoding.

    No quote: nothing is quoted. `escape`: within quotes, before a quote or itself, it stands for what follows.
    `comment`: how a line begins that is no record.
    """

    delimiter: bytes = b","
    encoding: str = "utf-8"
    quote: bytes = b'"'
    escape: bytes = b""
    comment: bytes = b""

    @cached_property
    def separators(self) -> "_Separators":
        return _compile_separators(self.delimiter, self.quote, self.escape)

    def compile_record(self, width: int) -> re.Pattern[bytes] | None:
        """A record of `width` fields with its line end; None where there is no such pattern."""
        if width > WIDE:
            return None
        escaped = re.escape(self.delimiter)
        field = rb"(?:%b|[^%b%b\r\n][^%b\r\n]*+|)" % (self.separators.quoted, self.quote, escaped, escaped)
        begin = b"(?!%b)" % re.escape(self.comment) if self.comment else b""
        return re.compile(begin + field + (b"(?:%b%b){%d}" % (escaped, field, width - 1)) + rb"\r*+\n")

    def find_shape(self, data: bytes, at: int) -> Shape:
        """The record that begins at `at`, field by field."""
        fields, fault = 1, ""
        while True:
            is_quoted = bool(self.quote) and data.startswith(self.quote, at)
            end, field_fault = self._find_quoted_end(data, at) if is_quoted else self._find_bare_end(data, at)
            fault = field_fault or fault
            if not end or field_fault == TEXT_BEHIND_A_QUOTE or data[end - 1 : end] == b"\n":
                return Shape(end, fields, fault)
            fields, at = fields + 1, end

    def _find_quoted_end(self, data: bytes, at: int) -> tuple[int, str]:
        """Behind the separator of the quoted field at `at`; 0: it is not at hand."""
        field = self.separators.quoted_field.match(data, at)
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
        if self._has_comments(view) or (self.escape and self.separators.escapes.search(view)):
            return 0
        has_quotes = bool(self.quote) and self.quote in view
        proven, next_quote = self._prove_quotes(view) if has_quotes else (0, -1)
        if next_quote == 0 or (next_quote > 0 and not self._opens_at_the_end(view, next_quote)):
            return 0
        end = view.rfind(b"\n", 0, next_quote if next_quote >= 0 else len(view)) + 1
        while has_quotes and view.count(self.quote, end, proven) % 2:  # a line end within quotes
            end = view.rfind(b"\n", 0, end - 1) + 1
        return end if self._is_plain(view, end) else 0

    def _prove_quotes(self, view: bytes) -> tuple[int, int]:
        """(the end of what is proven, the first quote behind it or -1)."""
        proven = self.separators.sound_quotes.match(view)
        assert proven
        return proven.end(), view.find(self.quote, proven.end())

    def _has_comments(self, view: bytes) -> bool:
        """Whether a line may be one: in a value it is none."""
        return bool(self.comment) and (view.startswith(self.comment) or b"\n" + self.comment in view)

    def _opens_at_the_end(self, view: bytes, quote: int) -> bool:
        """Whether the quote opens a field whose end, or what follows it, is not in view."""
        if view[quote - 1 : quote] not in (self.delimiter, b"\n"):
            return False
        field = self.separators.quoted_field.match(view, quote)
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

    def double_escaped(self, record: bytes) -> bytes:
        """A sound record as RFC 4180 has it: in its quoted fields quotes are doubled, not escaped."""
        if not self.escape or self.escape not in record:
            return record
        doubled = {self.escape + self.quote: self.quote * 2, self.escape * 2: self.escape}

        def mend(field: re.Match[bytes]) -> bytes:
            text = field.group()
            is_quoted = text.startswith(self.quote)
            return self.separators.escapes.sub(lambda pair: doubled[pair.group()], text) if is_quoted else text

        return self.separators.field.sub(mend, record)


class _Separators(NamedTuple):
    quoted: bytes  # as a pattern; it matches nothing where nothing is quoted
    quoted_field: re.Pattern[bytes]
    bare_field: re.Pattern[bytes]
    field: re.Pattern[bytes]  # and the separator behind it
    escapes: re.Pattern[bytes]
    sound_quotes: re.Pattern[bytes]
    either: re.Pattern[bytes]
    within: re.Pattern[bytes]  # what may end a quoted field, or keep it from ending


@cache
def _compile_separators(delimiter: bytes, quote: bytes, escape: bytes) -> _Separators:
    escaped, before = re.escape(delimiter), re.escape(escape)
    quoted = rb"%b[^%b]*+(?:%b%b[^%b]*+)*+%b" % ((quote,) * 6) if quote else rb"(?!)"
    if escape:
        quoted = rb"%b[^%b%b]*+(?:(?:%b%b|%b[%b%b]|%b)[^%b%b]*+)*+%b" % (
            *(quote, quote, before, quote, quote, before, quote, before, before, quote, before, quote),
        )
    return _Separators(
        quoted=quoted,
        quoted_field=re.compile(quoted),
        bare_field=re.compile(rb"[^%b\n]*+" % escaped),
        field=re.compile(rb"(?:%b\r*+|[^%b\n]*+)[%b\n]" % (quoted, escaped, escaped)),
        escapes=re.compile(rb"%b[%b%b]" % (before, quote, before) if escape else rb"(?!)"),
        # Quotes that open behind a delimiter, a line end or nothing, and close before one, one after the other.
        sound_quotes=re.compile(
            rb"(?:[^%b]*+(?:(?<=[%b\n])|\A)%b(?=[%b\r\n]))*+" % (quote, escaped, quoted, escaped) if quote else b""
        ),
        either=re.compile(rb"[%b\n]" % escaped),
        within=re.compile(rb"[%b%b]" % (quote, before) if quote else rb"(?!)"),
    )


RFC_4180 = Grammar()
