"""Each folder with mocked providers: its own tests, and planted errors."""

import re
from collections.abc import Callable

import pytest

from jobs.location import ROOT
from tests.terraform.command import Folder

Initialise = Callable[..., Folder]
FOLDERS = ("aws", "gcp", "snowflake")
# Folder, file, what stands there, what is planted, how Terraform refuses it.
PLANTED = [
    ("aws", "spark.tf", "release_label = var.release", "release_lable = var.release", "release_lable"),
    ("aws", "lake.tf", 'status = "Enabled"\n  }', 'status = "Sometimes"\n  }', "Sometimes"),
    ("aws", "lake.tf", "bucket_key_enabled = true", 'bucket_key_enabled = "now"', "a bool is required"),
    ("aws", "execution_role.tf", "aws_iam_role.execution.id", "aws_iam_role.exection.id", "undeclared resource"),
    ("aws", "parameters.tf", "value_wo         =", "value            =", "ephemeral"),
    ("aws", "outputs.tf", "value       = aws_iam_role.execution.arn", "value       = var.secrets", "phemeral"),
    ("gcp", "datasets.tf", "max_time_travel_hours      = 168", "max_time_travel_days = 7", "max_time_travel_days"),
    ("gcp", "accounts.tf", "account_id   = ", "acount_id   = ", "acount_id"),
    (
        "gcp",
        "accounts.tf",
        "google_service_account.purpose[each.key].name",
        "google_account.purpose[each.key].name",
        "undecl",
    ),
    (
        "snowflake",
        "database.tf",
        "credit_quota              = var.monthly_credits",
        'credit_quota = "many"',
        "a number is",
    ),
    ("snowflake", "database.tf", "  warehouse_size               = var.warehouse_size\n", "  size = 1\n", '"size"'),
    ("snowflake", "lake.tf", '  storage_provider          = "S3"\n', "", "storage_provider"),
]


@pytest.fixture(scope="module", params=FOLDERS)
def folder(request: pytest.FixtureRequest, initialised: Initialise) -> Folder:
    return initialised(request.param, "-backend=false")


def test_its_own_tests_pass_and_refuse_every_planted_variable(folder: Folder) -> None:
    shown = folder.must("test")
    cases = (folder.path / "tests/variables.tftest.hcl").read_text().count('run "')
    assert f"Success! {cases} passed, 0 failed." in shown


def test_every_validated_variable_has_a_case_that_it_refuses(folder: Folder) -> None:
    validated = re.findall(
        r'variable "(\w+)" {(?:(?!\n}).)*?validation', (folder.path / "variables.tf").read_text(), re.S
    )
    cases = (folder.path / "tests/variables.tftest.hcl").read_text()
    assert validated
    assert [name for name in validated if not re.search(rf"expect_failures = \[.*var\.{name}\b", cases)] == []


def test_planted_errors_are_refused_one_a_case(folder: Folder) -> None:
    """In one test a folder: the provider starts once a case either way."""
    folder.must("validate")
    cases = [case[1:] for case in PLANTED if case[0] == folder.path.name]
    assert cases
    for file, there, planted, refusal in cases:
        path = folder.path / file
        original = path.read_text()
        assert there in original, (file, there)
        path.write_text(original.replace(there, planted, 1))
        done = folder("validate")
        path.write_text(original)
        assert done.returncode != 0, f"{file}: {planted} was not refused"
        assert refusal in done.stderr, done.stderr


def test_it_is_formatted(environment: dict[str, str]) -> None:
    done = Folder(ROOT / "terraform", environment)("fmt", "-check", "-recursive")
    assert (done.returncode, done.stdout) == (0, "")
