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

from jobs.sources.json_record import FAULTS, Record, UnsoundError, as_text
from jobs.sources.json_structure import BLANK, member_count

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

    def lines(self, block: bytes, records: int) -> Columns | None:
        """The columns of as many records with a line end between each two, or None."""
        if self._lines is None or not _is_an_object_each(block, records):
            return None
        try:
            found = self._lines.decode_lines(block)
            return self._columns(found, block) if len(found) == records else None
        except (*FAULTS, UnsoundError):
            return None

    def entries(self, block: bytes) -> tuple[Columns, int] | None:
        """The columns of entries of an array and their number, or None.

        The number is one of opening brackets; where values have some, entries are cut and go the other way.
        """
        if self._array is None:
            return None
        try:
            found = self._array.decode(b"[%b]" % block)
            columns = self._columns(found, block)
        except (*FAULTS, UnsoundError):
            return None
        records = block.count(b"{")
        return (columns, records) if columns is not None and len(found) == records else None

    def _columns(self, records: Sequence[object], block: bytes) -> Columns | None:
        """None: there are more members in the block than values, so that a key may stand twice in a record."""
        columns: Columns = {}
        count = 0
        for number, (name, is_mixed) in enumerate(self._kinds.items()):
            values = list(map(attrgetter(f"f{number}"), records))
            columns[name], members = _values(values) if is_mixed else _texts(values)
            count += members
        return columns if member_count(block) == count else None


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


def _texts(values: list[str | UnsetType | None]) -> tuple[pa.Array, int]:
    """A column and the number of its values, nulls among them."""
    try:
        return pa.array(values, pa.string()), len(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # some records lack the key
        absent = values.count(UNSET)
        return pa.array([None if value is UNSET else value for value in values], pa.string()), len(values) - absent


def _values(values: list[Raw | UnsetType]) -> tuple[pa.Array, int]:
    """A column of any kind of values and the number of them, what objects among them hold included."""
    present = [value for value in values if isinstance(value, Raw)]
    if len(present) < len(values):
        column, members = texts_of([b"null" if isinstance(value, UnsetType) else value for value in values])
        return column, members - (len(values) - len(present))
    return texts_of(present)


def texts_of(values: Sequence[Raw | bytes]) -> tuple[pa.Array, int]:
    """The same of sound values. Raises UnsoundError, UnicodeDecodeError, msgspec.DecodeError."""
    joined = b"\n".join(values)
    if joined.translate(None, _NO_TEXTS):
        texts = [as_text(bytes(value)) for value in values]
        return pa.array(texts, pa.string()), len(texts) + member_count(joined)
    words = joined.decode("ascii").split("\n") if values else []
    if b"null" in joined:
        return pa.array([None if word == "null" else word for word in words], pa.string()), len(words)
    return pa.array(words, pa.string()), len(words)
