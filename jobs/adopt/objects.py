"""Text of a JSON file or answer -> a sample: lines, an array of records, an object of columns, or a single record."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from jobs.adopt.heads import Head
from jobs.adopt.sample import MAX_ROWS, Row, Sample
from jobs.errors import ContractError

_decoder = json.JSONDecoder(parse_float=str, parse_int=str)  # digits as they stand there
_BLANK = " \t\r\n,"


def is_json(text: str) -> bool:
    return text.lstrip().startswith(("{", "["))


def read_objects(head: Head, uri: str) -> Sample:
    """Raises ContractError where there is no record in it."""
    records = list(islice(_list_records(head), MAX_ROWS + 1))
    if len(records) == 1 and _is_unequal(records[0]):
        raise ContractError(f"{uri}: an object of columns that are not of one length; ask for it again")
    sample = make_sample(records, head.is_whole)
    if not sample.headers:
        raise ContractError(f"{uri}: no JSON object in its first {len(head.text)} characters; a record is one")
    return replace(sample, notes=tuple(_list_doubts(head, records)))


def _list_doubts(head: Head, records: Sequence[Any]) -> Iterator[str]:
    if "\ufffd" in head.text:
        yield "some of it is no UTF-8, which JSON is: such records are rejected"
    if len(records) == 1 and head.is_whole:
        nested = [name for name, value in records[0].items() if isinstance(value, list) and len(value) > 1]
        within = (
            f"; what is listed in {', '.join(nested)} lands as one value: ask for an array or JSON lines"
            if nested
            else ""
        )
        yield f"the file is a single record{within}"


def parse_lines(lines: Iterable[bytes]) -> Iterator[Any]:
    """A value a line, as answers are kept."""
    return (_decoder.decode(line.decode()) for line in lines)


def make_sample(records: Iterable[Any], is_whole: bool, headers: tuple[str, ...] = ()) -> Sample:
    """Of records as they were parsed; those that are no objects are counted. `headers`: all, where those are known."""
    rows: list[Row] = []
    broken = 0
    for record in records:
        if isinstance(record, dict):
            rows.append({key: _to_text(value) for key, value in record.items()})
        else:
            broken += 1
        if len(rows) == MAX_ROWS:
            is_whole = False
            break
    return Sample(headers or tuple(dict.fromkeys(key for row in rows for key in row)), rows, broken, is_whole)


def _list_records(head: Head) -> Iterator[Any]:
    text = head.text.lstrip("\ufeff \t\r\n")
    if text.startswith("["):
        yield from _follow(text[1:])
        return
    records = list(_follow(text)) if text.startswith("{") else []
    if len(records) == 1 and _is_of_columns(records[0]):
        yield from _turn(records[0])
    else:
        yield from records


def _follow(text: str) -> Iterator[Any]:
    """Values one behind the other, until the text ends or is cut off; a line that is no value is none."""
    at = 0
    while at < len(text):
        while at < len(text) and text[at] in _BLANK:
            at += 1
        try:
            value, at = _decoder.raw_decode(text, at)
        except ValueError:
            line_end = text.find("\n", at)
            if line_end < 0 or text[at : at + 1] == "]":
                return
            at, value = line_end, None
        yield value


def _is_of_columns(record: Any) -> bool:
    """As pandas writes `orient="columns"`: each column an object of equal length, from row to value."""
    columns = [*record.values()] if isinstance(record, dict) else []
    return bool(columns) and all(isinstance(one, dict) for one in columns) and len({len(one) for one in columns}) == 1


def _is_unequal(record: Any) -> bool:
    """Columns by row, of which some lack rows."""
    columns = [*record.values()] if isinstance(record, dict) else []
    return len(columns) > 1 and all(isinstance(one, dict) for one in columns)


def _turn(columns: dict[str, dict[str, Any]]) -> Iterator[Row]:
    for row in next(iter(columns.values())):
        yield {name: values.get(row) for name, values in columns.items()}


def _to_text(value: Any) -> str | None:
    """As it lands: nested values as JSON."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case _:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
