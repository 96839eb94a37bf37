"""What becomes of a CSV delivery by the rules of docs/hostile-deliveries.md, byte by byte, and by Python's own csv."""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from jobs.contracts.deliveries import CsvDelivery
from jobs.contracts.mapping import Mapping, make_distinct, map_columns
from jobs.contracts.source import SourceContract
from jobs.errors import ContractError
from tests.fuzz.outcome import Outcome, Rejected, Row, rejected, rescued

UNREADABLE = "quotes or line ends that cannot be read"
BLANK = re.compile(rb"\r*\n")


class Record(NamedTuple):
    """`fault`: "open" or "junk", and then `end` is where the text behind the closing quote begins; or "return"."""

    fault: str
    end: int
    fields: list[bytes]


def record_at(data: bytes, at: int, dialect: CsvDelivery) -> Record:
    fields, begin, state, fault = list[bytes](), at, "start", ""
    delimiter, quote, escape = (text.encode() for text in (dialect.delimiter, dialect.quote, dialect.escape))
    while at < len(data):
        byte = data[at : at + 1]
        if state == "quoted" and byte == escape and data[at + 1 : at + 2] in (quote, escape):
            at += 1
        elif state == "quoted":
            state = "behind" if byte == quote else "quoted"
        elif byte == quote and state in ("start", "behind"):
            state = "quoted"
        elif byte == delimiter:
            fields.append(data[begin:at])
            begin, state = at + 1, "start"
        elif BLANK.match(data, at):
            end = data.index(b"\n", at) + 1
            return Record(fault, end, [*fields, data[begin:at]])
        elif state == "behind":
            return Record("junk", at, fields)
        else:
            state, fault = "bare", "return" if byte == b"\r" else fault
        at += 1
    return Record("open", at, fields)


def values(raw: bytes, fields: Sequence[bytes], dialect: CsvDelivery) -> list[str | None]:
    """By Python's csv, which cannot tell nothing from an empty text, and knows no escape that is one in quotes only."""
    if dialect.escape:
        return [value_of(field.decode(dialect.encoding), dialect.quote, dialect.escape) for field in fields]
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE
    texts = [raw.rstrip(b"\r\n").decode(dialect.encoding)]
    (found,) = csv.reader(
        texts, delimiter=dialect.delimiter, quotechar=dialect.quote or None, quoting=quoting, strict=True
    )
    return [None if field == b"" else value for field, value in zip(fields, found, strict=True)]


def value_of(field: str, quote: str, escape: str) -> str | None:
    if not field.startswith(quote):
        return field or None
    value, at = "", 1
    while at < len(field.rstrip("\r")) - 1:
        at += field[at : at + 2] in (quote * 2, escape + quote, escape * 2)
        value, at = value + field[at], at + 1
    return value


def content_fault(raw: bytes, encoding: str) -> str:
    if b"\0" in raw:
        return "NUL byte"
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return "not UTF-8" if encoding == "utf-8" else f"not {encoding}"
    return ""


class Reference:
    """Of one file whose last line has an end."""

    def __init__(self, data: bytes, longest: int, delivery: CsvDelivery) -> None:
        self.data, self.longest, self.dialect = data, longest, delivery
        self.delimiter, self.encoding = delivery.delimiter.encode(), delivery.encoding
        self.comment = delivery.comment.encode()

    def records(self, at: int, line: int, width: int) -> Iterator[Rejected | list[str | None]]:
        while at < len(self.data):
            if blank := BLANK.match(self.data, at):
                at, line = blank.end(), line + 1
                continue
            if self.is_comment(at):
                at, line = self.line_end(at), line + 1
                continue
            fault, end, fields = record_at(self.data, at, self.dialect)
            if fault in ("junk", "open"):
                end = self.end_of_unreadable(at, end, width) if fault == "junk" else self.line_end(at)
            raw = self.data[at:end]
            reason = UNREADABLE if fault else content_fault(raw, self.encoding)
            if not reason and len(fields) != width:
                reason = f"{len(fields)} fields, the header has {width}"
            if len(raw) > self.longest:
                reason = "longer than allowed"
            shown = raw.decode(self.encoding, "backslashreplace").encode()
            yield rejected(line, reason, shown) if reason else values(raw, fields, self.dialect)
            at, line = end, line + raw.count(b"\n")

    def is_comment(self, at: int) -> bool:
        return bool(self.comment) and self.data.startswith(self.comment, at)

    def line_end(self, at: int) -> int:
        return self.data.index(b"\n", at) + 1

    def end_of_unreadable(self, begin: int, junk: int, width: int) -> int:
        """The lines down to the text behind a closing quote; the first only where that quote opens a sound record."""
        first = self.line_end(begin)
        if junk - begin > self.longest or self.is_opened_by_mistake(first, junk, width):
            return first
        return self.line_end(junk)

    def is_opened_by_mistake(self, at: int, junk: int, width: int) -> bool:
        if at > junk or self.data[junk - 2 : junk - 1] not in (self.delimiter, b"\n"):
            return False
        while at < junk:
            fault, end, fields = record_at(self.data, at, self.dialect)
            if fault or self.is_comment(at) or len(fields) != width or end - at > self.longest:
                return False
            at = end
        return True


def outcome(data: bytes, contract: SourceContract, longest: int) -> Outcome:
    assert isinstance(contract.delivery, CsvDelivery)
    dialect = contract.delivery
    encoding = dialect.encoding
    if not data or (data.startswith(b"\xef\xbb\xbf") and encoding != "utf-8"):
        return Outcome(refused="nothing, or a byte order mark of UTF-8")
    data = data.removeprefix(b"\xef\xbb\xbf")
    data += b"" if data.endswith(b"\n") else b"\n"
    for beginning in reversed(dialect.footer):
        before, _, last = data.rstrip(b"\r\n").rpartition(b"\n")
        if not last.startswith(beginning.encode()):
            return Outcome(refused="no footer")
        data = before + b"\n"
    begin = sum(len(text) + 1 for text in data.split(b"\n")[: dialect.skip_rows])
    line = 1 + dialect.skip_rows
    if not dialect.header:
        first = next(Reference(data, longest, dialect).records(0, 1, len(contract.columns)), None)
        if first == list(contract.columns):
            return Outcome(refused="it has a header")
        return outcome_of(data, 0, 1, contract, tuple(contract.columns), longest)
    while (blank := BLANK.match(data, begin)) or (dialect.comment and data.startswith(dialect.comment.encode(), begin)):
        begin, line = blank.end() if blank else data.index(b"\n", begin) + 1, line + 1
    fault, end, fields = record_at(data, begin, dialect)
    raw = data[begin:end]
    if not raw or fault or content_fault(raw, encoding) or len(raw) > longest:
        return Outcome(refused="the header cannot be read")
    header = tuple(value or "" for value in values(raw, fields, dialect))
    return outcome_of(data, end, line + raw.count(b"\n"), contract, header, longest)


def outcome_of(
    data: bytes, begin: int, line: int, contract: SourceContract, header: tuple[str, ...], longest: int
) -> Outcome:
    """Of the records that begin at a byte and a line."""
    assert isinstance(contract.delivery, CsvDelivery)
    try:
        mapping = map_columns(contract, header, "input")
    except ContractError as error:
        return Outcome(refused=str(error))
    rows: list[Row] = []
    faulty: list[Rejected] = []
    for found in Reference(data, longest, contract.delivery).records(begin, line, len(header)):
        if isinstance(found, Rejected):
            faulty.append(found)
        else:
            rows.append(landed(mapping, found))
    return Outcome(tuple(rows), tuple(faulty))


def landed(mapping: Mapping, values: Sequence[str | None]) -> Row:
    own = [None if position is None else values[position] for position in mapping.positions.values()]
    names = make_distinct([mapping.delivered[position] for position in mapping.unknown])
    extra = {name: values[at] for name, at in zip(names, mapping.unknown, strict=True) if values[at] is not None}
    return (*own, rescued(json.dumps(extra)) if extra else None)
