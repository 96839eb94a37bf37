"""Where Spark runs, and with which environment of conf/env: the connection CORE_TELECOMS_SPARK_CONN."""

from dataclasses import dataclass
from typing import Any

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

SPARK_CONN = "CORE_TELECOMS_SPARK_CONN"
# In docker/Dockerfile.spark. EMR hands an image's own variables neither to driver nor executors.
_PYTHON, _HOME = "/opt/venv/bin/python", "/opt/coretelecoms"
_JARS = ",".join(f"local://{_HOME}/lib/{name}.jar" for name in ("postgresql", "spark-bigquery", "javax.inject"))
_VARIABLES = {"PYSPARK_PYTHON": _PYTHON, "PYSPARK_DRIVER_PYTHON": _PYTHON, "PYTHONPATH": _HOME}
IMAGE_PARAMETERS = " ".join(
    [
        f"--jars {_JARS} --conf spark.executorEnv.PYSPARK_PYTHON={_PYTHON}",
        *(f"--conf spark.emr-serverless.driverEnv.{name}={value}" for name, value in _VARIABLES.items()),
    ]
)


@dataclass(frozen=True)
class SparkConnection:
    """The connection's `extra`. With an `application_id`: EMR Serverless; else ./spark-submit.sh, to `master`."""

    environment: str = "local"
    master: str = ""
    application_id: str = ""
    execution_role_arn: str = ""
    pages: str = ".local/pages"  # a folder of the worker's, or s3://
    logs: str = ""  # s3:// where EMR puts the driver's log
    log_group: str = ""  # of CloudWatch, likewise
    poll: int = 20  # seconds between two looks at a job run
    entry_point: str = f"local://{_HOME}/jobs/__main__.py"
    parameters: str = IMAGE_PARAMETERS  # for EMR's spark-submit: sizes, too

    @property
    def monitoring(self) -> dict[str, Any]:
        """As StartJobRun takes it."""
        found: dict[str, Any] = {}
        if self.logs:
            found["s3MonitoringConfiguration"] = {"logUri": self.logs}
        if self.log_group:
            found["cloudWatchLoggingConfiguration"] = {"enabled": True, "logGroupName": self.log_group}
        return found


def spark_connection() -> SparkConnection:
    """Without the connection: this machine, environment `local`."""
    try:
        return SparkConnection(**Connection.get(SPARK_CONN).extra_dejson)
    except AirflowNotFoundException:
        return SparkConnection()
