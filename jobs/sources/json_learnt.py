"""Records of JSON by the block, at the speed of a typed decoder whose keys were learnt from records before them.

What it returns is proven: as many objects as the bytes have records, none over two of them, no key twice. Anything
that cannot be proven so is left to the reader of single records; both give the same values.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import UNSET, Raw, UnsetType

from jobs.sources.json_record import FAULTS, Record, UnsoundError, to_text
from jobs.sources.json_structure import BLANK, has_members, has_objects

Columns = dict[str, pa.Array]
MOST_KEYS = 1000  # more are no columns, but data
_NO_TEXTS = b"+-.0123456789Etruefalsn\n"  # bytes of numbers, true, false, null, and of the line ends between them


class LearntDecoder:
    """Decodes blocks of records into columns of text by key."""

    def __init__(self) -> None:
        self._kinds: dict[str, bool] = {}  # key -> whether its values are more than texts
        self._lines: msgspec.json.Decoder[Any] | None = None
        self._array: msgspec.json.Decoder[Any] | None = None

    def learn(self, records: Iterable[Record]) -> None:
        """Take in the keys, and the kinds of their values, of records that were read one by one."""
        before = dict(self._kinds)
        for record in records:
            for name in record.values.keys() - self._kinds.keys():
                self._kinds[name] = False
            for name in record.mixed:
                self._kinds[name] = True
        if self._kinds != before:
            self._make()

    def _make(self) -> None:
        self._lines = self._array = None
        if len(self._kinds) > MOST_KEYS:
            return
        fields = [
            (f"f{number}", Raw | UnsetType if is_mixed else str | None | UnsetType, UNSET)
            for number, is_mixed in enumerate(self._kinds.values())
        ]
        rename = {field[0]: name for field, name in zip(fields, self._kinds, strict=True)}
        try:
            kind = msgspec.defstruct("Learnt", fields, rename=rename, forbid_unknown_fields=True, gc=False)
        except ValueError:  # a key with a quote, a backslash or a control character
            return
        self._lines, self._array = msgspec.json.Decoder(kind), msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]

    def decode_lines(self, block: bytes, records: int) -> Columns | None:
        """The columns of as many records with a line end between each two, or None."""
        if self._lines is None or not _is_an_object_each(block, records):
            return None
        try:
            decoded = self._lines.decode_lines(block)
            columns, _ = self._make_columns(decoded, block)
        except (*FAULTS, UnsoundError):
            return None
        return columns if len(decoded) == records else None

    def decode_entries(self, block: bytes) -> tuple[Columns, int] | None:
        """The columns of entries of an array and their number, or None.

        The number is that of the brackets that open outside of texts and values.
        """
        if self._array is None:
            return None
        try:
            decoded = self._array.decode(b"[%b]" % block)
            columns, nested = self._make_columns(decoded, block)
        except (*FAULTS, UnsoundError):
            return None
        return (columns, len(decoded)) if has_objects(len(decoded), block, nested) else None

    def _make_columns(self, records: Sequence[object], block: bytes) -> tuple[Columns, list[bytes]]:
        """Columns, and the text of values that may be objects. Raises UnsoundError where a key may stand twice."""
        columns: Columns = {}
        nested: list[bytes] = []
        absent = 0
        for number, (name, is_mixed) in enumerate(self._kinds.items()):
            values: list[Any] = list(map(attrgetter(f"f{number}"), records))
            column_of, null = (to_texts, b"null") if is_mixed else (_to_texts, None)
            try:
                columns[name], within = column_of(values)
            except (TypeError, pa.ArrowInvalid):  # some records lack the key
                absent += values.count(UNSET)
                columns[name], within = column_of(_fill(values, null))
            nested += within
        if not has_members(len(columns) * len(records) - absent, block, nested):
            raise UnsoundError("a key stands twice")
        return columns, nested


def _is_an_object_each(block: bytes, records: int) -> bool:
    """Whether each record is one object, if all of them are objects.

    Within an object no `{` follows a `}` without a comma: so no object goes over the line ends that are counted here.
    """
    body = block.rstrip(BLANK)
    if not body.startswith(b"{") or not body.endswith(b"}"):
        return False
    between = body.count(b"}\n{")
    if between < records - 1:
        between += body.count(b"}\r\n{")
    return between == records - 1


def _fill(values: list[Any], null: Any) -> list[Any]:
    return [null if value is UNSET else value for value in values]


def _to_texts(values: Sequence[str | None]) -> tuple[pa.Array, list[bytes]]:
    return pa.array(values, pa.string()), []


def to_texts(values: Sequence[Raw | bytes]) -> tuple[pa.Array, list[bytes]]:
    """A column of sound values, and their own text where objects may be among them.

    Raises UnsoundError, UnicodeDecodeError, msgspec.DecodeError.
    """
    joined = b"\n".join(values)
    if joined.translate(None, _NO_TEXTS):
        return pa.array([to_text(bytes(value)) for value in values], pa.string()), [joined]
    words: list[str | None] = list(joined.decode("ascii").split("\n")) if values else []
    return pa.array([None if word == "null" else word for word in words], pa.string()), []
