"""Each folder with mocked providers: its own tests, and planted errors."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.clients.location import ROOT
from jobs.config.environment import Environment, load_environment
from jobs.config.warehouses import BigQueryWarehouse, SnowflakeWarehouse
from tests.terraform.command import Folder

Initialise = Callable[..., Folder]
FOLDERS = ("bootstrap", "aws", "gcp", "snowflake")
# Folder, file, what stands there, what is planted, how Terraform refuses it.
PLANTED = [
    ("bootstrap", "main.tf", "  bucket = var.state_bucket\n", "  bucket = var.bucket\n", "undeclared input variable"),
    ("bootstrap", "main.tf", "block_public_policy     = true", "block_public_policies = true", "block_public_policies"),
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
        "google_service_account.purpose[each.value.account].name",
        "google_account.purpose[each.value.account].name",
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
    configuration = "\n".join(path.read_text() for path in sorted(folder.path.glob("*.tf")))
    validated = re.findall(r'variable "(\w+)" {(?:(?!\n}).)*?validation', configuration, re.S)
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


# Of each folder the case that is applied, so that its outputs are known.
APPLIED = {
    "aws": "airflow_is_told_all_that_a_job_needs",
    "gcp": "datasets_lie_in_the_eu_under_their_names",
    "snowflake": "an_idle_warehouse_stops_and_the_month_has_an_end",
}


def output_of(folder: Folder, case: str) -> dict[str, Any]:
    """What the case's `environment` says, by Terraform's own evaluation of outputs.tf; the other cases are left out."""
    cases = folder.path / "tests/variables.tftest.hcl"
    others = rf'^run "(?!{case}").*?^}}\n'
    cases.write_text(re.sub(others, "", cases.read_text(), flags=re.MULTILINE | re.DOTALL))
    lines = [json.loads(line) for line in folder.must("test", "-json", "-verbose").splitlines()]
    (state,) = [line["test_state"] for line in lines if line.get("@testrun") == case and "test_state" in line]
    found: dict[str, Any] = state["outputs"]["environment"]["value"]
    return found


@pytest.fixture(scope="module")
def outputs(initialised: Initialise, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders aws, gcp and snowflake whose state says what theirs would say: no stand-in can be applied to."""
    root = tmp_path_factory.mktemp("outputs")
    for name, case in APPLIED.items():
        (root / name).mkdir()
        said = output_of(initialised(name, "-backend=false"), case)
        (root / name / "said.json").write_text(json.dumps(said))
        (root / name / "main.tf").write_text('output "environment" { value = jsondecode(file("said.json")) }\n')
        Folder(root / name, environment).must("apply", "-auto-approve")
    return root


def entered(name: str, outputs: Path, environment: dict[str, str], into: Path) -> tuple[dict[str, Any], Environment]:
    """conf/env/NAME.toml after `make env-from-terraform`, as it stands there and as the jobs read it."""
    shutil.copytree(ROOT / "conf/env", into)
    command = [
        "make",
        "--no-print-directory",
        "env-from-terraform",
        f"ENV={name}",
        f"TERRAFORM={outputs}",
        f"INTO={into}",
    ]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    file = into / f"{name}.toml"
    assert done.stdout.strip() == str(file)
    return tomllib.loads(file.read_text()), load_environment(str(file))


def shipped(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / f"conf/env/{name}.toml").read_text())


def test_the_shipped_environment_of_bigquery_names_what_terraform_makes(
    outputs: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    after, read = entered("bigquery", outputs, environment, tmp_path / "env")
    added = {name: after["s3"].pop(name) for name in ("kms_key", "owners")}
    assert added["owners"] == {"core-telecoms-capstone-data-lake": "123456789012"}
    assert after == shipped("bigquery")
    assert isinstance(read.warehouse, BigQueryWarehouse)
    assert (read.warehouse.project, read.warehouse.location) == ("core-telecoms", "EU")
    assert read.s3.kms_key == added["kms_key"]


def test_the_shipped_environment_of_snowflake_names_what_terraform_makes(
    outputs: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    after, read = entered("snowflake", outputs, environment, tmp_path / "env")
    for name in ("kms_key", "owners"):
        after["s3"].pop(name)
    assert after == shipped("snowflake")
    assert isinstance(read.warehouse, SnowflakeWarehouse)
    assert (read.warehouse.stage, read.warehouse.silver) == ("coretelecoms_bronze.lake", "coretelecoms_silver")


def test_where_nothing_was_applied_the_environment_stays_and_terraform_says_why(
    environment: dict[str, str], tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "conf/env", tmp_path / "env")
    (tmp_path / "aws").mkdir()
    command = ["make", "env-from-terraform", "ENV=s3", f"TERRAFORM={tmp_path}", f"INTO={tmp_path}/env"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"{tmp_path}/aws: " in done.stderr
    assert (tmp_path / "env/s3.toml").read_text() == (ROOT / "conf/env/s3.toml").read_text()
