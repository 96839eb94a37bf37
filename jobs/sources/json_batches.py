"""Records of JSON as batches of the landed columns: each key by the source contract's own map, then by the rule."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

import pyarrow as pa

from jobs.contracts.mapping import to_json, to_snake_case
from jobs.contracts.source import SourceContract
from jobs.landing.split import Counts
from jobs.sources.json_learnt import Columns, LearntDecoder
from jobs.sources.json_record import Record, UnsoundError, decode_record
from jobs.sources.reading import MAX_RECORD, SHOWN, TOO_LONG

Earlier = Mapping[int, Mapping[str, list[str | None]]]  # row -> key -> its values before the last one


class Batches:
    """Makes batches, and counts and rejects records on the way."""

    def __init__(self, contract: SourceContract, counts: Counts) -> None:
        self._counts = counts
        self._landed = tuple(contract.columns.values())
        self._targets = contract.headers  # and whatever else is met
        self._learnt = LearntDecoder()

    def read_lines(self, block: bytes, numbered: Iterable[tuple[int, bytes]], records: int) -> Iterator[pa.RecordBatch]:
        """A batch of records that stand in `block` with a line end between each two, and in `numbered` one by one."""
        columns = self._learnt.decode_lines(block, records) if len(block) <= MAX_RECORD else None
        if columns is None:
            yield from self.read_one_by_one(numbered)
            return
        self._counts.records += records
        yield self.make_batch(columns, records)

    def read_entries(self, block: bytes) -> pa.RecordBatch | None:
        """A batch of an array's entries with commas between them; None: they have to be cut first.

        Delivered is a count apart from the parser: opening brackets that do not belong to values.
        """
        decoded = self._learnt.decode_entries(block)
        if decoded is None:
            return None
        columns, records = decoded
        self._counts.records += records
        return self.make_batch(columns, records)

    def read_one_by_one(self, numbered: Iterable[tuple[int, bytes]]) -> Iterator[pa.RecordBatch]:
        """A batch of the records that are sound; the others are rejected at their position."""
        records: list[Record] = []
        for position, raw in numbered:
            self._counts.records += 1
            if len(raw) > MAX_RECORD:
                self._counts.reject(TOO_LONG, position, raw[:SHOWN])
                continue
            try:
                records.append(decode_record(raw))
            except UnsoundError as reason:
                self._counts.reject(str(reason), position, raw)
        if records:
            self._learnt.learn(records)
            names = dict.fromkeys(chain.from_iterable(record.values for record in records))
            columns = {name: pa.array([record.values.get(name) for record in records], pa.string()) for name in names}
            earlier = {row: record.earlier for row, record in enumerate(records) if record.earlier}
            yield self.make_batch(columns, len(records), earlier)

    def make_batch(self, columns: Columns, rows: int, earlier: Earlier | None = None) -> pa.RecordBatch:
        """`columns`: by the key as delivered. Two keys of one landed column are refused when all names are known."""
        self._counts.columns |= dict.fromkeys(columns)
        by_landed: dict[str, pa.Array] = {}
        unknown: Columns = {}
        for name, values in columns.items():
            landed = self._choose_column(name)
            if landed in self._landed:
                by_landed.setdefault(landed, values)
            else:
                unknown[name] = values
        nothing = pa.nulls(rows, pa.string())
        rescued = _rescue(unknown, rows, earlier or {}) if unknown or earlier else nothing
        arrays = [*(by_landed.get(name, nothing) for name in self._landed), rescued]
        return pa.RecordBatch.from_arrays(arrays, names=[*self._landed, "_rescued"])

    def _choose_column(self, name: str) -> str:
        """The column that a key falls on, landed or not."""
        if name not in self._targets:
            self._targets[name] = to_snake_case(name)
        return self._targets[name]


def _rescue(unknown: Columns, rows: int, earlier: Earlier) -> pa.Array:
    """Of each row the keys that nobody asked for, and what a key had before its last value, which landed.

    Of a key that nobody asked for and that stands there twice: all values.
    """
    lists = {name: values.to_pylist() for name, values in unknown.items()}
    rescued: list[str | None] = []
    for row in range(rows):
        entry: dict[str, object] = {name: values[row] for name, values in lists.items()}
        for name, values in earlier.get(row, {}).items():
            all_values = [*values, entry[name]] if name in entry else values
            entry[name] = all_values[0] if len(all_values) == 1 else all_values
        rescued.append(to_json(entry))
    return pa.array(rescued, pa.string())
