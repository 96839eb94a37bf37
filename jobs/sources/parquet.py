"""Parquet files: row groups as splits, every column as text (docs/sources.md)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.clients.location import Location
from jobs.clients.parts import open_input
from jobs.clients.store import Input
from jobs.contracts.deliveries import ParquetDelivery
from jobs.contracts.mapping import Mapping, map_columns
from jobs.errors import ContractError
from jobs.landing.split import Counts
from jobs.sources.files import Files
from jobs.sources.parquet_text import find_unfit, find_unsound, show_row, to_text
from jobs.sources.reading import Reading, Request, merge_drift

SPLIT = 128 * 2**20  # bytes of row groups, unpacked, that one task reads
_BATCH = 8_192  # rows


@dataclass(frozen=True)
class ParquetFiles(Files):
    """A delivery's files, each by its own schema."""

    delivery: ParquetDelivery
    fills_scratch = False

    @contextmanager
    def read(self, request: Request, inputs: tuple[Input, ...]) -> Iterator[Reading]:
        """Raises ContractError."""
        splits: list[ParquetSplit] = []
        mappings, records = [], 0
        for file in inputs:
            with opened(self.root, file) as parquet:
                footer, schema = parquet.metadata, parquet.schema_arrow
            mappings.append(map_columns(request.contract, tuple(schema.names), file.uri))
            if unfit := find_unfit(schema):
                name, kind = unfit
                raise ContractError(f"{file.uri}: column {name!r} is of type {kind}, which has no text here")
            splits += [ParquetSplit(self.root, file, mappings[-1], *share) for share in cut_groups(footer)]
            records += footer.num_rows
        yield Reading(
            inputs=inputs,
            splits=splits,
            records=records,
            columns=mappings[0].delivered,
            drift=merge_drift(mapping.drift for mapping in mappings),
        )


def cut_groups(footer: pq.FileMetaData) -> Iterator[tuple[range, int]]:
    """Row groups that one task reads, and the number of the first row in them; at least one share."""
    first, first_row, row, size = 0, 0, 0, 0
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        if number > first and size + group.total_byte_size > SPLIT:
            yield range(first, number), first_row
            first, first_row, size = number, row, 0
        row, size = row + group.num_rows, size + group.total_byte_size
    yield range(first, footer.num_row_groups), first_row


@contextmanager
def opened(root: Location, file: Input) -> Iterator[pq.ParquetFile]:
    """Raises ContractError where it is no Parquet, or cut off."""
    with open_input(root, file) as content:
        with _explained(file.uri):
            parquet = pq.ParquetFile(content, page_checksum_verification=True)
        with parquet:
            yield parquet


def count_rows(root: Location, file: Input) -> int:
    """As its footer says."""
    with opened(root, file) as parquet:
        return int(parquet.metadata.num_rows)


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    broken = ContractError(f"{uri}: no Parquet that can be read, or not all of it; ask for it to be sent again")
    try:
        yield
    except pa.ArrowException:
        raise broken from None
    except OSError as error:
        if error.errno is not None:  # the disk's own
            raise
        raise broken from None


@dataclass(frozen=True)
class ParquetSplit:
    """Some row groups of a file; rows are counted by its footer, from 0."""

    root: Location
    file: Input
    mapping: Mapping
    groups: range
    first_row: int
    size: int | None = None

    @property
    def uri(self) -> str:
        return self.file.uri

    def start_at(self, at: int) -> "ParquetSplit":
        """Never asked for: a row group says where it begins."""
        raise NotImplementedError(f"{self.uri}, byte {at}")

    def read_batches(self, counts: Counts) -> Iterator[pa.RecordBatch]:
        """Raises ContractError."""
        with opened(self.root, self.file) as parquet:
            counts.records = sum(parquet.metadata.row_group(number).num_rows for number in self.groups)
            row = self.first_row
            for batch in self._read(parquet):
                yield self._map(batch, row, counts)
                row += len(batch)

    def _read(self, parquet: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
        batches = parquet.iter_batches(_BATCH, row_groups=[*self.groups])
        while True:
            with _explained(self.uri):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def _map(self, batch: pa.RecordBatch, first_row: int, counts: Counts) -> pa.RecordBatch:
        if unsound := find_unsound(batch):
            for row in unsound:
                counts.reject("not UTF-8", first_row + row, show_row(batch, row))
            batch = batch.take(pa.array([row for row in range(len(batch)) if row not in unsound], pa.int64()))
        return self.mapping.make_batch([to_text(column) for column in batch.columns], len(batch))
