"""`dbt`: dbt/build.py in its own environment, or another command with what dbt needs as variables; it shows none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from jobs.config.environment import ROOT
from tests.conftest import World


def jobs_dbt(world: World, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    given = [sys.executable, "-m", "jobs", "dbt", "--env", str(world.file), *command]
    environment = os.environ | variables
    return subprocess.run(given, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def recorder(folder: Path) -> str:
    """A Python for dbt that says what it was started with."""
    program = folder / "python"
    program.write_text('#!/bin/sh\necho "$CORETELECOMS_TARGET $CORETELECOMS_BRONZE ${PYTHONPATH-none} $*"; exit 65\n')
    program.chmod(0o755)
    return str(program)


def test_without_a_command_nothing_is_shown(world: World) -> None:
    done = jobs_dbt(world, "--")
    assert (done.returncode, done.stdout) == (64, "")
    assert "which COMMAND" in done.stderr


def test_the_script_hands_its_words_in_order_to_the_build_of_that_environment(world: World) -> None:
    command = [ROOT / "dbt.sh", "build", "--from", "2025-11-20", "--env", world.file, "--to", "2025-11-21", "--full"]
    variables = {"CORETELECOMS_DBT_PYTHON": recorder(world.root), "PYTHONPATH": f"/elsewhere:{ROOT}"}
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    words = "build --from 2025-11-20 --to 2025-11-21 --full"
    assert (done.returncode, done.stderr) == (65, "")
    assert done.stdout == f"local {world.bronze} /elsewhere {ROOT}/dbt/build.py {words}\n"


def test_without_an_environment_the_variables_count(world: World) -> None:
    variables = {"CORETELECOMS_DBT_PYTHON": recorder(world.root), "CORETELECOMS_BRONZE": "s3://lake/bronze"}
    kept = {name: value for name, value in os.environ.items() if name not in ("CORETELECOMS_TARGET", "PYTHONPATH")}
    command = [ROOT / "dbt.sh", "query", "-1", "-h"]
    done = subprocess.run(command, env=kept | variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (65, "")
    assert done.stdout == f" s3://lake/bronze none {ROOT}/dbt/build.py query -1 -h\n"


def test_a_target_that_there_is_not_is_said_with_those_that_there_are() -> None:
    kept = {name: value for name, value in os.environ.items() if name != "CORETELECOMS_DBT_PYTHON"}
    variables = kept | {"CORETELECOMS_TARGET": "redshift"}
    done = subprocess.run([ROOT / "dbt.sh", "docs"], env=variables, capture_output=True, text=True, check=False)
    message = "error: CORETELECOMS_TARGET: found 'redshift', allowed are local, bigquery, snowflake\n"
    assert (done.returncode, done.stdout, done.stderr) == (78, "", message)


def test_without_an_environment_nothing_heavy_is_imported() -> None:
    """`./dbt.sh headline` answers as fast as dbt's own Python does."""
    shown = "import sys; from jobs.commands import dbt; print(*{'pydantic', 'pyarrow', 'pyspark'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", shown], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_command_gets_the_variables_its_own_options_and_gives_its_exit_code(world: World) -> None:
    contracts = shutil.copytree(ROOT / "conf/sources", world.root / "contracts")
    world.file.write_text(f'contracts = "{contracts}"\n{world.file.read_text()}')
    shown = 'echo "$KEPT $CORETELECOMS_TARGET $CORETELECOMS_BRONZE $CORETELECOMS_CONTRACTS $*"; exit 65'
    done = jobs_dbt(world, "--", "sh", "-c", shown, "sh", "--env", "x", "--", "y", KEPT="kept")
    assert (done.returncode, done.stderr) == (65, "")
    assert done.stdout == f"kept local {world.bronze} {contracts} --env x -- y\n"


def test_a_build_reads_bronze_in_clear_from_this_machine_only() -> None:
    ask = "import warehouse as w\ntry: print(w.bronze())\nexcept w.BuildError as error: print(error.code, error)"
    for address, said in {
        "http://127.0.0.1:9": "s3://",
        "https://s3.example": "s3://",
        "": "s3://",
        "http://Canary.example": "78 the variable AWS_ENDPOINT_URL_S3",
        "http://127.0.0.1.Canary": "78 the variable AWS_ENDPOINT_URL_S3",
    }.items():
        variables = {"CORETELECOMS_BRONZE": "s3://b/bronze", "AWS_ENDPOINT_URL_S3": address, "PYTHONPATH": "dbt"}
        command = [sys.executable, "-c", ask]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=True)
        assert done.stdout.startswith(said)
        assert "Canary" not in done.stdout
