"""The one writer of the lake: batches of text in, a Parquet file with the ingestion metadata out."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow._compute import call_function  # pyarrow.compute, which wraps it, costs a twentieth of a small day

from jobs.clients import store
from jobs.clients.location import Location
from jobs.metadata import METADATA_COLUMNS

GROUP = 48 * 2**20  # bytes in memory that become a row group
CODEC, LEVEL = "zstd", 1  # at 3, its default, files are no smaller
_SAMPLE = 4_000  # first values of a column that decide whether it is written with a dictionary
_REPEATING = 0.92  # at most so many of them may be distinct: so are the first of 23,000 that come in no order
_TEXT = pa.string()
_CONSTANT = pa.dictionary(pa.int32(), _TEXT)  # Parquet's writer takes it as it is: a constant costs next to nothing
_TYPES = {
    "_ingested_at": pa.timestamp("us", "UTC"),
    "_source_system": _CONSTANT,
    "_source_uri": _CONSTANT,
    "_run_id": _CONSTANT,
    "ingest_date": pa.date32(),
    "_position": pa.int64(),
}


@dataclass(frozen=True)
class Stamp:
    """The ingestion metadata that all rows of a landing share; `at` is UTC."""

    at: datetime
    system: str
    run_id: str
    day: date


def make_schema(columns: Sequence[str]) -> pa.Schema:
    """Text columns, then the metadata."""
    return pa.schema([(name, _TYPES.get(name, _TEXT)) for name in (*columns, *METADATA_COLUMNS)])


def stamp_batch(batch: pa.RecordBatch, stamp: Stamp, uri: str, schema: pa.Schema) -> pa.RecordBatch:
    """A batch whose last column is `_rescued`, with the metadata of its landing."""
    *own, rescued = batch.columns
    constants = {
        "_ingested_at": stamp.at,
        "_source_system": stamp.system,
        "_source_uri": uri,
        "_run_id": stamp.run_id,
        "ingest_date": stamp.day,
    }
    metadata = {name: _repeat(value, schema.field(name).type, len(batch)) for name, value in constants.items()}
    metadata["_rescued"] = rescued
    return pa.RecordBatch.from_arrays([*own, *(metadata[name] for name in METADATA_COLUMNS)], schema=schema)


def _repeat(value: object, kind: pa.DataType, rows: int) -> pa.Array:
    if kind != _CONSTANT:
        return pa.repeat(pa.scalar(value, kind), rows)
    zeros = pa.Array.from_buffers(pa.int32(), rows, [None, pa.py_buffer(bytes(4 * rows))])
    return pa.DictionaryArray.from_arrays(zeros, pa.array([value], _TEXT))


class ParquetFile:
    """A Parquet file (zstd) in row groups of about `GROUP` bytes."""

    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        self._file, self._schema = file, schema
        self._batches: list[pa.RecordBatch] = []
        self._size = 0
        self._kept: dict[str, str] = {}
        self._writer: pq.ParquetWriter | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)
        self._size += batch.nbytes
        if self._size >= GROUP:
            self._write_group()

    def keep(self, key: str, value: str) -> None:
        """Put `value` into the file's own metadata."""
        self._kept[key] = value

    def _write_group(self) -> None:
        table = pa.Table.from_batches(self._batches, self._schema)
        self._writer = self._writer or pq.ParquetWriter(
            self._file,
            self._schema,
            compression=CODEC,
            compression_level=LEVEL,
            store_schema=False,
            use_dictionary=[name for name in self._schema.names if _is_repetitive(table.column(name))],
        )
        if len(table):
            self._writer.write_table(table, len(table))
        self._batches, self._size = [], 0

    def finish(self) -> None:
        """Write what is left and the footer."""
        if self._batches or self._writer is None:
            self._write_group()
        assert self._writer
        self._writer.add_key_value_metadata(self._kept)
        self.close()

    def close(self) -> None:
        if self._writer:
            self._writer.close()


def _is_repetitive(column: pa.ChunkedArray) -> bool:
    if column.type != _TEXT:
        return True
    first = column.slice(0, _SAMPLE)
    distinct: int = call_function("count_distinct", [first]).as_py()
    return distinct <= _REPEATING * len(first)


@contextmanager
def create_parquet_file(at: Location, schema: pa.Schema) -> Iterator[ParquetFile]:
    """A new file at `at`, put there when it is complete, unless another attempt's is there already."""
    with store.create_file(at) as file, closing(ParquetFile(file, schema)) as parquet:
        yield parquet
        parquet.finish()
