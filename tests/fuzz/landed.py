"""Inputs through the product: its own reading, and either batches kept in memory or a whole landing."""

from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path

import pyarrow.parquet as pq

import jobs.sources.csv
import jobs.sources.json  # noqa: F401 - both are there before sizes are set
from jobs.clients import store
from jobs.config.environment import Environment
from jobs.contracts.mapping import map_columns
from jobs.contracts.source import SourceContract
from jobs.engines.in_process import InProcess
from jobs.errors import ContractError
from jobs.landing.split import Counts, Split
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import locate_landing
from jobs.pipeline import ingest
from jobs.sources.reading import Reading, Request
from jobs.sources.source import make_source
from tests.conftest import DAY
from tests.fuzz.outcome import Outcome, Rejected, Row, rejected, rescued

COLUMNS = ("a", "b", "c")


def contract_of(kind: str, **options: object) -> SourceContract:
    return SourceContract.model_validate(
        {
            "name": "fuzz",
            "description": "Made up.",
            "system": "s3",
            "key": ["a"],
            "max_rejected": 1.0,
            "delivery": {"kind": kind, "paths": ["{date}"], **options},
            "columns": {name: name for name in COLUMNS},
            "optional": list(COLUMNS),
        }
    )


class Product:
    """Reads what is put into `folder`."""

    def __init__(self, contract: SourceContract, folder: Path) -> None:
        self.folder, self.contract, self._engine, self._numbers = folder, contract, InProcess(2), count()

    def request(self, run_id: str = "run") -> Request:
        lake = self.folder / "lake" / run_id
        environment = {"name": "fuzz", "sources": self.folder, "lake": lake}
        environment["warehouse"] = {"kind": "delta", "path": self.folder / "bronze"}
        (work := self.folder / "work").mkdir(exist_ok=True)
        known = Environment.model_validate(environment)
        return Request(self.contract, known, DAY, run_id, self._engine, work, work)

    def reading(self, data: bytes, name: str = str(DAY)) -> AbstractContextManager[Reading]:
        (self.folder / name).write_bytes(data)
        request = self.request()
        return make_source(self.contract, request.environment).read(request, store.look(self.folder, name))

    def in_memory(self, data: bytes) -> Outcome:
        """What a landing would write, its balance and its chain of splits included."""
        try:
            with self.reading(data) as reading:
                return self._taken(reading)
        except ContractError as error:
            return Outcome(refused=str(error))

    def _taken(self, reading: Reading) -> Outcome:
        rows: list[Row] = []
        faulty: list[Rejected] = []
        names: dict[str, None] = {}
        lines, end = 0, -1
        for split in reading.splits:
            counts, found, wrong = read(split)
            if split.size is not None and end not in (-1, counts.first_byte):
                counts, found, wrong = read(split.start_at(end))
                assert counts.first_byte == end, "a split that is told where it begins begins elsewhere"
            assert counts.records == len(found) + len(wrong), "a split does not balance"
            rows += found
            faulty += [one._replace(position=one.position + lines) for one in wrong]
            names |= counts.columns
            end, lines = counts.end_byte, lines + (counts.lines if split.size is not None else 0)
        assert reading.splits[-1].size in (None, end), "the splits end before the file does"
        if names:
            map_columns(self.contract, tuple(names), "input")
        return Outcome(tuple(rows), tuple(faulty))

    def landed(self, data: bytes) -> Outcome:
        """By files: a landing with its manifest, in a lake of its own."""
        request = self.request(f"run-{next(self._numbers)}")
        lake = request.environment.lake
        (self.folder / str(DAY)).write_bytes(data)
        try:
            source = make_source(self.contract, request.environment)
            manifest = ingest.land(request, source, Ledger(lake), source.look(DAY))
        except ContractError as error:
            return Outcome(refused=str(error))
        folder = locate_landing(lake, "fuzz", DAY, request.run_id)
        assert isinstance(folder, Path)
        rows = [
            row for file in manifest.files for row in pq.read_table(folder / file.path, partitioning=None).to_pylist()
        ]
        wrong = [
            row
            for file in manifest.rejected_files
            for row in pq.read_table(folder / file.path, partitioning=None).to_pylist()
        ]
        return Outcome(
            tuple((*(row[name] for name in COLUMNS), rescued(row["_rescued"])) for row in rows),
            tuple(rejected(row["_position"], row["_reason"], row["_raw"].encode()) for row in wrong),
        )


def read(split: Split) -> tuple[Counts, list[Row], list[Rejected]]:
    wrong: list[Rejected] = []
    counts = Counts(lambda reason, position, raw: wrong.append(rejected(position, reason, raw)))
    rows: list[Row] = []
    for batch in split.read_batches(counts):
        batch.validate(full=True)
        *values, extra = (column.to_pylist() for column in batch.columns)
        rows += zip(*values, map(rescued, extra), strict=True)
    return counts, rows, wrong
