"""GoogleSQL's values as Python's, and back."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from zetasql.wasi._pb2.zetasql.public.type_pb2 import TypeKind, TypeProto
from zetasql.wasi._pb2.zetasql.public.value_pb2 import ValueProto

Value = Any  # None, bool, int, float, str, bytes, date, datetime (naive, in UTC), Decimal, list, tuple

_EPOCH, _MOMENT = date(1970, 1, 1), datetime(1970, 1, 1)  # noqa: DTZ001  # moments are naive and in UTC here
_PLAIN = {
    TypeKind.TYPE_INT64: "int64_value",
    TypeKind.TYPE_BOOL: "bool_value",
    TypeKind.TYPE_DOUBLE: "double_value",
    TypeKind.TYPE_STRING: "string_value",
    TypeKind.TYPE_BYTES: "bytes_value",
    TypeKind.TYPE_JSON: "json_value",
}
_SCALE = {"numeric_value": 9, "bignumeric_value": 38}  # digits behind the point


def value(cell: ValueProto, of: TypeProto) -> Value:
    """What the evaluator answered."""
    match cell.WhichOneof("value"):
        case None:
            return None
        case "date_value":
            return _EPOCH + timedelta(days=cell.date_value)
        case "timestamp_value":
            moment = cell.timestamp_value
            return _MOMENT + timedelta(seconds=moment.seconds, microseconds=moment.nanos // 1000)
        case "datetime_value":
            return _datetime(cell.datetime_value)
        case "numeric_value" | "bignumeric_value" as name:
            digits = int.from_bytes(getattr(cell, name), "little", signed=True)
            return Decimal(f"{digits}E-{_SCALE[name]}")
        case "array_value":
            return [value(one, of.array_type.element_type) for one in cell.array_value.element]
        case "struct_value":
            types = [field.field_type for field in of.struct_type.field]
            return tuple(map(value, cell.struct_value.field, types))
        case name:
            return getattr(cell, name)


def cell(given: Value, of: TypeProto) -> ValueProto:
    """For a table's row. Raises TypeError for a type that no test needed so far."""
    if given is None:
        return ValueProto()
    match of.type_kind:
        case TypeKind.TYPE_DATE:
            return ValueProto(date_value=(given - _EPOCH).days)
        case TypeKind.TYPE_TIMESTAMP:
            since = (given if given.tzinfo else given.replace(tzinfo=UTC)) - _MOMENT.replace(tzinfo=UTC)
            seconds = since.days * 86400 + since.seconds
            return ValueProto(timestamp_value=Timestamp(seconds=seconds, nanos=since.microseconds * 1000))
        case TypeKind.TYPE_NUMERIC:
            scaled = int(given.scaleb(_SCALE["numeric_value"]))
            return ValueProto(numeric_value=scaled.to_bytes(16, "little", signed=True))
        case kind if kind in _PLAIN:
            return ValueProto(**{_PLAIN[kind]: given})
        case kind:
            raise TypeError(f"{TypeKind.Name(kind)}: {given!r} cannot be put into a table here")


def _datetime(packed: ValueProto.Datetime) -> datetime:
    bits, fields = packed.bit_field_datetime_seconds, []
    for width in (6, 6, 5, 5, 4):  # seconds, minutes, hours, day, month
        fields.append(bits & ((1 << width) - 1))
        bits >>= width
    second, minute, hour, day, month = fields
    return datetime(bits, month, day, hour, minute, second, packed.nanos // 1000)  # noqa: DTZ001
