"""Which engine a run uses: Spark where there is a cluster or much to read, else threads of this process."""

import os

from jobs.engines.in_process import InProcess
from jobs.engines.session import Session
from jobs.engines.spark import OnSpark


def choose_engine(
    requested: str, bytes_to_read: int, spark_above_gb: float, session: Session
) -> tuple[InProcess | OnSpark, str]:
    """The engine, and why it is this one. `requested`: of `ENGINES`."""
    if requested == OnSpark.name:
        return OnSpark(session), "asked for"
    if requested == InProcess.name:
        return InProcess(), "asked for"
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        return OnSpark(session), "spark-submit started this run"
    why = f"{bytes_to_read / 2**20:,.1f} MB to read, Spark above {spark_above_gb:g} GiB (engine.spark_above_gb)"
    return (OnSpark(session) if bytes_to_read > spark_above_gb * 2**30 else InProcess()), why
