"""csv-spectrum and csv-test-data, each file as a delivery of its own, all of them through one run of the command."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.shipment import Arrival, Parcel, ship

HEADED = ("foo", "bar", "baz")  # of the files of csv-test-data whose name says that they have a header

# What is other than the suite has it, and why.
LANDED_ELSE: dict[str, Sequence[Sequence[str]]] = {
    # A blank line is no record, neither here nor in Python's csv; the suite has a record of one empty field.
    "csv-test-data/all-empty": [],
    "csv-test-data/empty-one-column": [["foo"]],
    # A quote within an unquoted field is text: suppliers send inch marks. RFC 4180 has no such field.
    "csv-test-data/bad-unescaped-quote": [["foo", "bar", "baz"], ["1", 'This "quotes" must be escaped', "3"]],
    # The suite's answer does not fit its own file: another number, and no list.
    "csv-spectrum/location_coordinates": [
        ["2095257564", "37\ufffd36'37.8\"N 121\ufffd2'17.9\"W", "Modesto", "Stanislaus"]
    ],
}
REJECTED = {
    "csv-test-data/bad-missing-quote": "quotes or line ends that cannot be read",
    "csv-test-data/bad-quotes-with-unescaped-quote": "quotes or line ends that cannot be read",
    "csv-test-data/bad-header-less-fields": "2 fields, the header has 3",
    "csv-test-data/bad-header-more-fields": "4 fields, the header has 3",
}
REFUSED = {
    "csv-test-data/bad-header-no-header": "the file is empty",
    "csv-test-data/bad-header-wrong-header": "is gone",
}


def delivery(path: Path) -> tuple[tuple[str, ...], bytes]:
    """The header, and the file with one: most files of csv-test-data have none."""
    data = path.read_bytes()
    first = next(csv.reader(io.StringIO(data.decode())), [])
    if path.parents[1].name == "csv-spectrum":
        return tuple(first), data
    if "header" in path.name:
        return HEADED, data
    header = tuple(f"field{number}" for number in range(len(first) or 1))
    return header, ",".join(header).encode() + b"\n" + data


def answer(suite: Path, name: str) -> list[list[str]]:
    found: Any = json.loads((suite / "json" / f"{name}.json").read_text())
    return [list(row.values()) if isinstance(row, dict) else row for row in found]


@pytest.fixture(scope="module")
def files(vectors: Path) -> dict[str, Path]:
    found = [*sorted(vectors.glob("csv-spectrum/csvs/*.csv")), *sorted(vectors.glob("csv-test-data/csv/*.csv"))]
    assert len(found) == 37
    return {f"{path.parents[1].name}/{path.stem}": path for path in found}


@pytest.fixture(scope="module")
def arrivals(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Arrival]:
    parcels = {}
    for number, (name, path) in enumerate(files.items()):
        header, data = delivery(path)
        columns = {title: f"c{position}" for position, title in enumerate(header)}
        parcels[name] = Parcel(f"v{number}", "csv", data, columns)
    found = ship(parcels.values(), tmp_path_factory.mktemp("csv"), "ingest")
    return {name: found[parcel.name] for name, parcel in parcels.items()}


def test_every_sound_file_lands_as_its_suite_has_it(
    files: dict[str, Path], arrivals: dict[str, Arrival], vectors: Path
) -> None:
    expected = {
        name: LANDED_ELSE[name] if name in LANDED_ELSE else answer(path.parents[1], path.stem)
        for name, path in files.items()
        if name not in REJECTED.keys() | REFUSED.keys()
    }
    landed = {name: [[value or "" for value in row] for row in arrivals[name].rows] for name in expected}
    assert landed == expected
    assert not [name for name in expected if arrivals[name].rejected]


def test_every_bad_file_is_rejected_or_refused_with_the_reason(arrivals: dict[str, Arrival]) -> None:
    assert {name: [reason for _, reason, _ in arrivals[name].rejected] for name in REJECTED} == {
        name: [reason] for name, reason in REJECTED.items()
    }
    assert {name: text for name, text in REFUSED.items() if text not in arrivals[name].refused} == {}
