"""The agents' sheet and the outages' API as landings: what was answered is what is in Bronze."""

import json
from collections import deque
from collections.abc import Iterator
from datetime import date

import pytest

from demo import outages
from demo.services import Services, serving
from demo.web import Reply, json_reply
from tests.conftest import AGENTS_FROM_A_FILE, DAY, DAYS, World
from tests.runner import Runner

HEADER = ["iD", "NamE", "experience", "state"]


@pytest.fixture
def cells() -> list[list[str]]:
    return [HEADER, ["1000", "Ada", "Senior", "Ohio"], [], ["007", "Bo", "", "Utah", "", "late"]]


@pytest.fixture
def services(world: World, cells: list[list[str]]) -> Iterator[Services]:
    world.file.write_text(world.file.read_text().replace(AGENTS_FROM_A_FILE, ""))
    with serving(lambda: cells) as found:
        found.write_secrets(world.root / "services")
        yield found


def test_a_sheet_lands_as_it_shows_and_again_only_when_it_changes(
    run: Runner, services: Services, cells: list[list[str]]
) -> None:
    (outcome,) = run(sources=("agents",))
    assert (outcome.state, outcome.rows_delivered, outcome.rows_bronze) == ("loaded", 2, 2), outcome.error
    rows = {(row["agent_id"], row["experience"], row["_rescued"]) for row in run.bronze("agents")}
    assert rows == {("1000", "Senior", '{"column F":""}'), ("007", "", '{"column F":"late"}')}
    assert {row["_source_system"] for row in run.bronze("agents")} == {"google_sheets"}
    assert [o.state for o in run(DAYS[2], sources=("agents",))] == ["unchanged"]
    cells[1][1] = "Ida"
    (corrected,) = [o for o in run(DAYS[2], sources=("agents",)) if o.state != "unchanged"]
    assert (corrected.state, corrected.rows_bronze) == ("loaded", 2)


def test_a_renamed_header_lands_by_the_generic_rule_and_an_unknown_name_is_refused(
    run: Runner, services: Services, cells: list[list[str]]
) -> None:
    cells[0] = ["iD", "NAME", "Experience", "state"]
    (outcome,) = run(sources=("agents",))
    assert outcome.state == "loaded", outcome.error
    assert outcome.drift["renamed_columns"] == ["Experience -> experience", "NAME -> name"]
    cells[0] = ["iD", "Full name", "experience", "state"]
    (refused,) = run(sources=("agents",))
    assert (refused.state, refused.attempt, refused.exit_code) == ("loaded", "refused", 65)
    assert "column 'NamE' (lands as name) is gone; other columns that came: 2" in (refused.error or "")


def test_outages_land_from_all_pages_with_every_value_as_text(run: Runner, services: Services) -> None:
    (outcome,) = run(sources=("service_outages",))
    wanted = outages.outages(DAY)
    assert (outcome.state, outcome.rows_bronze) == ("loaded", len(wanted)), outcome.error
    found = {str(row["outage_id"]): row for row in run.bronze("service_outages")}
    for outage in wanted:
        row = found[outage["outageId"]]
        assert (row["customers_affected"], row["ended_at"]) == (str(outage["customersAffected"]), outage["endedAt"])
    uri = f"rest:outages/v1/outages?day={DAY}"
    assert {(row["_source_system"], row["_source_uri"]) for row in found.values()} == {("rest", uri)}


def test_each_page_is_asked_for_once_to_land_and_once_to_see_that_nothing_changed(
    run: Runner, services: Services
) -> None:
    pages = -(-len(outages.outages(DAY)) // 25)
    run(sources=("service_outages",))
    assert len(services.asked) == pages
    (again,) = run(sources=("service_outages",))
    assert (again.state, len(services.asked)) == ("loaded", 2 * pages)
    assert len([path for path in run.world.raw_files() if path.name == "_manifest.json"]) == 1


def test_a_day_without_outages_is_empty_and_one_without_a_report_has_not_arrived(
    run: Runner, services: Services
) -> None:
    services.faults = {"/v1": deque([json_reply({"data": [], "total": 0, "next": None})])}
    (empty,) = run(sources=("service_outages",))
    assert (empty.state, empty.empty, empty.rows_bronze) == ("loaded", True, 0), empty.error
    (missing,) = run(date(2025, 11, 24), sources=("service_outages",))
    assert (missing.state, missing.exit_code) == ("not_arrived", 75)


def test_odd_items_are_rejected_and_a_field_nobody_knows_is_kept(run: Runner, services: Services) -> None:
    known = [{**outage, "note": "new"} for outage in outages.outages(DAY)] * 3
    answer = json_reply({"data": [*known, "odd"], "total": len(known) + 1, "next": None})
    services.faults = {"/v1": deque([answer])}
    (outcome,) = run(sources=("service_outages",))
    assert (outcome.rows_delivered, outcome.rows_bronze, outcome.rows_rejected) == (len(known) + 1, len(known), 1)
    assert outcome.drift == {"unknown_columns": ["note"]}
    assert {row["_rescued"] for row in run.bronze("service_outages")} == {'{"note":"new"}'}


def test_fields_that_differ_by_case_or_fall_on_one_name_are_kept_apart(run: Runner, services: Services) -> None:
    known = outages.outages(DAY)[0]
    odd = [
        {"outageid": "a", "Note": "1", "_corrupt_record": "b"},
        {"note": "2", "Notes": "3", "notes": "4"},
        {"Ж": "5", "Я": "6"},
    ]
    items = [{**known, "outageId": str(number), **more} for number, more in enumerate(odd)]
    services.faults = {"/v1": deque([json_reply({"data": items, "total": 3, "next": None})])}
    (outcome,) = run(sources=("service_outages",))
    assert (outcome.state, outcome.rows_bronze) == ("loaded", 3), outcome.error
    rows = sorted(run.bronze("service_outages"), key=lambda row: str(row["outage_id"]))
    assert [json.loads(str(row["_rescued"])) for row in rows] == odd


def test_values_of_an_answer_land_as_they_were_written(run: Runner, services: Services) -> None:
    known = ", ".join(
        f'"{name}": "x"' for name in outages.outages(DAY)[0] if name not in ("outageId", "customersAffected")
    )
    items = [
        f'{{"outageId": "{number}", {known}, "customersAffected": {text}}}'
        for number, text in enumerate(["19.90", "1e400", "7" * 5000, "-0", '{"a" : [1.50,\n 2 ] }', '1, "note": 2.0'])
    ]
    items[3] = items[3].replace("{", '{"outageId": "earlier", ', 1)
    answer = f'{{"data": [{", ".join(items)}], "total": {len(items)}, "next": null}}'
    services.faults = {"/v1": deque([Reply(200, answer.encode())])}
    (outcome,) = run(sources=("service_outages",))
    assert (outcome.state, outcome.rows_bronze) == ("loaded", len(items)), outcome.error
    rows = sorted(run.bronze("service_outages"), key=lambda row: str(row["outage_id"]))
    assert [(row["customers_affected"], row["_rescued"]) for row in rows] == [
        ("19.90", None),
        ("1e400", None),
        ("7" * 5000, None),
        ("-0", '{"outageId":"earlier"}'),
        ('{"a":[1.50,2]}', None),
        ("1", '{"note":"2.0"}'),
    ]


def test_a_page_that_cannot_be_parsed_is_kept_raw_and_nothing_lands(run: Runner, services: Services) -> None:
    services.faults = {"/v1": deque([Reply(200, b"<html>maintenance")] * 6)}
    (outcome,) = run(sources=("service_outages",))
    assert (outcome.state, outcome.exit_code) == ("refused", 65)
    (kept,) = (path for path in run.world.raw_files() if path.name != "_refused.json")
    assert (kept.name, kept.read_bytes()) == ("page-1", b"<html>maintenance")
    assert f"kept as {kept}" in (outcome.error or "")
