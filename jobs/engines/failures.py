"""Which task of a failed read failed first: Spark's own error tells of the last try only, often a mere consequence."""

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from jobs.masking import tell

_TASKS = 1000  # of a stage that are looked at
_PATIENCE = 5000  # milliseconds for what is on its way to Spark's memory of them


def find_task_failure(spark: SparkSession, work: str) -> str:
    """One line: the earliest failed task of the latest failed stage that is described as `work`; "": none is known.

    Not by a listener: calling back from the JVM would need a second gateway in every run.
    """
    try:
        java, store = spark._jvm.java, spark.sparkContext._jsc.sc().statusStore()  # type: ignore[union-attr]
        failures: list[tuple[int, int, str]] = []
        spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty(_PATIENCE)
        none = java.util.ArrayList()
        quantiles = spark.sparkContext._gateway.new_array(spark._jvm.double, 0)  # type: ignore[union-attr]
        stages = store.stageList(none, False, False, quantiles, none)
        for stage in (stages.apply(index) for index in range(stages.size())):
            is_ours = stage.description().isDefined() and stage.description().get() == work
            if not is_ours or not stage.numFailedTasks():
                continue
            tasks = store.taskList(stage.stageId(), stage.attemptId(), _TASKS)
            for task in (tasks.apply(index) for index in range(tasks.size())):
                if task.errorMessage().isDefined():
                    reason = tell(_find_cause(task.errorMessage().get()))
                    failures.append((-stage.stageId(), task.launchTime().getTime(), reason))
        return min(failures, default=(0, 0, ""))[2]
    except (Py4JError, AttributeError, TypeError):  # Spark's inner parts, or its driver is gone: the error stands alone
        return ""


def _find_cause(message: str) -> str:
    """The line of a task's error that says why; Spark's own wrapping says only where."""
    first, *following = message.split("\n")
    causes = [line.removeprefix("Caused by: ") for line in following if line.startswith("Caused by: ")]
    return causes[0] if causes and first.startswith("org.apache.spark.") else first
