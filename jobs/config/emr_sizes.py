"""What a job run on EMR Serverless is given, from the bytes that its days deliver.

Rows flow through: nothing is sorted, joined or cached, so memory goes with cores and not with bytes (docs/scale.md).
"""

import re

GB = 2**30
BYTES_A_CORE = 4 * GB  # about six minutes of landing (docs/scale.md), behind a minute of starting
DRIVER_CORES, GB_A_CORE = 2, 2  # of memory: every worker's, heap and overhead
# It counts, checks and commits; Spark's tasks are not its own. Python's share is outside the heap.
_DRIVER = {"spark.driver.cores": f"{DRIVER_CORES}", "spark.driver.memory": "2g", "spark.driver.memoryOverhead": "2g"}
_SIZES = re.compile(
    r"spark\.((executor|driver)\.(cores|memory|instances)|dynamicAllocation)"
    r"|--(executor|driver)-(cores|memory)|--num-executors"
)


def sizes_for(delivered: int) -> dict[str, str]:
    """Spark's sizes for `delivered` bytes: a core for each 4 GB begun, in executors of 4 cores; at least one of 2.

    2 GB a core, of which 1.5 are heap, is the least that EMR Serverless has for a worker of 2 or 4 cores.
    """
    executors, cores = count_workers(delivered)
    return {
        **_DRIVER,
        "spark.executor.cores": str(cores),
        "spark.executor.memory": f"{3 * cores // 2}g",
        "spark.executor.memoryOverhead": f"{cores // 2}g",
        "spark.dynamicAllocation.initialExecutors": str(executors),
        "spark.dynamicAllocation.maxExecutors": str(executors),
    }


def count_workers(delivered: int) -> tuple[int, int]:
    """How many executors, and the cores of each."""
    wanted = -(-delivered // BYTES_A_CORE)
    cores = 2 if wanted <= 2 else 4
    return max(1, -(-wanted // cores)), cores


def spark_parameters(sizes: dict[str, str]) -> str:
    """For EMR's spark-submit."""
    return " ".join(f"--conf {name}={value}" for name, value in sizes.items())


def names_sizes(parameters: str) -> bool:
    """Whether parameters for spark-submit say cores, memory or executors."""
    return bool(_SIZES.search(parameters))
