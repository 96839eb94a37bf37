"""The project's commands as child processes, with what Airflow's connections hold in their environment."""

import os
import subprocess
from pathlib import Path

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.sdk import Connection, Variable
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowNotFoundException

from dags.support.place import AWS, place
from jobs.errors import ConfigurationError, NotArrivedError, ServiceError
from jobs.ledger.outcome import Outcome

ROOT = Path(__file__).resolve().parents[2]
# By the requirement's names; the jobs look for them as Airflow does: in the environment, then in the parameter store.
CONNECTIONS = ("CORE_TELECOMS_POSTGRES_CONN", "GOOGLE_SHEETS_API_CONN")
VARIABLES = ("AGENTS_SPREADSHEET_ID",)
USAGE, CONFIGURATION, TRY_LATER = 64, ConfigurationError.exit_code, NotArrivedError.exit_code
SERVICE_DOWN = ServiceError.exit_code
STATUS_SECONDS = 300


def environment() -> dict[str, str]:
    """Of a child process: ours without Airflow's own settings, and the connections' values."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "_AIRFLOW"))}
    return ours | _connections() | _variables() | _aws()


def _connections() -> dict[str, str]:
    found = {}
    for name in CONNECTIONS:
        try:
            found[f"AIRFLOW_CONN_{name}"] = Connection.get(name).as_json()
        except AirflowNotFoundException:
            continue
    return found


def _variables() -> dict[str, str]:
    found = {name: Variable.get(name, default=None) for name in VARIABLES}
    return {f"AIRFLOW_VAR_{name}": str(value) for name, value in found.items() if value is not None}


def _aws() -> dict[str, str]:
    """Credentials of CDE_CAPSTONE_AWS_CONN; without it the machine's role counts."""
    try:
        hook = AwsBaseHook(aws_conn_id=AWS, client_type="s3")
        Connection.get(AWS)
    except AirflowNotFoundException:
        return {}
    credentials = hook.get_credentials(region_name=hook.region_name)
    named = {
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_SESSION_TOKEN": credentials.token,
        "AWS_REGION": hook.region_name,
        "AWS_ENDPOINT_URL_S3": hook.conn_config.get_service_endpoint_url("s3"),
        "AWS_ENDPOINT_URL_SSM": hook.conn_config.get_service_endpoint_url("ssm"),
    }
    return {name: value for name, value in named.items() if value}


def status(*arguments: str) -> list[Outcome]:
    """What `./spark-submit.sh status` says. Raises AirflowFailException, or AirflowException where a retry may help."""
    command = [str(ROOT / "spark-submit.sh"), "status", *arguments, "--env", place().environment, "--json"]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=STATUS_SECONDS, check=False
    )
    if done.returncode not in (0, TRY_LATER):
        raise error_of(done.returncode, done.stderr)
    return [Outcome.model_validate_json(line) for line in done.stdout.splitlines()]


def error_of(code: int, text: str) -> AirflowException:
    """A command's failure: no retry helps where configuration or usage is wrong."""
    kind = AirflowFailException if code in (USAGE, CONFIGURATION) else AirflowException
    return kind(f"exit {code}: {text.strip() or 'no message'}")
