"""Where Spark runs, and with which environment of conf/env: the connection CORE_TELECOMS_SPARK_CONN."""

from dataclasses import dataclass

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

NAME = "CORE_TELECOMS_SPARK_CONN"
AWS = "CDE_CAPSTONE_AWS_CONN"


@dataclass(frozen=True)
class Place:
    """Its `extra`. With an `application_id`: EMR Serverless; else ./spark-submit.sh, to `master`."""

    environment: str = "local"
    master: str = ""
    application_id: str = ""
    execution_role_arn: str = ""
    logs: str = ""  # s3:// where EMR puts the driver's log
    poll: int = 20  # seconds between two looks at a job run
    entry_point: str = "local:///opt/coretelecoms/jobs/main.py"  # in docker/Dockerfile.spark


def place() -> Place:
    """Without the connection: this machine, environment `local`."""
    try:
        return Place(**Connection.get(NAME).extra_dejson)
    except AirflowNotFoundException:
        return Place()
