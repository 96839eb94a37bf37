"""Silver and Gold in the stand-in, row by row those of one machine."""

import os
import subprocess
from pathlib import Path

from jobs.settings import ROOT
from tests.conftest import DAYS
from tests.parity.export import Tables, from_snowflake
from tests.snowflake.conftest import Platform

RANGE = ("--from", str(DAYS[0]), "--to", str(DAYS[-1]))


def build(*arguments: str, **variables: str) -> None:
    command = [str(ROOT / "dbt.sh"), "build", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | variables, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def in_snowflake(platform: Platform, folder: Path) -> Tables:
    build(*RANGE, "--env", str(platform.cloud.file), DBT_TARGET_PATH=str(folder / "dbt"))
    return from_snowflake(platform.snowflake.by_name)


def test_silver_and_gold_are_those_of_one_machine(four_days: Platform, tmp_path: Path) -> None:
    found = in_snowflake(four_days, tmp_path)
    assert found
