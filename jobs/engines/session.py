"""The one Spark session of a run, started, and pyspark imported, when the first landing needs it."""

import os
import shlex
import threading
from typing import TYPE_CHECKING, Any

from jobs.config.environment import Environment
from jobs.config.warehouses import BigQueryWarehouse
from jobs.engines.jvm import find_jvm
from jobs.errors import ConfigurationError, DeliveryChangedError, PlatformError, ServiceError
from jobs.masking import describe, find_java, find_java_causes

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# What the code relies on, whatever the cluster's defaults; sizes and masters belong to the environment.
_CONFIGURATION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",  # no plan here shuffles
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.ansi.enabled": "false",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
LARGE = 80 * 2**20  # bytes to be read from which C2 is worth its cost (docs/decisions/0008)


def list_jars(environment: Environment) -> tuple[str, ...]:
    """Lists of the jars that this environment needs besides Spark's own."""
    return ("conf/spark/bigquery.sha256",) if isinstance(environment.warehouse, BigQueryWarehouse) else ()


def make_configuration(environment: Environment) -> dict[str, str]:
    """What a run in this environment starts Spark with, beyond what the code relies on everywhere."""
    return {**(_configure_s3a(environment) if environment.uses_s3 else {}), **environment.spark}


def _configure_s3a(environment: Environment) -> dict[str, str]:
    """For the BigQuery connector, which reads the landed files by Hadoop's client; a landing itself needs none."""
    service = environment.s3
    # Spark hands the variables' endpoint to S3A by itself, but neither region nor path style.
    endpoint = service.endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    path_style = bool(endpoint) if service.path_style is None else service.path_style
    settings = {
        "endpoint": endpoint,
        "endpoint.region": service.region,
        "path.style.access": str(path_style).lower(),
        "connection.ssl.enabled": str(not (endpoint or "").startswith("http://")).lower(),
        "server-side-encryption-algorithm": "SSE-KMS" if service.kms_key else None,
        "server-side-encryption.key": service.kms_key,
    }
    return {f"spark.hadoop.fs.s3a.{name}": value for name, value in settings.items() if value}


class Session:
    """Starts Spark on first use, so that a run with nothing to land never pays for it."""

    def __init__(self, name: str, extra: dict[str, str], jars: tuple[str, ...] = ()) -> None:
        """`jars`: lists in conf/spark of those needed besides Spark's own."""
        self._jars = jars
        self._configuration: dict[str, bool | float | int | str | None] = {
            "spark.app.name": name,
            **_CONFIGURATION,
            **extra,
        }
        self._lock = threading.Lock()
        self._started: SparkSession | None = None
        self.bytes_to_read = 0

    def __call__(self) -> "SparkSession":
        from pyspark.sql import SparkSession

        with self._lock:
            if self._started is None:
                self._prepare()
                self._started = SparkSession.builder.config(map=self._configuration).getOrCreate()
                self._started.sparkContext.setLogLevel(os.environ.get("SPARK_LOG_LEVEL", "error").upper())
        return self._started

    def _prepare(self) -> None:
        """What a JVM needs that no spark-submit has started: variables, jars, and the JIT by how much is to be read."""
        if "PYSPARK_GATEWAY_PORT" in os.environ:
            return
        jvm = find_jvm(self._jars)
        os.environ.update(jvm.variables)
        os.environ["PYSPARK_SUBMIT_ARGS"] = shlex.join([*jvm.options(), "pyspark-shell"])
        if jvm.large_flags and self.bytes_to_read > LARGE:
            os.environ["SPARK_SUBMIT_OPTS"] += f" {jvm.large_flags}"

    def describe(self, work: str) -> "SparkSession":
        """The session, with what this thread starts from now on named `work` in Spark's UI and event log."""
        spark = self()
        spark.sparkContext.setJobDescription(work)
        return spark

    def stop(self) -> None:
        """Ends Spark; a JVM that Python started is waited for: it ends when nobody speaks to it any more."""
        if self._started is None:
            return
        gateway: Any = self._started.sparkContext._gateway
        self._started.stop()
        if process := getattr(gateway, "proc", None):
            from pyspark import SparkContext

            gateway.shutdown()
            process.stdin.close()
            process.wait()
            SparkContext._gateway = SparkContext._jvm = None  # a later session starts a JVM of its own


def explain_error(error: Exception) -> PlatformError:
    """Any error as one a user can read: Spark's by its root cause, without the stack; nothing that may quote a row."""
    if isinstance(error, PlatformError):
        return error
    cause, java = describe(error), find_java(error)
    # By its name: what is not loaded has raised nothing, and may not be loadable any more.
    if java is None and type(error).__module__ == "py4j.protocol":
        cause = f"Spark's driver is gone: {cause}"
    kind = _choose_kind(": ".join(find_java_causes(java)) if java is not None else cause)
    if kind is DeliveryChangedError:
        return kind(f"{cause}; a delivery changed while it was read; run again")
    return kind(f"{cause}; the traceback is in the run's log" if kind is PlatformError else cause)


def _choose_kind(cause: str) -> type[PlatformError]:
    """`cause`: as it is, not to be shown."""
    if "RemoteFileChangedException" in cause or ("FileNotFoundException" in cause and "s3a://" in cause):
        return DeliveryChangedError
    if "AccessDenied" in cause or "Status Code: 403" in cause:
        return ConfigurationError
    if any(
        name in cause for name in ("com.amazonaws", "org.apache.http", "org.postgresql", "PSQLException", "java.net.")
    ):
        return ServiceError
    return PlatformError
