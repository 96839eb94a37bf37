"""Inputs through the product: its own reading, and either batches kept in memory or the files of a landing."""

from contextlib import AbstractContextManager
from pathlib import Path

import jobs.sources.csv
import jobs.sources.json  # noqa: F401 - both are there before sizes are set
from jobs import ingest
from jobs.contract import map_columns
from jobs.engines.in_process import InProcess
from jobs.errors import ContractError
from jobs.landing.split import Counts, Split
from jobs.reading import Reading, Request
from jobs.settings import Environment, SourceContract
from jobs.store import Input
from tests.conftest import DAY
from tests.fuzz.outcome import Outcome, Rejected, Row, rejected, rescued

COLUMNS = ("a", "b", "c")


def contract_of(kind: str) -> SourceContract:
    return SourceContract.model_validate(
        {
            "name": "fuzz",
            "description": "Made up.",
            "system": "s3",
            "key": ["a"],
            "max_rejected": 1.0,
            "delivery": {"kind": kind, "paths": ["{date}"]},
            "columns": {name: name for name in COLUMNS},
            "optional": list(COLUMNS),
        }
    )


class Product:
    """Reads what stands in `folder`."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.folder, self.contract = folder, contract_of(kind)
        warehouse = {"kind": "delta", "path": str(folder / "bronze")}
        self.environment = Environment.model_validate(
            {"name": "fuzz", "sources": str(folder), "lake": str(folder / "lake"), "warehouse": warehouse}
        )

    def input_of(self, data: bytes, name: str = "input") -> Input:
        path = self.folder / name
        path.write_bytes(data)
        return Input(uri=str(path), size=len(data), etag="")

    def reading(self, *inputs: Input) -> AbstractContextManager[Reading]:
        work = self.folder / "work"
        work.mkdir(exist_ok=True)
        request = Request(self.contract, self.environment, DAY, "run", InProcess(1), work, work)
        return ingest._reading(request, inputs)  # by the kind of source

    def outcome(self, data: bytes) -> Outcome:
        """Without files: what a landing would write, its balance and its chain of splits included."""
        try:
            with self.reading(self.input_of(data)) as reading:
                return self._in_memory(reading)
        except ContractError as error:
            return Outcome(refused=str(error))

    def _in_memory(self, reading: Reading) -> Outcome:
        rows: list[Row] = []
        faulty: list[Rejected] = []
        names: dict[str, None] = {}
        lines, end = 0, -1
        for split in reading.splits:
            counts, found, wrong = read(split)
            if split.size is not None and end not in (-1, counts.first_byte):
                counts, found, wrong = read(split.starting_at(end))
                assert counts.first_byte == end, "a split that is told where it begins begins elsewhere"
            assert counts.records == len(found) + len(wrong), "a split does not balance"
            rows += found
            faulty += [one._replace(position=one.position + lines) for one in wrong]
            names |= counts.columns
            end, lines = counts.end_byte, lines + (counts.lines if split.size is not None else 0)
        size = reading.splits[-1].size if reading.splits else None
        assert size in (None, end), "the splits end before the file does"
        if names:
            map_columns(self.contract, tuple(names), "input")
        return Outcome(tuple(rows), tuple(faulty))


def read(split: Split) -> tuple[Counts, list[Row], list[Rejected]]:
    wrong: list[Rejected] = []
    counts = Counts(lambda reason, position, raw: wrong.append(rejected(position, reason, raw)))
    rows: list[Row] = []
    for batch in split.batches(counts):
        batch.validate(full=True)
        *values, extra = (column.to_pylist() for column in batch.columns)
        rows += zip(*values, map(rescued, extra), strict=True)
    return counts, rows, wrong
