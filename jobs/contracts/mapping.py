"""A delivery's own header held against its source contract: every column is mapped by name, none by position."""

import json
import re
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from jobs.contracts.source import SourceContract
from jobs.errors import ContractError, inert

_NAMED = 20  # unknown columns at most that drift names: where there are more, values have become names
_LONGEST = 63  # characters of a name that drift tells, as many as Postgres keeps of one


@dataclass(frozen=True)
class Mapping:
    """Where each landed column stands in the delivery, and which delivered columns nobody asked for."""

    delivered: tuple[str, ...]
    positions: dict[str, int | None]  # landed name -> position as delivered; None: optional and absent
    unknown: tuple[int, ...]
    renamed: dict[str, str]  # delivered -> landed, found by the generic rule only

    @property
    def drift(self) -> dict[str, list[str]]:
        """What differs from the source contract, for manifest and report; empty: nothing.

        Names may be told: all required columns are there, so that the header is one, and no record.
        """
        names_by_kind = {
            "unknown_columns": _told([self.delivered[position] for position in self.unknown]),
            "renamed_columns": [f"{inert(header)} -> {name}" for header, name in sorted(self.renamed.items())],
            "absent_columns": [name for name, position in self.positions.items() if position is None],
        }
        return {kind: names for kind, names in names_by_kind.items() if names}

    def select(self, values: Sequence[pa.Array], rows: int) -> list[pa.Array]:
        """`values` in delivered order -> the landed columns in contract order, then `_rescued` (JSON or null)."""
        nothing = pa.nulls(rows, pa.string())
        landed = [nothing if position is None else values[position] for position in self.positions.values()]
        extra = [self.delivered[position] for position in self.unknown]
        return [*landed, _rescue(extra, [values[position] for position in self.unknown]) if extra else nothing]

    def make_batch(self, values: Sequence[pa.Array], rows: int) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays(self.select(values, rows), names=[*self.positions, "_rescued"])


def to_snake_case(header: str) -> str:
    """The generic rule for headers the source contract does not list: `Call  ID` -> `call_id`."""
    return re.sub(r"[^a-z0-9]+", "_", header.strip().lower()).strip("_")


def is_known(contract: SourceContract, header: str) -> bool:
    """Whether it lands as a column of its own: its name is ours then, whoever wrote it."""
    return header in contract.headers or to_snake_case(header) in contract.columns.values()


def map_columns(contract: SourceContract, delivered: Sequence[str], where: str) -> Mapping:
    """The explicit map first, snake_case second. `where` names the object or table in errors.

    Raises ContractError where a required column is gone or two headers fall on one name. What came in its place is
    counted, not told: a file without its header begins with a person.
    """
    landed_names, known = set(contract.columns.values()), contract.headers
    targets: dict[str, list[int]] = {}
    for position, header in enumerate(delivered):
        name = known.get(header) or to_snake_case(header)
        targets.setdefault(name, []).append(position)
    for name, indexes in targets.items():
        if len(indexes) > 1 and name in landed_names:
            headers = [delivered[position] for position in indexes]
            raise ContractError(f"{where}: the headers {headers} all fall on column {name!r}; one of them must go")
    missing = [name for name in contract.columns.values() if name not in targets and name not in contract.optional]
    if missing:
        headers_by_name = {name: header for header, name in contract.columns.items()}
        gone = ", ".join(f"{headers_by_name[name]!r} (lands as {name})" for name in missing)
        others = sum(len(indexes) for name, indexes in targets.items() if name not in landed_names)
        raise ContractError(f"{where}: column {gone} is gone; other columns that came: {others}")
    positions = {name: targets[name][0] if name in targets else None for name in contract.columns.values()}
    unknown = tuple(position for name, indexes in targets.items() if name not in landed_names for position in indexes)
    renamed = {
        delivered[indexes[0]]: name
        for name, indexes in targets.items()
        if name in landed_names and delivered[indexes[0]] not in known
    }
    return Mapping(tuple(delivered), positions, unknown, renamed)


def _told(names: Sequence[str]) -> list[str]:
    """Names of unknown columns as far as they may be told, the others counted."""
    told = [inert(name) for name in names if len(name) <= _LONGEST] if len(names) <= _NAMED else []
    untold = len(names) - len(told)
    return [*told, f"{untold} columns that are not named"] if untold else told


def _rescue(names: Sequence[str], columns: Sequence[pa.Array]) -> pa.Array:
    """Unknown columns as one of JSON, a value that is null left out."""
    keys = make_distinct(names)
    rows = zip(*(column.to_pylist() for column in columns), strict=True)
    return pa.array([to_json(dict(zip(keys, row, strict=True))) for row in rows], pa.string())


def to_json(entry: Dictionary[str, object]) -> str | None:
    """What a row has of columns that nobody asked for; None: nothing."""
    values = {name: value for name, value in entry.items() if value is not None}
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")) if values else None


def make_distinct(names: Sequence[str]) -> list[str]:
    """Names that are no one else's: a second `x` is `x (2)`."""
    unique: dict[str, None] = {}
    for name in names:
        number, free = 1, name
        while free in unique:
            number += 1
            free = f"{name} ({number})"
        unique[free] = None
    return list(unique)
