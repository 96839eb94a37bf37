"""What Spark does with tasks that die, or that it starts twice: one landing, whole."""

import gzip
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from errno import ENOSPC
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from demo.complaints import HEADERS
from jobs.engines.session import Session, explain_error
from jobs.engines.spark import OnSpark
from jobs.errors import ContractError, DeliveryChangedError
from jobs.landing.raw import Landing
from jobs.landing.split import Counts
from jobs.landing.task import LandSplit
from jobs.landing.writer import Stamp
from jobs.masking import HIDDEN
from jobs.sources import csv
from tests.conftest import DAY
from tests.landing.test_landing import csv_of
from tests.landing.test_typed import deliver, parquet, workbook
from tests.runner import Runner

STAMP = Stamp(datetime(2025, 11, 22, tzinfo=UTC), "s3", "run", date(2025, 11, 21))


@dataclass(frozen=True)
class Letters:
    """A row a letter; the process of the first attempt dies behind the first row where `grave` is named."""

    text: str
    grave: Path | None = None
    error: Exception | None = None
    uri: str = "letters.csv"
    size: int | None = None

    def start_at(self, at: int) -> "Letters":
        raise NotImplementedError

    def read_batches(self, counts: Counts) -> Iterator[pa.RecordBatch]:
        if self.error:
            raise self.error
        for letter in self.text:
            counts.records += 1
            yield pa.RecordBatch.from_arrays([pa.array([letter]), pa.nulls(1, pa.string())], ["letter", "_rescued"])
            if self.grave and not self.grave.exists():
                self.grave.touch()
                os.kill(os.getpid(), signal.SIGKILL)


def landed(folder: Path) -> list[str]:
    files = sorted(folder.rglob("landed/*.parquet"))
    return [row["letter"] for file in files for row in pq.ParquetFile(file).read().to_pylist()]


def test_a_task_whose_process_is_killed_is_tried_again_and_leaves_its_rows_once(
    session: Session, tmp_path: Path
) -> None:
    splits = [Letters("abc"), Letters("def", grave=tmp_path / "grave"), Letters("ghi")]
    results = Landing(tmp_path, "letters", ["letter"], STAMP).write(OnSpark(session), splits, "landed")
    assert (tmp_path / "grave").exists()
    assert [result.rows for result in results] == [3, 3, 3]
    assert landed(tmp_path) == list("abcdefghi")
    assert len(list(tmp_path.rglob("landed/part-*"))) == len(splits)  # what was half written has another name


def test_two_attempts_of_a_split_at_once_tell_the_same_and_leave_one_file(session: Session, tmp_path: Path) -> None:
    task = LandSplit("letters", ["letter"], STAMP, tmp_path, "landed")
    named = [("part-00000", Letters("abc")), ("part-00001", Letters("def"))]
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: OnSpark(session).run(task, named), range(2))
    assert first == second
    assert landed(tmp_path) == list("abcdef")


@pytest.mark.parametrize("error", [ContractError("no header"), DeliveryChangedError("another ETag")])
def test_what_a_user_is_meant_to_read_is_no_failed_task(error: Exception, session: Session, tmp_path: Path) -> None:
    landing = Landing(tmp_path, "letters", ["letter"], STAMP)
    with pytest.raises(type(error), match=str(error)):
        landing.write(OnSpark(session), [Letters("abc"), Letters("", error=error)], "landed")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            OSError(ENOSPC, "No space left on device"),
            "OSError: No space left on device; the traceback is in the run's log",
        ),
        (ValueError("Xanthippe Quill"), f"ValueError: {HIDDEN}"),
    ],
)
def test_what_nobody_foresaw_is_told_by_its_words_where_they_quote_nothing(
    error: Exception, told: str, session: Session, tmp_path: Path
) -> None:
    """Nor does what Spark itself keeps of a task that failed, in its event log say, hold more."""
    landing = Landing(tmp_path, "letters", ["letter"], STAMP)
    with pytest.raises(Exception, match="Job aborted") as caught:
        landing.write(OnSpark(session), [Letters("", error=error)], "landed")
    assert str(explain_error(caught.value)).startswith(told)
    assert "Xanthippe" not in str(caught.value)


def test_a_gzip_delivery_is_unpacked_where_tasks_see_it(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv, "SPLIT", 4000)
    text = run.world.file.read_text()
    delivery = 'call_logs = { kind = "csv", paths = ["calls_{date}.gz"], compression = "gzip" }'
    run.world.file.write_text(f"{text}{delivery}\n")
    (run.world.root / f"sources/calls_{DAY}.gz").write_bytes(gzip.compress(csv_of(HEADERS["call_logs"], 500)))
    (outcome,) = replace(run, engine="spark")(sources=("call_logs",))
    assert (outcome.state, outcome.rows_bronze) == ("loaded", 500), outcome.error
    assert len({row["call_id"] for row in run.bronze("call_logs")}) == 500


@pytest.mark.parametrize("kind", ["xlsx", "parquet"])
def test_typed_files_land_the_same_on_threads_and_on_spark(run: Runner, kind: str) -> None:
    deliver(run, kind, workbook(30) if kind == "xlsx" else parquet(30))
    found = []
    for engine in ("in-process", "spark"):
        (outcome,) = replace(run, engine=engine)(sources=("agents",), replay=True)
        assert (outcome.state, outcome.rows_bronze) == ("loaded", 30), outcome.error
        rows = run.bronze("agents")
        found.append([{name: row[name] for name in row if name not in ("_run_id", "_ingested_at")} for row in rows])
    assert found[0] == found[1]
