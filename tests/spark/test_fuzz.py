"""Deliveries with dirt, as tasks of one stage and on threads: one Bronze."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest

from jobs.engines.in_process import InProcess
from jobs.engines.session import Session
from jobs.engines.spark import OnSpark
from jobs.landing.raw import Engine, Landing
from jobs.landing.split import Split
from jobs.landing.task import REJECTED
from jobs.landing.writer import Stamp
from jobs.ledger.manifest import locate_landing
from tests.conftest import DAY
from tests.fuzz import csv_inputs, json_inputs
from tests.fuzz.landed import COLUMNS, Product, contract_of
from tests.fuzz.outcome import LONGEST, Sizes

# Executors do not know of other sizes: only the driver's are made small.
SIZES = Sizes(split=100, block=8 * 2**20, chunk=8 * 2**20, longest=LONGEST)


def splits_of(kind: str, delivery: Callable[[Random], bytes], inputs: int, folder: Path, **options: Any) -> list[Split]:
    """Of deliveries that land."""
    choose, product = Random(f"{kind} on threads and on Spark"), Product(contract_of(kind, **options), folder)
    found: list[Split] = []
    with SIZES.set(), ExitStack() as stack:
        for number in range(inputs):
            if not product.in_memory(data := delivery(choose)).refused:
                found += stack.enter_context(product.reading(data, f"{number}{'-'.join(options)}.{kind}")).splits
    return found


def written(engine: Engine, splits: list[Split], lake: Path, stamp: Stamp) -> list[list[dict[str, Any]]]:
    """Rows, then rejected records, in their order; without what differs from run to run."""
    results = Landing(lake, "fuzz", COLUMNS, stamp).write(engine, splits, "landed")
    folder = locate_landing(lake, "fuzz", DAY, stamp.run_id)
    assert isinstance(folder, Path)
    landed = [folder / "landed" / one.path for one in results]
    rejected = [folder / REJECTED / one.rejected.path for one in results if one.rejected.rows]
    tables = [[pq.ParquetFile(path).read() for path in paths] for paths in (landed, rejected)]
    return [
        [row for table in files for row in table.drop_columns(["_run_id", "_ingested_at"]).to_pylist()]
        for files in tables
    ]


# A task costs Spark a tenth of a second, whatever it does.
@pytest.mark.parametrize("inputs", [30, pytest.param(150, marks=pytest.mark.slow)])
def test_threads_and_spark_land_the_same_rows_in_the_same_order(inputs: int, tmp_path: Path, session: Session) -> None:
    splits = splits_of("csv", csv_inputs.delivery, inputs, tmp_path)
    dialect = {"delimiter": ";", "encoding": "windows-1252"}
    splits += splits_of("csv", csv_inputs.delivery, inputs // 3, tmp_path, **dialect)
    around = {"comment": "#", "skip_rows": 1, "footer": ["END"], "escape": "\\"}
    splits += splits_of("csv", csv_inputs.framed, inputs // 3, tmp_path, **around)
    splits += splits_of("csv", csv_inputs.delivery, inputs // 6, tmp_path, header=False, quote="")
    splits += splits_of("json", json_inputs.delivery, inputs, tmp_path)
    stamp = Stamp(datetime.now(UTC), "s3", "threads", DAY)
    rows, rejected = written(InProcess(), splits, tmp_path / "lake", stamp)
    on_spark = replace(stamp, at=datetime.now(UTC), run_id="spark")
    assert written(OnSpark(session), splits, tmp_path / "lake", on_spark) == [rows, rejected]
    assert min(len(splits), len(rows), 4 * len(rejected)) > 2 * inputs
