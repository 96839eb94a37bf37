"""`python -m jobs dbt`: another command with what dbt needs in its environment; by itself it shows nothing."""

import os
import shutil
import subprocess
import sys

from jobs.config.environment import ROOT
from tests.conftest import World


def jobs_dbt(world: World, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    given = [sys.executable, "-m", "jobs", "dbt", "--env", str(world.file), *command]
    environment = os.environ | variables
    return subprocess.run(given, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_without_a_command_nothing_is_shown(world: World) -> None:
    done = jobs_dbt(world)
    assert (done.returncode, done.stdout) == (64, "")
    assert "required: COMMAND" in done.stderr


def test_the_command_gets_the_variables_its_own_options_and_gives_its_exit_code(world: World) -> None:
    contracts = shutil.copytree(ROOT / "conf/sources", world.root / "contracts")
    world.file.write_text(f'contracts = "{contracts}"\n{world.file.read_text()}')
    shown = 'echo "$KEPT $CORETELECOMS_TARGET $CORETELECOMS_BRONZE $CORETELECOMS_CONTRACTS $*"; exit 65'
    done = jobs_dbt(world, "--", "sh", "-c", shown, "sh", "--env", "x", "--", "y", KEPT="kept")
    assert (done.returncode, done.stderr) == (65, "")
    assert done.stdout == f"kept local {world.bronze} {contracts} --env x -- y\n"
