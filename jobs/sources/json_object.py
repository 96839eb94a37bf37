"""A JSON file that is one object: pandas' columns, `{column: {"0": value, ...}}`, or a single record; read as a whole.

It is columns where its values are all objects that agree in an index, or are all empty; else it is a record.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import msgspec
import pyarrow as pa

from jobs.clients import store
from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.contracts.mapping import is_known
from jobs.contracts.source import SourceContract
from jobs.errors import ContractError
from jobs.landing.split import Counts
from jobs.sources.json_batches import Batches
from jobs.sources.json_learnt import Columns, to_texts
from jobs.sources.json_lines import LinesSplit
from jobs.sources.json_record import FAULTS, UnsoundError, may_be_record
from jobs.sources.json_structure import (
    BLANK,
    BrokenError,
    Item,
    StructureError,
    find_value_end,
    has_members,
    read_members,
)
from jobs.sources.reading import MAX_RECORD

BATCH = 20_000  # records that were cut one by one
_texts = msgspec.json.Decoder(dict[str, str | None])
_raws = msgspec.json.Decoder(dict[str, msgspec.Raw])
_Rows = dict[bytes, dict[int, list[bytes]]]  # index -> number of a column -> its values there, one if all is well


@dataclass(frozen=True)
class ObjectSplit:
    """A file that begins with a brace, and whose first line is no object with others behind it."""

    root: Location
    file: Input
    uri: str
    contract: SourceContract
    size: int | None = None

    def start_at(self, at: int) -> "ObjectSplit":
        """Never asked for: it is the only split of its file."""
        raise NotImplementedError(f"{self.uri}, byte {at}")

    def read_batches(self, counts: Counts) -> Iterator[pa.RecordBatch]:
        """Raises ContractError where it is no object, nor lines of which the first is broken."""
        raw = b"".join(store.stream(self.root, self.file)).removeprefix(codecs.BOM_UTF8).strip(BLANK)
        try:
            batches = self._read_object(raw, counts)
        except StructureError as error:
            if not isinstance(error, BrokenError) or not any(map(may_be_record, raw.split(b"\n"))):
                raise ContractError(f"{self.uri}: {error}, near byte {error.at}; ask for it to be sent again") from None
            batches = LinesSplit(self.root, self.file, self.uri, self.contract, 0, self.file.size).read_batches(counts)
        yield from batches

    def _read_object(self, raw: bytes, counts: Counts) -> Iterator[pa.RecordBatch]:
        """Raises StructureError, before the first batch."""
        batches = Batches(self.contract, counts)
        if columns := _decode_even_columns(raw):
            rows = len(next(iter(columns.values())))
            counts.records += rows
            return iter([batches.make_batch(columns, rows)])
        if (end := find_value_end(raw, 0)) < len(raw):
            raise BrokenError("text stands behind the object", end)
        raw_columns = list(read_members(raw))
        raw_rows = _group_rows(raw, raw_columns)
        if raw_rows is None:
            return batches.read_one_by_one([(0, raw)])
        return _make_batches(batches, _make_records(self.contract, raw_columns, raw_rows, counts))


def _decode_even_columns(raw: bytes) -> Columns | None:
    """Columns that agree in every index, none of whose values has to be rejected; None: they have to be cut.

    Counted apart from the parser by what stands between keys and values, which shows keys that stand twice.
    """
    columns: Columns = {}
    nested: list[bytes] = []
    indexes: list[str] | None = None
    try:
        for name, value in _raws.decode(raw).items():
            column_indexes, columns[name], within = _decode_column(bytes(value))
            nested += within
            if column_indexes != (indexes := column_indexes if indexes is None else indexes):
                return None
    except (*FAULTS, UnsoundError):
        return None
    if len(raw) > MAX_RECORD and (nested or _widest(columns) > MAX_RECORD):
        return None
    number = len(columns) * (1 + len(indexes or ()))
    return columns if has_members(number, raw, nested) else None


def _widest(columns: Columns) -> int:
    """Bytes that no row is longer than, however its texts were written: two escapes make a character."""
    values = [max(map(len, filter(None, column.to_pylist())), default=0) for column in columns.values()]
    return sum(12 * longest + 10 for longest in values) + 12 * sum(map(len, columns))


def _decode_column(raw: bytes) -> tuple[list[str], pa.Array, list[bytes]]:
    """Indexes, values, and the values' own text where they may be objects. Raises as `to_texts` does."""
    try:
        texts = _texts.decode(raw)
        return list(texts), pa.array(list(texts.values()), pa.string()), []
    except msgspec.ValidationError:
        values = _raws.decode(raw)
        return list(values), *to_texts(list(values.values()))


def _group_rows(raw: bytes, columns: list[tuple[Item, Item]]) -> _Rows | None:
    """The values of columns by their index, in order of its first appearance; None: it is a record."""
    rows: _Rows = {}
    for number, (_, column) in enumerate(columns):
        if not column.raw.startswith(b"{"):
            return None
        for index, value in read_members(raw, column.start):
            rows.setdefault(index.raw, {}).setdefault(number, []).append(value.raw)
    is_table = any(len(row) == len(columns) for row in rows.values()) or (not rows and columns)
    return rows if is_table else None


def _make_records(
    contract: SourceContract, columns: list[tuple[Item, Item]], rows: _Rows, counts: Counts
) -> Iterator[tuple[int, bytes]]:
    """Each row as a record of its own, with its ordinal; one without a value in some column is rejected."""
    keys = [key.raw for key, _ in columns]
    for position, row in enumerate(rows.values()):
        record = b"{%b}" % b",".join(keys[number] + b":" + value for number in row for value in row[number])
        if len(row) == len(keys):
            yield position, record
            continue
        counts.records += 1
        absent = [key for number, key in enumerate(keys) if number not in row]
        counts.reject(f"no value for {_show_key(contract, absent)}", position, record)


def _show_key(contract: SourceContract, keys: list[bytes]) -> str:
    """Columns by name where the source contract knows them, the others counted: their names may be content."""
    names = [name for name in map(_name, keys) if is_known(contract, name)]
    others = len(keys) - len(names)
    return " and ".join([str(names)] * bool(names) + [f"other columns: {others}"] * bool(others))


def _name(key: bytes) -> str:
    try:
        return str(msgspec.json.decode(key))
    except FAULTS:
        return ""


def _make_batches(batches: Batches, records: Iterator[tuple[int, bytes]]) -> Iterator[pa.RecordBatch]:
    while some := list(islice(records, BATCH)):
        yield from batches.read_one_by_one(some)
