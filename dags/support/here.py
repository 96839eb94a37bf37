"""The backend `here`: the project's commands as child processes of the worker."""

import subprocess
from pathlib import Path

from airflow.providers.standard.hooks.subprocess import SubprocessHook, SubprocessResult
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from dags.support.credentials import child_environment
from dags.support.spark_connection import spark_connection
from jobs.errors import BalanceError, ConfigurationError, NotArrivedError, ServiceError
from jobs.ledger.outcome import Outcome

ROOT = Path(__file__).resolve().parents[2]
USAGE, CONFIGURATION, TRY_LATER = 64, ConfigurationError.exit_code, NotArrivedError.exit_code
OFF_BALANCE = BalanceError.exit_code  # told by `status` beside its answer
SERVICE_DOWN = ServiceError.exit_code
STATUS_SECONDS = 300


def run_command(child: SubprocessHook, script: str, *arguments: str) -> SubprocessResult:
    """A script of the project's folder; its lines are the task's log. `child` can be told to end."""
    return child.run_command([str(ROOT / script), *arguments], env=child_environment(), cwd=str(ROOT))


def status(*arguments: str) -> list[Outcome]:
    """What `./spark-submit.sh status` says. Raises AirflowFailException, or AirflowException where a retry may help."""
    done = answer("status", *arguments, "--json")
    # Codes beside an answer: of what is off balance, missing, or could not be looked at.
    if done.returncode not in (0, TRY_LATER, OFF_BALANCE) and not done.stdout.strip():
        raise command_error(done.returncode, done.stderr)
    return [Outcome.model_validate_json(line) for line in done.stdout.splitlines()]


def answer(*words: str) -> subprocess.CompletedProcess[str]:
    """What a command of ./spark-submit.sh says, and how it ended."""
    command = [str(ROOT / "spark-submit.sh"), *words, "--env", spark_connection().environment]
    return subprocess.run(
        command, env=child_environment(), capture_output=True, text=True, timeout=STATUS_SECONDS, check=False
    )


def command_error(exit_code: int, stderr: str) -> AirflowException:
    """No retry helps where configuration or usage is wrong."""
    kind = AirflowFailException if exit_code in (USAGE, CONFIGURATION) else AirflowException
    return kind(f"exit {exit_code}: {stderr.strip() or 'no message'}")
