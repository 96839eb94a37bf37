"""JSON files in three shapes, told apart by their content, read without inference.

`columns`: one object `{column: {"0": value, ...}}` (pandas `orient="columns"`); `array`: `[{...}, ...]`;
`lines`: an object a line. One scan of the bytes counts the entries and finds the column names.
"""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import store
from jobs.contract import CORRUPT, Mapping, map_columns
from jobs.errors import ContractError
from jobs.lines import texts
from jobs.reading import MAX_RECORD, Reading, RejectedFile, Request, merged, refuse_if_packed
from jobs.settings import JsonDelivery
from jobs.store import Input

Shape = Literal["columns", "array", "lines"]
_STRING = rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'
_COLUMNS_HEAD = re.compile(rb"\s*\{\s*(?:%b\s*:\s*\{\s*(?:%b\s*:\s*[^\s{\[]|\}))?" % (_STRING, _STRING))
_PAIR = rb'%b\s*:\s*(?:%b|[^\s{}\[\]",]+)\s*,\s*' % (_STRING, _STRING)
_MANY = 64  # entries of a column that are counted in one step
_TOKEN = rb'(%b)|(%b)(\s*:)?|[{}\[\]"]'
_COLUMN_TOKEN = re.compile(_TOKEN % (b"(?:%b){%d}" % (_PAIR, _MANY), _STRING), re.DOTALL)
_ARRAY_TOKEN = re.compile(_TOKEN % (b"(?!)", _STRING), re.DOTALL)
_KEY = re.compile(rb"(%b)\s*:" % _STRING, re.DOTALL)


@dataclass
class Facts:
    """What one scan tells: entries by column for `columns`, else the rows and in how many each name stands."""

    shape: Shape
    rows: int = 0
    columns: dict[str, int] = field(default_factory=dict)
    suspect: str = ""


@contextmanager
def reading(request: Request, inputs: tuple[Input, ...], delivery: JsonDelivery) -> Iterator[Reading]:
    """Read all files of a delivery, each in its own shape. Raises ContractError."""
    rejected = RejectedFile(request.work)
    frames, rows, mappings = [], 0, []
    for number, found in enumerate(inputs):
        facts = scan(request.stream(found), found.uri)
        if facts.shape != "lines" and found.size > delivery.max_value_mb * 2**20:
            raise ContractError(
                f"{found.uri}: {found.size} bytes as a single value, allowed are {delivery.max_value_mb} MB "
                "(max_value_mb); ask for JSON lines, or raise it together with spark.driver.memory"
            )
        mapping = map_columns(request.contract, tuple(facts.columns), found.uri)
        path = found.uri
        if request.careful or facts.suspect:
            clean = request.work / f"clean-{number}.jsonl"
            facts = _split(found, request.stream(found), facts, clean, rejected)
            path = store.handed(clean, request.scratch)
        rows += facts.rows
        mappings.append(mapping)
        frames.append(_frame(request.spark(), path, found.uri, mapping, facts.shape))
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


def _frame(spark: SparkSession, path: str, uri: str, mapping: Mapping, shape: Shape) -> DataFrame:
    """The rows of one file; every value as the text that was delivered."""
    names = [f"`{name.replace('`', '``')}`" for name in mapping.delivered]
    kind = "map<string,string>" if shape == "columns" else "string"
    schema = ", ".join([f"{name} {kind}" for name in names] + [f"{CORRUPT} string"])
    reader = spark.read.schema(schema).options(multiLine=shape != "lines", columnNameOfCorruptRecord=CORRUPT)
    rows = reader.json(store.escaped(path)).where(F.col(CORRUPT).isNull())
    values = [F.col(name) for name in names]
    if shape == "columns":
        rows, values = _transposed(rows, names)
    return rows.select(*mapping.select(values), F.lit(uri).alias("_source_uri"))


def _transposed(rows: DataFrame, names: list[str]) -> tuple[DataFrame, list[Any]]:
    """A row of maps -> a row an entry, where all columns agree on the entry's index."""
    entries = [F.map_entries(F.col(name)).alias(f"e{position}") for position, name in enumerate(names)]
    zipped = F.arrays_zip(*[f"e{position}" for position in range(len(names))])
    exploded = rows.select(*entries).select(F.explode(zipped).alias("entry"))
    same_index = reduce(
        lambda left, right: left & right,
        [F.col(f"entry.e{position}.key") == F.col("entry.e0.key") for position in range(len(names))],
    )
    return exploded.where(same_index), [F.col(f"entry.e{position}.value") for position in range(len(names))]


def scan(chunks: Iterable[bytes], uri: str) -> Facts:
    """Count the entries without parsing values. Raises ContractError where the file is no whole JSON."""
    chunks = iter(chunks)
    head = next(chunks, b"")
    if not head.strip():
        raise ContractError(f"{uri}: the file is empty; ask for it to be sent again")
    facts = Facts(_shape(head, uri))
    text = _checked_text(chain([head.removeprefix(codecs.BOM_UTF8)], chunks), facts)
    if facts.shape == "lines":
        _scan_lines(text, facts)
    else:
        _scan_value(text, facts, uri)
    if facts.shape == "columns":
        facts.rows = max(facts.columns.values(), default=0)
        if len(set(facts.columns.values())) > 1:
            facts.suspect = f"columns of different length: {facts.columns}"
    return facts


def _shape(head: bytes, uri: str) -> Shape:
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if start.startswith(b"["):
        return "array"
    refuse_if_packed(head, uri)
    if not start.startswith(b"{"):
        raise ContractError(f"{uri}: not JSON; allowed is an object or an array, found {start[:80]!r}")
    found = _COLUMNS_HEAD.match(start)
    is_columns = bool(found and (found.group().rstrip() != b"{" or start[1:].strip() == b"}"))
    return "columns" if is_columns and not _is_whole_line(start) else "lines"


def _is_whole_line(start: bytes) -> bool:
    """Whether the first of several lines is an object by itself."""
    first, _, rest = start.partition(b"\n")
    return bool(rest.strip()) and _parsed(first) is not None


def _parsed(text: bytes) -> Any:
    """The value with numbers as their text, or None where it is no JSON."""
    try:
        return json.loads(text.decode("utf-8", "surrogateescape"), parse_float=str, parse_int=str)
    except ValueError:
        return None


def _checked_text(chunks: Iterable[bytes], facts: Facts) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for chunk in chunks:
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            facts.suspect = "bytes that are not UTF-8"
            decoder = codecs.getincrementaldecoder("utf-8")("replace")
        yield chunk


def _scan_lines(chunks: Iterable[bytes], facts: Facts) -> None:
    seen: set[bytes] = set()
    for line in whole_lines(chunks):
        if not line.strip():
            continue
        facts.rows += 1
        if new := set(_KEY.findall(line)) - seen:
            seen |= new
            entry = _parsed(line)
            facts.columns.update(dict.fromkeys(entry if isinstance(entry, dict) else (), 1))


def whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines by `\\n`, without it."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _scan_value(chunks: Iterable[bytes], facts: Facts, uri: str) -> None:
    """Follow the nesting through one value; names count at depth 1 (array: 2), entries one deeper (array: at 1)."""
    depth, column, of_columns = 0, "", facts.shape == "columns"
    names_at = 1 if of_columns else 2
    for text, name, entries in _tokens(chunks, uri, _COLUMN_TOKEN if of_columns else _ARRAY_TOKEN):
        if entries:
            if of_columns and depth == 2:
                facts.columns[column] += entries
            elif depth == names_at:
                column = _name(name)
                facts.columns[column] = facts.columns.get(column, 0) + (not of_columns)
        elif text in (b"{", b"["):
            facts.rows += depth == 1 and not of_columns and text == b"{"
            depth += 1
        elif text in (b"}", b"]"):
            depth -= 1
    if depth:
        raise ContractError(f"{uri}: cut off: {depth} brackets are still open at its end")


def _tokens(chunks: Iterable[bytes], uri: str, pattern: re.Pattern[bytes]) -> Iterator[tuple[bytes, bytes, int]]:
    """Brackets, strings and names across the borders of chunks: (text, the name alone, how many entries it is)."""
    buffer, offset = b"", 0
    for chunk in chain(chunks, [b""]):
        buffer += chunk
        done = 0
        for token in pattern.finditer(buffer):
            many, string, colon = token.groups()
            is_open = token.group() == b'"'
            if chunk and (is_open or token.end() == len(buffer)):
                break  # it may go on in the next chunk
            if is_open:
                raise ContractError(f"{uri}: a string is never closed, near byte {offset + token.start()}")
            done = token.end()
            yield token.group(), string or b"", _MANY if many else 1 if colon else 0
        else:
            done = len(buffer)
        if len(buffer) - done > MAX_RECORD:
            raise ContractError(f"{uri}: a string longer than {MAX_RECORD} bytes, near byte {offset + done}")
        buffer, offset = buffer[done:], offset + done


def _name(token: bytes) -> str:
    return str(json.loads(token.decode("utf-8", "backslashreplace").replace("\\x", "\\\\x")))


def _split(found: Input, chunks: Iterator[bytes], facts: Facts, target: Path, rejected: RejectedFile) -> Facts:
    """The careful way: sound entries go to `target` as JSON lines, the others to `rejected`."""
    result = Facts("lines")
    entries = _line_entries(chunks) if facts.shape == "lines" else _value_entries(found, chunks, facts)
    with target.open("w", encoding="utf-8") as clean:
        for position, entry, wrong, raw in entries:
            result.rows += 1
            text = json.dumps(entry, ensure_ascii=False)
            reason = wrong or ("" if _is_text(text) else "not UTF-8")
            if reason:
                rejected.add(reason, found.uri, position, raw or text.encode("utf-8", "surrogateescape"))
            else:
                clean.write(text + "\n")
    return result


def _is_text(text: str) -> bool:
    try:
        return bool(text.encode())
    except UnicodeEncodeError:
        return False


def _line_entries(chunks: Iterator[bytes]) -> Iterator[tuple[int, Any, str, bytes]]:
    """(line number, object, reason or "", bytes) of each line that is not blank."""
    for number, line in enumerate(whole_lines(chunks), start=1):
        if not line.strip():
            continue
        entry = _parsed(line.removeprefix(codecs.BOM_UTF8))
        if isinstance(entry, dict):
            yield number, texts(entry), "", line
        else:
            yield number, None, "not a JSON object", line


def _value_entries(found: Input, chunks: Iterator[bytes], facts: Facts) -> Iterator[tuple[int, Any, str, bytes]]:
    """(position, object, reason or "", b"") of each entry of a file that is one value."""
    value = _parsed(b"".join(chunks).removeprefix(codecs.BOM_UTF8))
    if facts.shape == "array" and isinstance(value, list):
        for position, entry in enumerate(value):
            is_object = isinstance(entry, dict)
            yield position, texts(entry) if is_object else entry, "" if is_object else "not a JSON object", b""
    elif isinstance(value, dict) and all(isinstance(entries, dict) for entries in value.values()):
        indexes = dict.fromkeys(index for entries in value.values() for index in entries)
        for position, index in enumerate(indexes):
            absent = [name for name, entries in value.items() if index not in entries]
            entry = {name: entries[index] for name, entries in value.items() if index in entries}
            yield position, texts(entry), f"no value for {absent}" if absent else "", b""
    else:
        raise ContractError(f"{found.uri}: not JSON that can be read as {facts.shape}; try a JSON checker on it")
