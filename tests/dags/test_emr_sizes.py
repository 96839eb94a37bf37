"""What a job run on EMR Serverless is given, from the bytes that its days deliver."""

import pytest

from dags.support.spark_connection import IMAGE_PARAMETERS
from jobs.config.emr_sizes import GB, names_sizes, sizes_for, spark_parameters

# https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/app-behavior.html: vCPU -> GB of memory
WORKERS = {2: range(4, 17), 4: range(8, 31)}


@pytest.mark.parametrize(
    ("delivered", "cores", "executors"),
    [
        (0, 2, 1),
        (GB // 2, 2, 1),  # the real telecom's day
        (8 * GB, 2, 1),
        (8 * GB + 1, 4, 1),
        (16 * GB, 4, 1),
        (16 * GB + 1, 4, 2),
        (179 * GB, 4, 12),  # a billion complaints (docs/scale.md)
    ],
)
def test_a_day_gets_a_core_for_each_four_gigabytes(delivered: int, cores: int, executors: int) -> None:
    sizes = sizes_for(delivered)
    assert int(sizes["spark.executor.cores"]) == cores
    assert int(sizes["spark.dynamicAllocation.initialExecutors"]) == executors
    assert sizes["spark.dynamicAllocation.maxExecutors"] == sizes["spark.dynamicAllocation.initialExecutors"]


@pytest.mark.parametrize("delivered", [0, 9 * GB, 250 * GB])
@pytest.mark.parametrize("who", ["driver", "executor"])
def test_every_worker_is_one_that_emr_serverless_has(delivered: int, who: str) -> None:
    sizes = sizes_for(delivered)
    heap, overhead = (int(sizes[f"spark.{who}.{name}"].removesuffix("g")) for name in ("memory", "memoryOverhead"))
    assert heap + overhead in WORKERS[int(sizes[f"spark.{who}.cores"])]


def test_who_names_sizes_is_left_alone_and_the_image_names_none() -> None:
    assert not names_sizes(IMAGE_PARAMETERS)
    for given in (
        "--conf spark.executor.memory=8g",
        "--executor-cores 4",
        "--conf spark.dynamicAllocation.enabled=false",
    ):
        assert names_sizes(f"{IMAGE_PARAMETERS} {given}")
    assert names_sizes(spark_parameters(sizes_for(0)))
