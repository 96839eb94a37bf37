"""CSV files (RFC 4180): one byte scan counts what was delivered and decides how the file is read.

A sound file is parsed once, by Spark. A file with odd bytes, or whose rows do not add up after Spark read it,
goes the careful way: each record is looked at, the sound ones are copied for Spark, the others rejected.
"""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import store
from jobs.contract import CORRUPT, Mapping, map_columns
from jobs.errors import ContractError
from jobs.reading import MAX_RECORD, Reading, RejectedFile, Request, merged, refuse_if_packed
from jobs.settings import CsvDelivery
from jobs.store import Input

csv.field_size_limit(MAX_RECORD)
_UNCLOSED = re.compile(rb'"(?![,\r\n]|\Z)')
_BLANK = re.compile(rb"\n\r?\n")


@dataclass
class Facts:
    """What one scan of a file's bytes tells. `suspect`: why the file must go the careful way, if it must."""

    header: tuple[str, ...] = ()
    rows: int = 0  # line ends outside quotes, the header's left out
    multiline: bool = False  # a line end stands inside quotes
    suspect: str = ""


@contextmanager
def reading(request: Request, inputs: tuple[Input, ...], delivery: CsvDelivery) -> Iterator[Reading]:
    """Read all files of a delivery, each by its own header. Raises ContractError."""
    rejected = RejectedFile(request.work)
    frames, rows, mappings = [], 0, []
    for number, found in enumerate(inputs):
        facts = scan(request.stream(found), found.uri)
        mapping = map_columns(request.contract, facts.header, found.uri)
        path, careful = found.uri, request.careful or bool(facts.suspect) or facts.multiline > delivery.multiline
        if careful:
            clean = request.work / f"clean-{number}.csv"
            split = Split(found.uri, len(facts.header), rejected)
            facts = split.write(lines(request.stream(found)), clean, facts)
            path = store.handed(clean, request.scratch)
        rows += facts.rows
        mappings.append(mapping)
        frames.append(_frame(request.spark(), path, found.uri, mapping, facts.multiline))
    rejected.close()
    yield Reading(
        inputs=inputs,
        frame=reduce(DataFrame.unionByName, frames),
        rows_delivered=rows,
        columns_delivered=mappings[0].delivered,
        drift=merged(mapping.drift for mapping in mappings),
        rows_rejected=rejected.rows,
        rejected_file=rejected.path,
        reasons=rejected.reasons,
        first_rejected=rejected.first,
    )


def _frame(spark: SparkSession, path: str, uri: str, mapping: Mapping, multiline: bool) -> DataFrame:
    """The rows of one file with as many fields as its header; Spark gets the columns by number, we the names."""
    names = [f"c{position}" for position in range(len(mapping.delivered))]
    schema = ", ".join(f"{name} string" for name in [*names, CORRUPT])
    reader = spark.read.schema(schema).options(header=True, multiLine=multiline, quote='"', escape='"')
    rows = reader.option("columnNameOfCorruptRecord", CORRUPT).csv(store.escaped(path))
    has_all_fields = F.col(CORRUPT).isNull()
    return rows.where(has_all_fields).select(
        *mapping.select([F.col(name) for name in names]), F.lit(uri).alias("_source_uri")
    )


def scan(chunks: Iterable[bytes], uri: str) -> Facts:
    """Count records by their line ends outside quotes, without parsing. Raises ContractError: no CSV at all."""
    facts, inside = Facts(), False
    for block in _blocks(chunks):
        if facts.header:
            inside = _scan_block(block, inside, facts)
        else:
            facts.header, rest = _header(block, uri)
            inside = bool(rest) and _scan_block(rest, inside, facts)
    if not facts.header:
        raise ContractError(f"{uri}: the file is empty (0 bytes), not even a header; ask for it to be sent again")
    if inside:
        facts.suspect = "a quote is never closed"
    return facts


def _scan_block(block: bytes, inside: bool, facts: Facts) -> bool:
    """Add whole lines to the facts; `inside`: they begin within quotes. Returns whether they end within quotes."""
    if len(block) > MAX_RECORD:
        facts.suspect = "a very long line"
    if b"\0" in block or not _is_utf8(block):
        facts.suspect = "NUL bytes, or bytes that are not UTF-8"
    outside, ends_inside = block, inside
    if inside or b'"' in block:
        outside, ends_inside = _outside(block, inside)
        opened = outside.count(b',"') + outside.count(b'\n"') + outside.startswith(b'"')
        if opened != outside.count(b'"') or _UNCLOSED.search(outside):
            facts.suspect = "quotes in odd places"
        facts.multiline |= block.count(b"\n") > outside.count(b"\n") or block.count(b"\r") > outside.count(b"\r")
    facts.rows += outside.count(b"\n") + (not block.endswith(b"\n"))
    if _BLANK.search(outside) or (not inside and outside.startswith((b"\n", b"\r\n"))):
        facts.suspect = "blank lines"
    if b"\r" in outside and outside.count(b"\r") > outside.count(b"\r\n"):
        facts.suspect = "a carriage return that ends no line"
    return ends_inside


def _outside(block: bytes, inside: bool) -> tuple[bytes, bool]:
    """What stands outside quotes, a whole quoted field left as one quote; and whether the end is inside.

    Escaped quotes go first; then every other piece between quotes is outside, and each quote that is left must
    stand between two delimiters or line ends.
    """
    pieces = block.replace(b'""', b"").split(b'"')
    ends_inside = inside ^ (len(pieces) % 2 == 0)
    return b'"' * inside + b'"'.join(pieces[inside::2]) + b'"' * ends_inside, ends_inside


def _is_utf8(block: bytes) -> bool:
    try:
        return block.isascii() or bool(block.decode())
    except UnicodeDecodeError:
        return False


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks cut anew so that each ends with a line; a line over MAX_RECORD comes in pieces."""
    rest = b""
    for chunk in chunks:
        whole, end, rest = (rest + chunk).rpartition(b"\n")
        if whole or end:
            yield whole + end
        elif len(rest) > MAX_RECORD:
            yield rest
            rest = b""
    if rest:
        yield rest


def _header(block: bytes, uri: str) -> tuple[tuple[str, ...], bytes]:
    """The first line's names, and the block behind it."""
    refuse_if_packed(block, uri)
    first, _, rest = block.partition(b"\n")
    try:
        text = first.decode("utf-8-sig").rstrip("\r")
        return tuple(next(csv.reader([text], strict=True), ())), rest
    except (UnicodeDecodeError, csv.Error) as error:
        raise ContractError(f"{uri}: the header line cannot be read: {error}; found {first[:200]!r}") from error


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Physical lines with their ends."""
    for block in _blocks(chunks):
        yield from block.splitlines(keepends=True) if b"\r" not in block else _lines_by_lf(block)


def _lines_by_lf(block: bytes) -> Iterator[bytes]:
    """`splitlines` would cut at a lone carriage return too."""
    *whole, rest = block.split(b"\n")
    yield from (line + b"\n" for line in whole)
    if rest:
        yield rest


class Split:
    """The careful way: every record of a file is either copied for Spark or rejected with its reason and line."""

    def __init__(self, uri: str, width: int, rejected: RejectedFile) -> None:
        self._uri, self._width, self._rejected = uri, width, rejected

    def write(self, physical: Iterator[bytes], target: Path, scanned: Facts) -> Facts:
        """Copy the sound records to `target`; the facts then hold for the delivery, rejected rows included."""
        facts = Facts(header=scanned.header)
        with target.open("wb") as clean:
            clean.write(next(physical))
            for line, record, reason in self._records(physical):
                facts.rows += 1
                if reason:
                    self._rejected.add(reason, self._uri, line, record)
                    continue
                body = record.rstrip(b"\r\n")
                facts.multiline |= b"\n" in body or b"\r" in body
                clean.write(body + b"\n")
        return facts

    def _records(self, physical: Iterator[bytes]) -> Iterator[tuple[int, bytes, str]]:
        """(line number, bytes, reason or "") of each record; blank lines are no records."""
        ahead: deque[bytes] = deque()
        number = 1
        while line := ahead.popleft() if ahead else next(physical, b""):
            number += 1
            if not line.strip():
                continue
            reason = self._reason(line)
            if reason and line.count(b'"') % 2:
                taken = self._continued(line, ahead, physical)
                joined = line + b"".join(islice(ahead, taken))
                if taken and not self._reason(joined):
                    line, reason = joined, ""
                    for _ in range(taken):
                        ahead.popleft()
            yield number, line, reason
            number += line.count(b"\n") - 1 if not reason else 0

    def _continued(self, line: bytes, ahead: deque[bytes], physical: Iterator[bytes]) -> int:
        """How many of the lines behind an open quote belong to it; 0 where it was never meant to stay open.

        A line that is a whole record by itself says that the quote before it was a mistake.
        """
        size, quotes, taken = len(line), line.count(b'"'), 0
        while quotes % 2 and size <= MAX_RECORD:
            if taken == len(ahead):
                ahead.extend(islice(physical, 1))
            is_whole = taken < len(ahead) and ahead[taken].count(b'"') % 2 == 0 and not self._reason(ahead[taken])
            if taken == len(ahead) or is_whole:
                return 0
            size += len(ahead[taken])
            quotes += ahead[taken].count(b'"')
            taken += 1
        return 0 if quotes % 2 else taken

    def _reason(self, record: bytes) -> str:
        """Why a record cannot land, or ""."""
        if len(record) > MAX_RECORD:
            return f"longer than {MAX_RECORD} bytes"
        if b"\0" in record:
            return "NUL byte"
        try:
            fields = next(csv.reader([record.decode().rstrip("\r\n")], strict=True))
        except UnicodeDecodeError:
            return "not UTF-8"
        except csv.Error:
            return "quotes or line ends that cannot be read"
        return "" if len(fields) == self._width else f"{len(fields)} fields, the header has {self._width}"
