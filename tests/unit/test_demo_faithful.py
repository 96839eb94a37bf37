"""The faithful deliveries have the suppliers' shapes, and the same bytes every time."""

import csv
import json
import re
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from demo.complaints import HEADERS, Daily, Scale
from demo.faithful import Counts, Delivery, delivery_path, generate
from demo.people import AGENT_HEADER, CUSTOMER_HEADER

FIRST, SECOND = date(2025, 11, 20), date(2025, 11, 21)
CALLS, CUSTOMERS = 2000, 500
STATUSES = {"Resolved", "In-Progress", "Backlog", "Blocked"}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faithful")


@pytest.fixture(scope="module")
def counts(out: Path) -> Counts:
    return generate(out, [FIRST, SECOND], CALLS, CUSTOMERS)


def contents(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def read(out: Path, delivery: Delivery) -> list[dict[str, str]]:
    path = delivery_path(out, delivery)
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            return list(csv.DictReader(file, strict=True))
        columns: dict[str, dict[str, str]] = json.load(file)
    indexes = [list(values) for values in columns.values()]
    assert all(index == [str(n) for n in range(len(indexes[0]))] for index in indexes)
    return [{name: columns[name][n] for name in columns} for n in indexes[0]]


def test_the_same_parameters_give_the_same_bytes(out: Path, counts: Counts, tmp_path: Path) -> None:
    generate(tmp_path, [FIRST, SECOND], CALLS, CUSTOMERS)
    assert contents(tmp_path) == contents(out)


def test_a_day_does_not_depend_on_the_other_days(out: Path, counts: Counts, tmp_path: Path) -> None:
    generate(tmp_path, [SECOND], CALLS, CUSTOMERS)
    alone = {name: data for name, data in contents(tmp_path).items() if name != "_counts.json"}
    assert alone.items() <= contents(out).items()
    assert len(alone) == 5


def test_another_seed_gives_other_bytes(out: Path, counts: Counts, tmp_path: Path) -> None:
    generate(tmp_path, [FIRST], CALLS, CUSTOMERS, seed=1)
    same = {name for name, data in contents(tmp_path).items() if data == contents(out)[name]}
    assert same == set()


def test_the_pool_writes_the_same_bytes(
    out: Path, counts: Counts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.faithful._TOO_SMALL_FOR_A_POOL", 0)
    generate(tmp_path, [FIRST, SECOND], CALLS, CUSTOMERS)
    assert contents(tmp_path) == contents(out)


def test_the_counts_are_those_that_a_reader_finds(out: Path, counts: Counts) -> None:
    found = {source: {day: len(read(out, (source, day))) for day in days} for source, days in counts["rows"].items()}
    assert found == counts["rows"] == json.loads((out / "_counts.json").read_text())["rows"]
    assert found["customers"] == {"": CUSTOMERS}
    assert found["call_logs"][str(FIRST)] == CALLS
    assert found["social_media"][str(FIRST)] == round(CALLS * 37_863 / 378_993)


def test_the_published_numbers_hold_at_full_scale() -> None:
    full = Scale()
    assert full.volume("call_logs", FIRST) == 378_993
    assert full.volume("social_media", FIRST) == 37_863
    assert full.volume("web_forms", FIRST) == 278_985
    assert full.volume("call_logs", SECOND) == pytest.approx(378_993, rel=0.04)


def test_the_headers_are_spelt_as_the_suppliers_spell_them(out: Path, counts: Counts) -> None:
    files = {name: data.partition(b"\n")[0].decode() for name, data in contents(out).items()}
    assert files["customers/customers_dataset.csv"] == ",".join(CUSTOMER_HEADER)
    assert CUSTOMER_HEADER == (
        "customer_id", "name", "Gender", "DATE of biRTH", "signup_date", "email", "address"
    )  # fmt: skip
    assert files["agents/agents.csv"] == ",".join(AGENT_HEADER) == "iD,NamE,experience,state"
    assert files["call logs/call_logs_day_2025-11-20.csv"] == (
        ",call ID,customeR iD,COMPLAINT_catego ry,agent ID,call_start_time,call_end_time,"
        "resolutionstatus,callLogsGenerationDate"
    )
    assert files["web_forms/web_form_request_2025_11_20.csv"] == (
        "Column1,request_id,customeR iD,COMPLAINT_catego ry,agent ID,resolutionstatus,"
        "request_date,resolution_date,webFormGenerationDate"
    )
    social = json.loads(contents(out)["social_medias/media_complaint_day_2025-11-20.json"])
    assert tuple(social) == HEADERS["social_media"]


def test_customers_have_a_line_feed_in_the_address_and_mostly_broken_mail(out: Path, counts: Counts) -> None:
    customers = read(out, ("customers", ""))
    assert len({customer["customer_id"] for customer in customers}) == CUSTOMERS
    uuid4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    address = re.compile(r".+\n(.+, [A-Z]{2}|[AFD]PO A[AEP]) \d{5}")
    assert all(uuid4.fullmatch(customer["customer_id"]) for customer in customers)
    assert all(address.fullmatch(customer["address"]) for customer in customers)
    broken = [c for c in customers if c["email"].endswith(("@GmaiL.om", "@hotmai.com"))]
    assert CUSTOMERS / 2 < len(broken) < CUSTOMERS


def test_calls_take_minutes_and_their_index_has_gaps(out: Path, counts: Counts) -> None:
    calls = read(out, ("call_logs", str(SECOND)))
    indexes = [int(call[""]) for call in calls]
    assert indexes == sorted(set(indexes))
    assert indexes[-1] > len(indexes)
    assert {len(call["call ID"]) for call in calls} == {55, 56}
    starts = [datetime.fromisoformat(call["call_start_time"]) for call in calls]
    ends = [datetime.fromisoformat(call["call_end_time"]) for call in calls]
    lasted = [end - start for start, end in zip(starts, ends, strict=True)]
    assert timedelta(minutes=4) <= min(lasted) <= max(lasted) <= timedelta(minutes=13)
    assert date(2024, 12, 20) < min(starts).date() < max(starts).date() <= SECOND
    assert {call["callLogsGenerationDate"] for call in calls} == {str(SECOND)}


@pytest.mark.parametrize(
    ("source", "key", "lengths"),
    [("social_media", "complaint_id", {54, 55, 56}), ("web_forms", "request_id", {51, 52})],
)
def test_complaints_come_once_a_day_and_a_few_again_the_next(
    source: Daily, key: str, lengths: set[int], out: Path, counts: Counts
) -> None:
    days = {day: read(out, (source, str(day))) for day in (FIRST, SECOND)}
    ids = {day: [row[key] for row in rows] for day, rows in days.items()}
    assert all(len(set(found)) == len(found) for found in ids.values())
    assert {len(found) for found in ids[FIRST]} <= lengths
    again = set(ids[FIRST]) & set(ids[SECOND])
    assert 1 <= len(again) <= 5
    assert {row["resolutionstatus"] for row in days[SECOND] if row[key] in again} == {"Resolved"}
    for row in days[FIRST] + days[SECOND]:
        assert row["resolutionstatus"] in STATUSES
        assert (row["resolution_date"] != "") == (row["resolutionstatus"] == "Resolved")
        assert row["resolution_date"] == "" or row["resolution_date"] >= row["request_date"]


def test_only_social_media_has_a_few_orphans(tmp_path: Path) -> None:
    generate(tmp_path, [FIRST], 10_000, 50)
    customers = {customer["customer_id"] for customer in read(tmp_path, ("customers", ""))}
    sources: tuple[Daily, ...] = ("call_logs", "social_media", "web_forms")
    strangers = {
        source: sum(row["customeR iD"] not in customers for row in read(tmp_path, (source, str(FIRST))))
        for source in sources
    }
    assert strangers["call_logs"] == strangers["web_forms"] == 0
    assert 1 <= strangers["social_media"] <= 20


def test_a_second_call_rewrites_nothing(tmp_path: Path) -> None:
    def written() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}

    first = generate(tmp_path, [FIRST], 50, 20)
    before = written()
    assert generate(tmp_path, [FIRST], 50, 20) == first
    assert written() == before


def test_another_scale_replaces_what_was_there(tmp_path: Path) -> None:
    generate(tmp_path, [FIRST, SECOND], 50, 20)
    counts = generate(tmp_path, [FIRST], 60, 20)
    assert counts["rows"]["call_logs"] == {str(FIRST): 60}
    assert not list(tmp_path.rglob("*2025*11*21*"))
