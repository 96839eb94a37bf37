"""Arrow's columns as text, type by type: the table of docs/sources.md."""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice, pairwise
from typing import Any

import pyarrow as pa
import pyarrow.types as of

from jobs.sources.typed import format_duration, format_number, trim_fraction

_EXTENSIONS = ("arrow.uuid", "arrow.json")
_MICROS = {"s": 10**6, "ms": 10**3, "us": 1}


def find_unfit(schema: pa.Schema) -> tuple[str, str] | None:
    """The first column of a type that has no text here, and that type."""
    for field in schema:
        for kind in _list_types(field.type):
            if not _is_fit(kind):
                return field.name, str(kind)
    return None


def _list_types(kind: pa.DataType) -> Iterator[pa.DataType]:
    """Itself, and all that it is made of."""
    if of.is_dictionary(kind):
        yield from _list_types(kind.value_type)
    elif of.is_map(kind):
        yield from (*_list_types(kind.key_type), *_list_types(kind.item_type))
    elif of.is_nested(kind):
        for position in range(kind.num_fields):
            yield from _list_types(kind.field(position).type)
    else:
        yield kind


def _is_fit(kind: pa.DataType) -> bool:
    if isinstance(kind, pa.BaseExtensionType):
        return kind.extension_name in _EXTENSIONS
    texts = of.is_string(kind) or of.is_large_string(kind) or of.is_string_view(kind) or _is_binary(kind)
    numbers = of.is_integer(kind) or of.is_floating(kind) or of.is_decimal(kind) or of.is_boolean(kind)
    moments = of.is_date(kind) or of.is_time(kind) or of.is_timestamp(kind) or of.is_duration(kind)
    return texts or numbers or moments or of.is_null(kind)


def _is_binary(kind: pa.DataType) -> bool:
    is_long = of.is_large_binary(kind) or of.is_binary_view(kind)
    return bool(of.is_binary(kind) or is_long or of.is_fixed_size_binary(kind))


def to_text(column: pa.Array) -> pa.Array:
    """A column of any fit type as one of text, null where it is."""
    kind = column.type
    if of.is_dictionary(kind):
        return to_text(column.dictionary_decode())
    if isinstance(kind, pa.BaseExtensionType):
        return _write_uuids(column) if kind.extension_name == "arrow.uuid" else to_text(column.storage)
    if of.is_nested(kind):
        return pa.array(_write_json(column), pa.string())
    if of.is_timestamp(kind) and kind.tz:
        column = column.cast(pa.timestamp(kind.unit, "UTC"))
    if (written := _write_values(column)) is not None:
        return pa.array(written, pa.string())
    return column.cast(pa.string())


def _write_values(column: pa.Array) -> list[str | None] | None:
    """Where Arrow's own text is not the one of our table; None: it is."""
    kind = column.type
    if of.is_floating(kind):
        return [text and format_number(float(text)) for text in column.cast(pa.string()).to_pylist()]
    if of.is_decimal(kind):
        return [value if value is None else format(value, "f") for value in column.to_pylist()]
    if of.is_time(kind) or of.is_timestamp(kind):
        return [text and _trim(text) for text in column.cast(pa.string()).to_pylist()]
    if of.is_duration(kind):
        return [value if value is None else _write_duration(value, kind.unit) for value in _to_integers(column)]
    if _is_binary(kind):
        return [value if value is None else value.hex() for value in column.to_pylist()]
    return None


def _trim(moment: str) -> str:
    return trim_fraction(moment.removesuffix("Z")) + "Z" * moment.endswith("Z")


def _to_integers(column: pa.Array) -> list[int | None]:
    return list(column.cast(pa.int64()).to_pylist())


def _write_duration(value: int, unit: str) -> str:
    """Nanoseconds are cut to microseconds where there are none of them."""
    if unit != "ns":
        return format_duration(timedelta(microseconds=value * _MICROS[unit]))
    micros, nanos = divmod(abs(value), 1000)
    text = format_duration(timedelta(microseconds=micros))
    if nanos:
        text = f"{text.partition('.')[0]}.{micros % 10**6:06}{nanos:03}".rstrip("0")
    return "-" * (value < 0) + text


def _write_uuids(column: pa.Array) -> pa.Array:
    from uuid import UUID

    values = column.storage.to_pylist()
    return pa.array([value if value is None else str(UUID(bytes=value)) for value in values], pa.string())


def _write_json(column: pa.Array) -> list[str | None]:
    """Nested values as JSON: a struct an object, a map one with its keys' texts, whatever is no number a text."""
    kind = column.type
    if of.is_struct(kind):
        fields = [_write_json(column.field(position)) for position in range(kind.num_fields)]
        names = [json.dumps(field.name, ensure_ascii=False) for field in kind]
        objects: Any = zip(*fields, strict=True) if fields else ([()] * len(column))
        texts = [_join("{}", zip(names, values, strict=True)) for values in objects]
    elif of.is_map(kind):
        ends = column.offsets.to_pylist()
        own = slice(ends[0], ends[-1])  # what a map is a part of it has, too
        pairs = zip(to_text(column.keys[own]).to_pylist(), _write_json(column.items[own]), strict=True)
        named = ((json.dumps(key, ensure_ascii=False), value) for key, value in pairs)
        texts = [_join("{}", islice(named, end - begin)) for begin, end in pairwise(ends)]
    elif of.is_nested(kind):
        entries = iter(_write_json(column.flatten()))
        texts = [_join("[]", (("", entry) for entry in islice(entries, size))) for size in _list_sizes(column)]
    else:
        is_bare = of.is_integer(kind) or of.is_decimal(kind) or of.is_boolean(kind)
        found = to_text(column).to_pylist()
        return [text if text is None or is_bare else _write_scalar(text, kind) for text in found]
    return [text if is_there else None for text, is_there in zip(texts, column.is_valid().to_pylist(), strict=True)]


def _write_scalar(text: str, kind: pa.DataType) -> str:
    """A fraction as a number; not one that JSON has none of."""
    is_number = of.is_floating(kind) and text not in ("nan", "inf", "-inf")
    return text if is_number else json.dumps(text, ensure_ascii=False)


def _join(brackets: str, members: Any) -> str:
    """Members without a name are an array's."""
    texts = (f"{name}:{value or 'null'}" if name else value or "null" for name, value in members)
    return brackets[0] + ",".join(texts) + brackets[1]


def _list_sizes(column: pa.Array) -> list[int]:
    """How many entries each value has; of a null none, whatever stands behind it."""
    return [size or 0 for size in column.value_lengths().to_pylist()]


def find_unsound(batch: pa.RecordBatch) -> set[int]:
    """The rows that hold a text that is not UTF-8."""
    found: set[int] = set()
    for column in batch.columns:
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            found |= {row for row in range(len(column)) if not _is_sound(column.slice(row, 1))}
    return found


def _is_sound(value: pa.Array) -> bool:
    try:
        pa.concat_arrays([value]).validate(full=True)
        value.to_pylist()
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return False
    return True


def show_row(batch: pa.RecordBatch, row: int) -> bytes:
    """What is shown of a row that cannot land: of each column its text, or its bytes."""
    shown = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        value = column.slice(row, 1)
        text = to_text(value)[0] if _is_sound(value) else value.cast(pa.binary())[0]
        shown[name] = text.as_py() if text.type == pa.string() else text.as_py().decode("utf-8", "backslashreplace")
    return json.dumps(shown, ensure_ascii=False).encode()
