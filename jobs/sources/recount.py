"""Deliveries counted by another reader than ours: Python's own csv and json, one record after the other.

Bytes are read as Latin-1, in which each is a character: what separates records is ASCII. UTF-16 is read as what it is.
"""

import bz2
import csv
import gzip
import io
import json
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import IO, Any, assert_never, cast

from jobs.clients import store
from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.config.environment import Environment
from jobs.contracts.deliveries import (
    Compression,
    CsvDelivery,
    JsonDelivery,
    MysqlDelivery,
    ParquetDelivery,
    PostgresDelivery,
    RestDelivery,
    SheetDelivery,
    XlsxDelivery,
)
from jobs.contracts.source import SourceContract
from jobs.errors import PlatformError
from jobs.sources.databases import count_rows
from jobs.sources.recount_csv import count_csv
from jobs.sources.source import make_source
from jobs.sources.unpacked import Chunks, choose_member, unpack

_BLANK, _MARK = " \t\r\n", "\xef\xbb\xbf"
_PIECE, _MOST = 2**20, 64 * 2**20  # characters read at a time, and held of one value


class UncountableError(PlatformError):
    """Why a delivery cannot be counted again."""


def count_delivered(contract: SourceContract, environment: Environment, day: date, inputs: tuple[Input, ...]) -> int:
    """The records of the delivery that landed as `inputs`. Raises UncountableError, or what a look raises."""
    delivery, root = contract.delivery, environment.sources
    if isinstance(delivery, SheetDelivery | RestDelivery):
        raise UncountableError("cannot be counted: it answers with what it holds now")
    there = _require(make_source(contract, environment).look(day), inputs)
    match delivery:
        case CsvDelivery():
            return sum(_count_file(partial(count_csv, delivery=delivery), root, file, delivery) for file in there)
        case JsonDelivery():
            return sum(_count_file(count_json, root, file, delivery) for file in there)
        case XlsxDelivery():
            from jobs.sources import xlsx

            return sum(xlsx.count_rows(root, file, delivery, day) for file in there)
        case ParquetDelivery():
            from jobs.sources import parquet

            return sum(parquet.count_rows(root, file) for file in there)
        case PostgresDelivery() | MysqlDelivery():
            return sum(map(count_rows, there))
        case _ as unknown:
            assert_never(unknown)


def _require(now: tuple[Input, ...], inputs: tuple[Input, ...]) -> tuple[Input, ...]:
    if not now:
        raise UncountableError("cannot be counted: it is gone from the source")
    if now != inputs:
        raise UncountableError("cannot be counted: another one came since; the next run lands it")
    return now


def _count_file(
    count: Callable[[io.TextIOBase], int], root: Location, file: Input, delivery: CsvDelivery | JsonDelivery
) -> int:
    content = io.BufferedReader(Chunks(store.stream(root, file)), _PIECE)
    encoding = delivery.encoding if isinstance(delivery, CsvDelivery) else ""
    is_wide = encoding.startswith("utf-16")
    coding = encoding if is_wide else "latin-1"
    try:
        plain = _open_plain(content, delivery.compression, file.uri)
        return count(io.TextIOWrapper(plain, coding, "surrogatepass", newline="\n"))
    except zipfile.BadZipFile:  # it names the member
        raise UncountableError("cannot be counted by Python's reader: BadZipFile") from None
    except (csv.Error, ValueError, RecursionError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        # Neither message holds a value of the delivery: they tell a place.
        raise UncountableError(f"cannot be counted by Python's reader: {type(error).__name__}: {error}") from None


def _open_plain(content: IO[bytes], compression: Compression | None, uri: str) -> IO[bytes]:
    """By Python's own readers; it has none of zstd."""
    match compression:
        case None:
            return content
        case "gzip":
            return cast("IO[bytes]", gzip.GzipFile(fileobj=content))
        case "bz2":
            return cast("IO[bytes]", bz2.BZ2File(content))
        case "zip":
            file = tempfile.TemporaryFile()  # noqa: SIM115 - it goes with the member that is handed out
            shutil.copyfileobj(content, file)
            packed = zipfile.ZipFile(file)
            return packed.open(choose_member(packed, uri))
        case "zstd":
            chunks = unpack(iter(lambda: content.read(_PIECE), b""), compression, uri)
            return io.BufferedReader(Chunks(chunks))
        case _ as unknown:
            assert_never(unknown)


def count_json(text: io.TextIOBase) -> int:
    """Records of an array, of columns or of lines (docs/hostile-deliveries.md). Raises ValueError."""
    first = _read_first_line(text)
    if first.startswith("["):
        return _count_array(first, text)
    if len(first) <= _MOST and not isinstance(_try_to_parse(first), dict):
        first += text.read(_MOST)
        whole = _try_to_parse(first)
        if isinstance(whole, dict):
            return _count_object(whole)
        *lines, last = first.split("\n")
        return sum(1 for line in lines if line.strip(_BLANK)) + _count_lines(last, text)
    rest = _count_lines("", text)
    return 1 + rest if rest else _count_object(json.loads(first))


def _read_first_line(text: io.TextIOBase) -> str:
    first = text.readline(_MOST + 1).removeprefix(_MARK)
    while first and not first.strip(_BLANK):
        first = text.readline(_MOST + 1)
    return first.lstrip(_BLANK)


def _count_lines(beginning: str, text: io.TextIOBase) -> int:
    """That are not blank; a line may come in pieces."""
    count, has_text = 0, bool(beginning.strip(_BLANK))
    for piece in iter(lambda: text.readline(_PIECE), ""):
        has_text = has_text or bool(piece.strip(_BLANK))
        if piece.endswith("\n"):
            count, has_text = count + has_text, False
    return count + has_text


def _count_object(whole: dict[str, Any]) -> int:
    """One record; or columns, whose values are objects that agree in an index: then as many as there are indices."""
    columns = [{*value} for value in whole.values() if isinstance(value, dict)]
    if not columns or len(columns) < len(whole):
        return 1
    is_empty = not set.union(*columns)
    return len(set.union(*columns)) if set.intersection(*columns) or is_empty else 1


def _count_array(beginning: str, text: io.TextIOBase) -> int:
    """Entry by entry, a piece of the text held at a time."""
    decoder, count, rest = json.JSONDecoder(parse_constant=_refuse), 0, beginning[1:]
    while True:
        rest = rest.lstrip(_BLANK)
        try:
            if rest.startswith("]"):
                return count
            _, end = decoder.raw_decode(rest)
            behind = rest[end:].lstrip(_BLANK)
            if not behind or behind[0] not in ",]":
                raise json.JSONDecodeError("no comma behind an entry", "", end)
            rest, count = behind.removeprefix(","), count + 1
        except json.JSONDecodeError:
            more = text.read(_PIECE)
            if not more or len(rest) > _MOST:
                raise
            rest += more


def _try_to_parse(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError:
        return None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
