"""Compares what `make test-bigquery` and `make test-snowflake` exported; builds nothing."""

import pytest

from tests.parity.days import CORRECTED, FOUR_DAYS
from tests.parity.export import EXPORTS, Tables, differences, saved


def exported(warehouse: str, when: str) -> Tables:
    try:
        return saved(warehouse, when)
    except FileNotFoundError:
        raise AssertionError(
            f"{EXPORTS} has no {when} of {warehouse}: `make test-bigquery test-snowflake` come first"
        ) from None


@pytest.mark.parametrize("when", [FOUR_DAYS, CORRECTED])
@pytest.mark.parametrize("warehouse", ["bigquery", "snowflake"])
def test_silver_and_gold_are_those_of_one_machine(warehouse: str, when: str) -> None:
    expected = exported("local", when)
    assert len(expected["coretelecoms_gold.fact_complaints"]) > 1000
    assert differences(exported(warehouse, when), expected) == []


def test_a_planted_difference_is_found_and_named() -> None:
    expected = exported("local", FOUR_DAYS)
    name, planted = "coretelecoms_gold.agg_complaints_daily", dict(expected)
    first, *rest = expected[name]
    planted[name] = [tuple((c, "-1" if c == "complaints" else value) for c, value in first), *rest]
    (line,) = differences(planted, expected)
    assert line.startswith(f"{name}, ")
    assert f"date_key {dict(first).get('date_key')}" in line or "_date " in line
    assert "complaints: '-1', expected '" in line
    planted[name] = rest
    (line,) = differences(planted, expected)
    assert line.startswith(f"{name}: missing ")
