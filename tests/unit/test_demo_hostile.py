"""Every defect that the contracts name has a delivery, and its numbers are true."""

import csv
import gzip
import io
import json
from pathlib import Path

import pytest

from demo.complaints import HEADERS
from demo.hostile import DELIVERIES, Hostile, write
from demo.hostile_calls import call_rows, faithful

NAMED_IN_THE_CONTRACTS = {
    "calls_short_row",
    "calls_long_row",
    "calls_bare_quote",
    "calls_unclosed_quote",
    "calls_junk_after_quote",
    "social_truncated",
    "calls_header_renamed",
    "calls_header_added",
    "calls_header_dropped",
    "calls_header_twice",
    "calls_headers_collide",
    "calls_bom",
    "calls_latin_1",
    "calls_empty",
    "calls_header_only",
    "calls_duplicate_ids",
    "calls_future_dates",
    "calls_not_a_date",
    "calls_nul_byte",
    "calls_huge_cell",
    "calls_gzip",
    "calls_corrected",
}
READABLE_CSV = [
    delivery
    for delivery in DELIVERIES.values()
    if delivery.source == "call_logs" and delivery.scope in ("value", "harmless") and delivery.name != "calls_latin_1"
]


def records(data: bytes) -> list[dict[str, str]]:
    csv.field_size_limit(20_000_000)
    text = io.StringIO(data.decode("utf-8-sig"), newline="")
    return list(csv.DictReader(text, strict=True))


def test_every_defect_that_the_contracts_name_is_there() -> None:
    assert set(DELIVERIES) >= NAMED_IN_THE_CONTRACTS


@pytest.mark.parametrize("delivery", DELIVERIES.values(), ids=lambda delivery: delivery.name)
def test_a_delivery_is_the_same_every_time_and_small(delivery: Hostile) -> None:
    data = delivery.write()
    assert data == delivery.write()
    assert len(data) < (11_000_000 if "huge" in delivery.name else 150_000)


@pytest.mark.parametrize("delivery", DELIVERIES.values(), ids=lambda delivery: delivery.name)
def test_the_bad_rows_fit_the_scope(delivery: Hostile) -> None:
    few = 15 if delivery.name == "calls_too_many_bad" else 2
    match delivery.scope:
        case "file":
            assert delivery.bad == delivery.rows
        case "harmless":
            assert delivery.bad == 0
        case "row" | "value":
            assert 1 <= delivery.bad <= few


@pytest.mark.parametrize("delivery", READABLE_CSV, ids=lambda delivery: delivery.name)
def test_a_readable_csv_has_the_rows_that_it_claims(delivery: Hostile) -> None:
    found = records(delivery.write())
    assert len(found) == delivery.rows
    assert {len(row) for row in found} == {10 if delivery.name == "calls_header_added" else 9}
    expected = [dict(zip(HEADERS["call_logs"], row, strict=True)) for row in call_rows()]
    changed = sum(
        any(row[name] != value for name, value in before.items()) for row, before in zip(found, expected, strict=False)
    )
    assert changed == (5 if delivery.name == "calls_corrected" else delivery.bad)


@pytest.mark.parametrize("delivery", [d for d in DELIVERIES.values() if d.scope == "row"], ids=lambda d: d.name)
def test_exactly_the_bad_rows_are_not_of_the_usual_shape(delivery: Hostile) -> None:
    usual = set(faithful().splitlines()) | set(DELIVERIES["social_json_lines"].write().splitlines())
    lines = delivery.write().removesuffix(b"\n").split(b"\n")
    assert sum(line not in usual for line in lines) == delivery.bad


def test_a_gzip_holds_the_faithful_file() -> None:
    assert gzip.decompress(DELIVERIES["calls_gzip"].write()) == faithful()


def test_utf_16_holds_the_faithful_file() -> None:
    assert DELIVERIES["calls_utf_16"].write().decode("utf-16").encode() == faithful()


@pytest.mark.parametrize("name", ["calls_latin_1", "social_latin_1"])
def test_latin_1_is_not_utf_8(name: str) -> None:
    with pytest.raises(UnicodeDecodeError):
        DELIVERIES[name].write().decode()


@pytest.mark.parametrize("name", ["social_truncated", "social_empty", "social_html"])
def test_what_is_not_json_cannot_be_read_as_json(name: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        json.loads(DELIVERIES[name].write())


@pytest.mark.parametrize(
    "name",
    [
        "social_column_added",
        "social_nulls_and_numbers",
        "social_nested",
        "social_duplicate_ids",
        "social_bom",
    ],
)
def test_the_other_objects_have_equal_columns(name: str) -> None:
    columns = json.loads(DELIVERIES[name].write().decode("utf-8-sig"))
    assert {tuple(values) for values in columns.values()} == {tuple(str(n) for n in range(300))}


def test_customers_come_back_with_their_quotes(tmp_path: Path) -> None:
    path = write(tmp_path, "customers_quoted")
    assert path == tmp_path / "customers_quoted" / "customers_dataset.csv"
    found = records(path.read_bytes())
    assert len(found) == 300
    assert all('"The Mews"' in row["address"] and "\n" in row["address"] for row in found)
