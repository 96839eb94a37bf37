"""Rejected records: reason, position and text of each, in a file beside the landed ones."""

from contextlib import ExitStack
from operator import itemgetter
from types import TracebackType

import pyarrow as pa

from jobs.clients import store
from jobs.clients.location import Location
from jobs.landing.split import RejectedRows
from jobs.landing.writer import ParquetFile, Stamp, create_parquet_file, make_schema, stamp_batch

REJECTED_COLUMNS = ("_reason", "_position", "_raw")
_BUFFER_BYTES = 8 * 2**20  # of records that memory holds


class RejectedFile:
    """Made when the first record comes; what is no text stands there as \\xNN."""

    def __init__(self, at: Location, stamp: Stamp, uri: str) -> None:
        self._at, self._stamp, self._uri = at, stamp, uri
        self._schema = make_schema(REJECTED_COLUMNS)
        self._stack = ExitStack()
        self._file: ParquetFile | None = None
        self._records: list[tuple[str, int, str]] = []
        self._buffered_bytes = 0
        self._reasons: dict[str, int] = {}
        self._first = ""

    def add(self, reason: str, position: int, raw: bytes) -> None:
        text = raw.decode("utf-8", "backslashreplace")
        self._first = self._first or f"{reason}, {self._uri} line or entry {position}"
        self._reasons[reason] = self._reasons.get(reason, 0) + 1
        self._records.append((reason, position, text))
        self._buffered_bytes += len(text)
        if self._buffered_bytes > _BUFFER_BYTES:
            self._write()

    def _write(self) -> None:
        if not self._records:
            return
        if self._file is None:
            self._file = self._stack.enter_context(create_parquet_file(self._at, self._schema))
        in_order = sorted(self._records, key=itemgetter(1))  # columns of JSON meet some of them before their turn
        reasons, positions, texts = zip(*in_order, strict=True)
        columns = [
            pa.array(reasons, pa.string()),
            pa.array(positions, pa.int64()),
            pa.array(texts, pa.string()),
            pa.nulls(len(texts), pa.string()),
        ]
        batch = pa.RecordBatch.from_arrays(columns, names=[*REJECTED_COLUMNS, "_rescued"])
        self._file.add(stamp_batch(batch, self._stamp, self._uri, self._schema))
        self._records, self._buffered_bytes = [], 0

    def __enter__(self) -> "RejectedFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._write()
        self._stack.__exit__(kind, error, at)

    def count_rows(self) -> RejectedRows:
        """What the file holds, once it is closed."""
        if self._file is None:
            return RejectedRows()
        footer = store.read_footer(self._at)
        return RejectedRows(self._at.name, footer.rows, footer.bytes, self._reasons, self._first)
