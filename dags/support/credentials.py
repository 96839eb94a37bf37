"""What Airflow's connections hold, for child processes; and a check that a job on EMR, which reads none, has it too."""

import os
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.amazon.aws.hooks.ssm import SsmHook
from airflow.sdk import Connection, Variable
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from jobs.config.environment import load_environment

AWS_CONN = "CDE_CAPSTONE_AWS_CONN"
# By the requirement's names; the jobs look for them as Airflow does: in the environment, then in the parameter store.
CONNECTIONS = ("CORE_TELECOMS_POSTGRES_CONN", "GOOGLE_SHEETS_API_CONN")
VARIABLES = ("AGENTS_SPREADSHEET_ID",)
_REFERENCE = "connection:"
_PARAMETER = "/airflow/connections/{}"


def child_environment() -> dict[str, str]:
    """Variables of a child process: ours without Airflow's own settings, and the connections' values."""
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
        hook = AwsBaseHook(aws_conn_id=AWS_CONN, client_type="s3")
        Connection.get(AWS_CONN)
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


def require_in_parameter_store(environment: str) -> None:
    """Raises AirflowFailException naming connections that are only in Airflow's own database, and how to move them."""
    references = load_environment(environment).secrets.values()
    needed = sorted({name.removeprefix(_REFERENCE) for name in references if name.startswith(_REFERENCE)})
    if not needed:
        return
    client: Any = SsmHook(aws_conn_id=AWS_CONN).get_conn()
    missing = client.get_parameters(Names=[_PARAMETER.format(name) for name in needed])["InvalidParameters"]
    if missing:
        raise AirflowFailException(
            f"{', '.join(missing)}: not in the parameter store, and a job on EMR cannot read Airflow's database. "
            "Move each: aws ssm put-parameter --type SecureString --name /airflow/connections/NAME --value ..., then "
            "airflow connections delete NAME (docs/runbook.md, connections)"
        )
