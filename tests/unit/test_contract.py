import pytest

from jobs.config.environment import load_environment
from jobs.contracts.mapping import map_columns, to_snake_case
from jobs.contracts.source import SourceContract, load_contracts
from jobs.errors import ContractError

CONTRACT = load_contracts(load_environment("local"))["call_logs"]
HEADERS = list(CONTRACT.columns)


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
