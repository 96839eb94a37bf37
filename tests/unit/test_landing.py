import pickle
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.engines.in_process import InProcess
from jobs.errors import BalanceError, ContractError
from jobs.landing import writer
from jobs.landing.raw import Landing
from jobs.landing.split import Counts
from jobs.landing.task import LandSplit
from jobs.landing.writer import Stamp
from jobs.metadata import METADATA_COLUMNS

DAY = date(2025, 11, 21)
STAMP = Stamp(datetime(2025, 11, 22, 3, 4, 5, 678, tzinfo=UTC), "s3", "run", DAY)


@dataclass(frozen=True)
class Numbers:
    """`count` numbers as text from `start` on, every `odd`th of them rejected; each is a byte and a line."""

    start: int
    count: int
    odd: int = 0
    lost: int = 0
    size: int | None = None
    uri: str = "numbers.csv"
    refusal: str = ""
    guess: int | None = None

    def start_at(self, at: int) -> "Numbers":
        return replace(self, start=at, guess=None)

    def read_batches(self, counts: Counts) -> Iterator[pa.RecordBatch]:
        if self.refusal:
            raise ContractError(self.refusal)
        counts.first_byte = self.start if self.guess is None else self.guess
        counts.end_byte = self.start + self.count
        counts.columns["n"] = None
        for number in range(self.start, self.start + self.count):
            counts.records += 1
            counts.lines += 1
            if self.odd and number % self.odd == 0:
                counts.reject("odd", counts.lines, b"\xff%d" % number)
            elif number - self.start >= self.lost:
                yield pa.RecordBatch.from_arrays([pa.array([str(number)]), pa.nulls(1, pa.string())], ["n", "_rescued"])


def landing(folder: Path) -> Landing:
    return Landing(folder, "numbers", ["n"], STAMP)


def rows(folder: Path, zone: str) -> list[dict[str, object]]:
    return [
        row for file in sorted(folder.rglob(f"{zone}/*.parquet")) for row in pq.ParquetFile(file).read().to_pylist()
    ]


def test_each_split_writes_its_rows_and_its_rejected_records(tmp_path: Path) -> None:
    results = landing(tmp_path).write(InProcess(2), [Numbers(1, 5, odd=2), Numbers(6, 3)], "landed")
    assert [(one.path, one.rows, one.records, one.rejected.rows) for one in results] == [
        ("part-00000.zstd.parquet", 3, 5, 2),
        ("part-00001.zstd.parquet", 3, 3, 0),
    ]
    landed = rows(tmp_path, "landed")
    assert [row["n"] for row in landed] == ["1", "3", "5", "6", "7", "8"]
    assert list(landed[0]) == ["n", *METADATA_COLUMNS]
    assert landed[0]["_ingested_at"] == STAMP.at
    assert [(row["_reason"], row["_position"], row["_raw"]) for row in rows(tmp_path, "rejected")] == [
        ("odd", 2, r"\xff2"),
        ("odd", 4, r"\xff4"),
    ]
    assert results[0].rejected.first == "odd, numbers.csv line or entry 2"


def test_a_split_that_loses_a_row_fails_by_itself_so_that_errors_cannot_cancel(tmp_path: Path) -> None:
    with pytest.raises(BalanceError, match="5 records delivered, 4 landed, 0 rejected"):
        landing(tmp_path).write(InProcess(), [Numbers(0, 5), Numbers(5, 5, lost=1)], "landed")


def test_a_broken_contract_is_handed_back_by_a_task_and_raised_by_the_driver(tmp_path: Path) -> None:
    split = Numbers(0, 1, refusal="no header")
    task = LandSplit("numbers", ["n"], STAMP, tmp_path, "landed")
    error = task(("part-0", split)).error
    assert (type(error), str(error)) == (ContractError, "no header")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    with pytest.raises(ContractError, match="no header"):
        landing(tmp_path).write(InProcess(), [split], "landed")


def test_an_attempt_that_meets_the_file_of_an_earlier_one_tells_what_stands_there(tmp_path: Path) -> None:
    task = pickle.loads(pickle.dumps(LandSplit("numbers", ["n"], STAMP, tmp_path, "landed")))  # as Spark sends it
    first = task(("part-0", Numbers(0, 6, odd=3)))
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert task(("part-0", Numbers(0, 6, odd=3))) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == files


def test_splits_that_do_not_meet_are_read_again_from_where_the_one_before_ended(tmp_path: Path) -> None:
    splits = [Numbers(0, 4, size=8), Numbers(5, 3, size=8, guess=6)]
    with pytest.raises(BalanceError, match="8 bytes, read up to byte 7"):
        landing(tmp_path / "short").write(InProcess(), splits, "landed")
    splits[1] = replace(splits[1], count=4)
    results = landing(tmp_path / "whole").write(InProcess(), splits, "landed")
    assert [(one.path, one.first_byte, one.end_byte) for one in results][1] == ("part-00001-again.zstd.parquet", 4, 8)
    assert [row["n"] for row in rows(tmp_path / "whole", "landed")] == [str(number) for number in range(8)]


def test_positions_of_rejected_records_hold_for_the_file_not_for_the_split(tmp_path: Path) -> None:
    splits = [Numbers(start, 4, odd=2, size=12) for start in (0, 4, 8)]
    results = landing(tmp_path).write(InProcess(), splits, "landed")
    assert [row["_position"] for row in rows(tmp_path, "rejected")] == [1, 3, 5, 7, 9, 11]
    assert sum(one.rejected.rows for one in results) == 6


def test_row_groups_are_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "GROUP", 1000)
    landing(tmp_path).write(InProcess(), [Numbers(0, 100)], "landed")
    (file,) = tmp_path.rglob("landed/*.parquet")
    assert pq.ParquetFile(file).num_row_groups > 3
    assert [row["n"] for row in rows(tmp_path, "landed")] == [str(number) for number in range(100)]
