"""docs/privacy.md says what the source contracts, the models and Terraform's defaults say."""

import re

import pytest

from jobs.clients.location import ROOT
from tests.privacy import DOCUMENT, fill_in, make_table
from tests.readers import IDENTIFYING


def test_the_table_is_the_one_that_contracts_and_models_make() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == fill_in(text), "python -m tests.privacy --write"


def test_whatever_identifies_a_person_in_gold_comes_of_a_column_in_the_table() -> None:
    in_gold = set(re.findall(r"`dim_\w+_private\.(\w+)`", make_table()))
    assert in_gold == IDENTIFYING - {"name", "address"}


@pytest.mark.parametrize("variable", ["raw_days", "rejected_days", "log_days"])
def test_how_long_is_what_terraform_keeps_by_default(variable: str) -> None:
    terraform = (ROOT / "terraform/aws/variables.tf").read_text(encoding="utf-8")
    declared = re.search(rf'variable "{variable}" {{.*?default += (\d+)', terraform, re.DOTALL)
    assert declared
    assert re.search(rf"\b{declared[1]} days (?:on AWS )?\(`{variable}`\)", DOCUMENT.read_text(encoding="utf-8"))
