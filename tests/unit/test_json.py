import json
from collections.abc import Iterator

import pytest

from jobs.errors import ContractError
from jobs.sources.json import Facts, scan

ROWS = [{"a b": f"{number}", "c": 'say "hi": {[', "d": None} for number in range(150)]
COLUMNS = {name: {str(index): row[name] for index, row in enumerate(ROWS)} for name in ROWS[0]}


def scanned(content: bytes, size: int = 10_000) -> Facts:
    pieces: Iterator[bytes] = (content[start : start + size] for start in range(0, len(content), size))
    return scan(pieces, "file.json")


@pytest.mark.parametrize("size", [300, 301, 1000, 100_000])
@pytest.mark.parametrize("indent", [None, 1])
def test_entries_of_an_object_of_columns_are_counted_by_column(size: int, indent: int | None) -> None:
    facts = scanned(json.dumps(COLUMNS, indent=indent).encode(), size)
    assert (facts.shape, facts.rows, facts.suspect) == ("columns", 150, "")
    assert facts.columns == {"a b": 150, "c": 150, "d": 150}


@pytest.mark.parametrize("size", [300, 301, 1000, 100_000])
def test_records_of_an_array_are_counted(size: int) -> None:
    facts = scanned(json.dumps(ROWS).encode(), size)
    assert (facts.shape, facts.rows, list(facts.columns)) == ("array", 150, ["a b", "c", "d"])


@pytest.mark.parametrize("size", [300, 301, 1000, 100_000])
def test_json_lines_are_counted_and_their_names_collected(size: int) -> None:
    lines = [json.dumps(row) for row in ROWS] + ["", json.dumps({"later": "x"})]
    facts = scanned("\n".join(lines).encode(), size)
    assert (facts.shape, facts.rows, list(facts.columns)) == ("lines", 151, ["a b", "c", "d", "later"])


def test_lines_whose_first_value_is_an_object_are_still_lines() -> None:
    facts = scanned(b'{"a": {"x": "1"}, "b": "2"}\n{"a": {"x": "1"}, "b": "2"}\n')
    assert (facts.shape, facts.rows) == ("lines", 2)


def test_columns_of_different_length_are_suspect() -> None:
    assert "different length" in scanned(b'{"a": {"0": "1", "1": "2"}, "b": {"0": "1"}}').suspect


def test_bytes_that_are_not_utf_8_are_suspect() -> None:
    assert "UTF-8" in scanned('{"a": {"0": "é"}}'.encode("latin-1")).suspect


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"<html>", "not JSON"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (json.dumps(COLUMNS).encode()[:-1], "cut off: 1 brackets are still open"),
        (json.dumps(COLUMNS).encode()[:-9], "a string is never closed|cut off"),
        (json.dumps(ROWS).encode()[:-1], "cut off"),
    ],
)
def test_what_is_no_whole_json_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        scanned(content)
