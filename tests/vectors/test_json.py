"""JSONTestSuite: each file as the value of a line's field, and of an array's entry, through one run of the command.

`y_` must land, `n_` must not; of `i_`, which RFC 8259 leaves open, either is right, but a value that lands is the one
that was written.
"""

from pathlib import Path

import pytest

from tests.fuzz.json_reference import FaultyError, checked, own_text
from tests.shipment import Arrival, Parcel, ship

AROUND = [("1", "x"), ("3", "z")]
FIRST, LAST = b'{"a":"1","b":"x"}', b'{"a":"3","b":"z"}'
# Sound values with a line end in them, which no line can hold: in an array only.
OF_SEVERAL_LINES = {"y_array_with_1_and_newline", "y_object_with_newlines"}


def in_lines(value: bytes) -> bytes:
    return FIRST + b'\n{"a":%b,"b":"y"}\n' % value.strip(b"\n") + LAST


def in_array(value: bytes) -> bytes:
    return b"[" + FIRST + b',{"a":%b,"b":"y"},' % value + LAST + b"]"


@pytest.fixture(scope="module")
def values(vectors: Path) -> dict[str, bytes]:
    found = {path.stem: path.read_bytes() for path in sorted((vectors / "json/test_parsing").glob("*.json"))}
    assert len(found) == 318
    return found


@pytest.fixture(scope="module")
def arrivals(values: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Arrival]:
    parcels = {}
    for number, (name, value) in enumerate(values.items()):
        for shape, wrapped in (("lines", in_lines(value)), ("array", in_array(value))):
            parcels[shape, name] = Parcel(f"{shape}{number}", "json", wrapped, {"a": "a", "b": "b"})
    found = ship(parcels.values(), tmp_path_factory.mktemp("json"), "ingest")
    return {which: found[parcel.name] for which, parcel in parcels.items()}


def own(value: bytes) -> str | None:
    """By Python's json. Raises FaultyError."""
    return own_text(checked(value).strip(" \t\r\n"))


@pytest.mark.parametrize("shape", ["lines", "array"])
def test_what_must_be_accepted_lands_as_it_was_written(
    shape: str, values: dict[str, bytes], arrivals: dict[tuple[str, str], Arrival]
) -> None:
    sound = [name for name in values if name.startswith("y_") and (shape == "array" or name not in OF_SEVERAL_LINES)]
    landed = {name: arrivals[shape, name].rows for name in sound}
    assert landed == {name: [AROUND[0], (own(values[name]), "y"), AROUND[1]] for name in sound}


@pytest.mark.parametrize("name", sorted(OF_SEVERAL_LINES))
def test_a_value_of_several_lines_costs_its_lines_only(name: str, arrivals: dict[tuple[str, str], Arrival]) -> None:
    assert arrivals["lines", name].rows == AROUND


def test_what_must_be_refused_never_lands(values: dict[str, bytes], arrivals: dict[tuple[str, str], Arrival]) -> None:
    bad = [name for name in values if name.startswith("n_")]
    assert {name for name in bad if arrivals["lines", name].rows != AROUND} == set()
    by_entry = {name: arrivals["array", name] for name in bad}
    assert {name for name, found in by_entry.items() if not found.refused and found.rows != AROUND} == set()


@pytest.mark.parametrize("shape", ["lines", "array"])
def test_what_is_left_open_lands_as_it_was_written_or_is_rejected(
    shape: str, values: dict[str, bytes], arrivals: dict[tuple[str, str], Arrival]
) -> None:
    for name in (name for name in values if name.startswith("i_")):
        found = arrivals[shape, name]
        try:
            whole = [AROUND[0], (own(values[name]), "y"), AROUND[1]]
        except FaultyError:
            whole = AROUND
        assert found.rows in (AROUND, whole) or found.refused, name


def test_no_file_ends_in_an_error_that_was_not_foreseen(arrivals: dict[tuple[str, str], Arrival]) -> None:
    assert {which: found.outcome.error for which, found in arrivals.items() if found.outcome.state == "failed"} == {}
