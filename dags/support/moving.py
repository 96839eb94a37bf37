"""What an EMR job needs of Airflow's connections lives in the AWS parameter store, which the job itself reads."""

from typing import Any

from airflow.providers.amazon.aws.hooks.ssm import SsmHook
from airflow.sdk.exceptions import AirflowFailException

from dags.support.place import AWS
from jobs.config.environment import load_environment

STORE = "/airflow/connections/{}"
_SCHEME = "connection:"


def refuse_what_a_job_cannot_read(environment: str) -> None:
    """Raises AirflowFailException naming connections that are only in Airflow's own database, and how to move them."""
    references = load_environment(environment).secrets.values()
    needed = sorted({found.removeprefix(_SCHEME) for found in references if found.startswith(_SCHEME)})
    if not needed:
        return
    client: Any = SsmHook(aws_conn_id=AWS).get_conn()
    stored = {STORE.format(name) for name in needed}
    missing = client.get_parameters(Names=sorted(stored))["InvalidParameters"]
    if missing:
        raise AirflowFailException(
            f"{', '.join(missing)}: not in the parameter store, and a job on EMR cannot read Airflow's database. "
            "Move each: aws ssm put-parameter --type SecureString --name /airflow/connections/NAME --value ..., then "
            "airflow connections delete NAME (docs/runbook.md, connections)"
        )
