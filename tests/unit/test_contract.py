import re

import pytest
from pydantic import ValidationError

from jobs.config.environment import load_environment
from jobs.contracts.deliveries import CsvDelivery, PostgresDelivery
from jobs.contracts.mapping import map_columns, to_snake_case
from jobs.contracts.source import SourceContract, load_contracts
from jobs.errors import ContractError
from tests.conftest import DAY

CONTRACTS = load_contracts(load_environment("local"))
CONTRACT = CONTRACTS["call_logs"]
HEADERS = list(CONTRACT.columns)
FINGERPRINT = "94b79020c3f13e8327a9539352c638d541d6c9cd0a08e77ca5a794fc6a487069"  # pragma: allowlist secret


def test_the_explicit_names_come_first_and_the_order_does_not_matter() -> None:
    mapping = map_columns(CONTRACT, HEADERS[::-1], "file")
    assert mapping.positions["source_row_id"] == len(HEADERS) - 1
    assert mapping.drift == {}


def test_a_header_in_another_spelling_lands_by_the_generic_rule_and_is_reported() -> None:
    mapping = map_columns(CONTRACT, ["Call  ID" if header == "call ID" else header for header in HEADERS], "file")
    assert mapping.positions["call_id"] == 1
    assert mapping.drift == {"renamed_columns": ["Call  ID -> call_id"]}


def test_a_missing_column_is_named_with_the_file_and_what_came_instead_is_counted() -> None:
    delivered = ["agentNumber" if header == "agent ID" else header for header in HEADERS]
    with pytest.raises(ContractError, match=r"f.csv: column 'agent ID' \(lands as agent_id\) is gone; other .*: 1$"):
        map_columns(CONTRACT, delivered, "f.csv")


def test_a_column_may_come_under_its_old_name_and_its_new_one() -> None:
    contract = CONTRACT.model_copy(update={"aliases": {"agent_id": ("agentNumber", "Agent no.")}})
    delivered = ["Agent no." if header == "agent ID" else header for header in HEADERS]
    mapping = map_columns(contract, delivered, "file")
    assert (mapping.positions["agent_id"], mapping.drift) == (HEADERS.index("agent ID"), {})
    with pytest.raises(ContractError, match=r"\['agent ID', 'agentNumber'\] all fall on column 'agent_id'"):
        map_columns(contract, [*HEADERS, "agentNumber"], "file")
    assert contract.fingerprint != CONTRACT.fingerprint


@pytest.mark.parametrize(
    ("aliases", "why"),
    [
        ({"agent": ["x"]}, r"aliases: \['agent'\] are not among the landed columns"),
        ({"agent_id": ["call ID"]}, r"aliases: the headers \['call ID'\] stand more than once"),
        ({"agent_id": ["x"], "call_id": ["x"]}, r"aliases: the headers \['x'\] stand more than once"),
    ],
)
def test_an_alias_is_of_one_column_that_lands(aliases: dict[str, list[str]], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        SourceContract.model_validate(CONTRACT.model_dump() | {"aliases": aliases})


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"escape": "\\", "quote": ""}, "escape: a quote is escaped, but quote is ''"),
        ({"skip_rows": 1, "header": False}, "skip_rows: without a header nothing tells"),
        ({"footer": ["{rows}", "of {rows}"]}, r"footer: {rows} stands in it more than once"),
        ({"footer": ["Σ"], "encoding": "windows-1252"}, "footer: it cannot be written in windows-1252"),
        ({"comment": '"'}, "comment"),
    ],
)
def test_options_of_csv_that_contradict_each_other_are_none(options: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        CsvDelivery.model_validate({"kind": "csv", "paths": ["x"], **options})


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["Queue!", "x" * 64], ["Queue!", "1 columns that are not named"]),
        ([f"q{number}" for number in range(21)], ["21 columns that are not named"]),
    ],
)
def test_names_too_long_or_too_many_for_names_are_counted(more: list[str], told: list[str]) -> None:
    assert map_columns(CONTRACT, [*HEADERS, *more], "file").drift == {"unknown_columns": told}


def test_two_headers_on_one_name_are_an_error_that_names_both() -> None:
    with pytest.raises(ContractError, match=r"\['agent ID', 'Agent-Id'\] all fall on column 'agent_id'"):
        map_columns(CONTRACT, [*HEADERS, "Agent-Id"], "file")


def test_an_unknown_column_is_drift_and_an_optional_one_may_be_absent() -> None:
    optional = SourceContract.model_validate(CONTRACT.model_dump() | {"optional": ["agent_id"]})
    mapping = map_columns(optional, [*(header for header in HEADERS if header != "agent ID"), "Queue!"], "file")
    assert mapping.drift == {"unknown_columns": ["Queue!"], "absent_columns": ["agent_id"]}


@pytest.mark.parametrize(
    ("header", "name"), [("Call  ID", "call_id"), (" x ", "x"), ("a/b-c", "a_b_c"), ("ABC1", "abc1"), ("", "")]
)
def test_snake_case(header: str, name: str) -> None:
    assert to_snake_case(header) == name


def test_a_source_says_what_tells_of_persons_and_what_nobody_asked_for_is_undecided() -> None:
    assert CONTRACTS["agents"].personal_columns == {"name": "identity", "_rescued": "undecided"}
    assert CONTRACTS["service_outages"].personal_columns == {"_rescued": "undecided"}
    assert {"name", "email", "address", "date_of_birth"} <= {*CONTRACTS["customers"].personal_columns}


def test_free_text_alone_needs_no_subject() -> None:
    outages = CONTRACTS["service_outages"].model_dump() | {"personal": {"cause": "free_text"}}
    assert SourceContract.model_validate(outages).subject is None


def test_who_may_see_it_is_no_part_of_the_fingerprint_that_manifests_hold() -> None:
    """The value is that of before a source contract could say so: no landing looks changed by it."""
    customers = CONTRACTS["customers"]
    plain = SourceContract.model_validate(customers.model_dump() | {"subject": None, "personal": {}})
    assert plain != customers
    assert plain.fingerprint == customers.fingerprint == FINGERPRINT
    other = SourceContract.model_validate(customers.model_dump() | {"max_rejected": 0.5})
    assert other.fingerprint != FINGERPRINT


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("day = {date}; drop table x", "one condition on columns"),
        ("tags ? {date}", "one condition on columns"),
        ("day = {date} -- x", "one condition on columns"),
        ("day = {day}", "only {date}"),
        ("true", "has no {date}"),
    ],
)
def test_a_condition_on_a_days_rows_is_one_and_names_the_day(where: str, why: str) -> None:
    contract = {"name": "x", "description": "x", "system": "postgres", "key": ["id"], "columns": {"id": "id"}}
    delivery = {"kind": "postgres", "table": "grows", "secret": "database", "where": where}
    with pytest.raises(ValidationError, match=re.escape(why)):
        SourceContract.model_validate({**contract, "delivery": delivery})


def test_a_day_stands_in_a_condition_as_a_literal() -> None:
    delivery = PostgresDelivery(
        kind="postgres", table="grows", secret="x", where="a = {date} and b = {date:%Y's %j} and c = '{{}}'"
    )
    assert delivery.select(DAY) == "a = '2025-11-21' and b = '2025''s 325' and c = '{}'"


@pytest.mark.parametrize(("table", "said"), [
    ({"channel": "Call", "opened": "call_start_time"}, "a channel with a model of its own"),
    ({"channel": "Ticket", "opened": "gone"}, r"complaint: \['gone'\] are not among the landed columns"),
    ({"channel": "Ticket", "opened": "call_start_time", "statuses": {"o'": "Blocked"}}, "pattern"),
    ({"channel": "Ticket", "opened": "call_start_time", "statuses": {"done": "Done"}}, "Resolved"),
])  # fmt: skip
def test_a_channel_of_complaints_is_made_of_columns_that_land_and_words_of_ours(table: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        SourceContract.model_validate(CONTRACTS["call_logs"].model_dump() | {"complaint": table})


def test_what_is_a_complaint_does_not_decide_how_it_lands() -> None:
    calls = CONTRACTS["call_logs"]
    described = calls.model_dump() | {"complaint": {"channel": "Ticket", "opened": "call_start_time"}}
    assert SourceContract.model_validate(described).fingerprint == calls.fingerprint
