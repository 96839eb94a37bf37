"""How two tables of text differ, row by row and by their key; both fit into memory. Nothing here reads or writes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

SAMPLE = 10  # changed rows that are shown
_ABSENT = "\0"  # in the place of a null where it is compared: no text that landed holds it

compute: Any = pc  # its functions are made when it is imported: mypy knows few of them


@dataclass(frozen=True)
class Changed:
    """A row of both: its key, and each column that is another one, before and after."""

    key: tuple[str | None, ...]
    columns: dict[str, tuple[str | None, str | None]]


@dataclass
class Difference:
    """Rows by what became of them. `duplicates`: rows besides the first of their key, before and after; as they have no
    key of their own they were added or removed, never changed. `columns`: of changed rows, how many by column.
    """

    before: int = 0
    after: int = 0
    added: int = 0
    removed: int = 0
    changed: int = 0
    duplicates: tuple[int, int] = (0, 0)
    columns: Counter[str] = field(default_factory=Counter)
    sample: list[Changed] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Of the rows there were, or are, whichever are more, those that are not as they were."""
        return (self.added + self.removed + self.changed) / max(self.before, self.after, 1)

    def add(self, other: "Difference") -> None:
        """Of other rows of the same two."""
        for name in ("before", "after", "added", "removed", "changed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.duplicates = (self.duplicates[0] + other.duplicates[0], self.duplicates[1] + other.duplicates[1])
        self.columns.update(other.columns)
        self.sample = (self.sample + other.sample)[:SAMPLE]


def compare_tables(before: pa.Table, after: pa.Table, key: Sequence[str]) -> Difference:
    """Of two tables with the same columns of text, where a row is known by its key."""
    found = Difference(len(before), len(after))
    keys = [_fill(table.select(key)) for table in (before, after)]
    found.duplicates = (_count_more(keys[0], key), _count_more(keys[1], key))
    if any(found.duplicates):
        repeated = pa.concat_tables([_repeated(one, key) for one in keys])
        apart = [_take(keys[0], repeated, key, "left semi"), _take(keys[1], repeated, key, "left semi")]
        common = _count_common(before.take(apart[0]), after.take(apart[1]))
        found.removed, found.added = len(apart[0]) - common, len(apart[1]) - common
        alone = [_take(keys[0], repeated, key, "left anti"), _take(keys[1], repeated, key, "left anti")]
        before, after = before.take(alone[0]), after.take(alone[1])
        keys = [_fill(table.select(key)) for table in (before, after)]
    _match(found, before, after, keys, key)
    return found


def _match(found: Difference, before: pa.Table, after: pa.Table, keys: list[pa.Table], key: Sequence[str]) -> None:
    """Rows that each have a key of their own."""
    if keys[0].equals(keys[1]):  # most corrections keep their order
        was, now = before, after
    else:
        met = _numbered(keys[0], "was").join(_numbered(keys[1], "now"), list(key), join_type="inner")
        was, now = before.take(met["was"]), after.take(met["now"])
    found.removed += len(before) - len(was)
    found.added += len(after) - len(now)
    masks = {name: _is_other(was[name], now[name]) for name in was.column_names if name not in key}
    any_other = None
    for name, mask in masks.items():
        if number := compute.sum(mask).as_py() or 0:
            found.columns[name] += number
            any_other = mask if any_other is None else compute.or_(any_other, mask)
    if any_other is None:
        return
    found.changed = compute.sum(any_other).as_py() or 0
    rows = compute.indices_nonzero(any_other)[:SAMPLE]
    pairs = zip(was.take(rows).to_pylist(), now.take(rows).to_pylist(), strict=True)
    found.sample = [_describe(one, other, key) for one, other in pairs]


def _describe(was: dict[str, Any], now: dict[str, Any], key: Sequence[str]) -> Changed:
    others = {name: (was[name], now[name]) for name in was if was[name] != now[name]}
    return Changed(tuple(was[name] for name in key), others)


def _is_other(was: pa.ChunkedArray, now: pa.ChunkedArray) -> Any:
    """Null is a value like another."""
    one_is_null = compute.xor(compute.is_null(was), compute.is_null(now))
    return compute.or_(one_is_null, compute.fill_null(compute.not_equal(was, now), False))


def _fill(table: pa.Table) -> pa.Table:
    """In a join no null is like another."""
    names = table.column_names
    return pa.table({name: compute.fill_null(table[name], _ABSENT) for name in names})


def _numbered(table: pa.Table, name: str) -> pa.Table:
    return table.append_column(name, pa.arange(0, len(table)))


def _count_keys(keys: pa.Table, key: Sequence[str]) -> pa.Table:
    return keys.group_by(list(key)).aggregate([([], "count_all")])


def count_duplicates(table: pa.Table, key: Sequence[str]) -> int:
    """Rows besides the first of their key; a null is a value like another."""
    return _count_more(_fill(table.select(key)), key)


def _count_more(keys: pa.Table, key: Sequence[str]) -> int:
    """Rows besides the first of their key."""
    distinct = compute.count_distinct(keys[key[0]]).as_py() if len(key) == 1 else len(_count_keys(keys, key))
    return len(keys) - int(distinct)


def _repeated(keys: pa.Table, key: Sequence[str]) -> pa.Table:
    counted = _count_keys(keys, key)
    return counted.filter(compute.greater(counted["count_all"], 1)).select(list(key))


def _take(keys: pa.Table, repeated: pa.Table, key: Sequence[str], how: str) -> pa.ChunkedArray:
    """The numbers of the rows whose key is, or is not, among the repeated ones."""
    return _numbered(keys, "row").join(repeated, list(key), join_type=how).sort_by("row")["row"]


def _count_common(before: pa.Table, after: pa.Table) -> int:
    """Rows of both, each as often as it is in both."""
    names = before.column_names
    was, now = (_count_keys(_fill(table), names) for table in (before, after))
    now = now.rename_columns([*names, "now"])
    met = was.join(now, names, join_type="inner")
    return int(compute.sum(compute.min_element_wise(met["count_all"], met["now"])).as_py() or 0)
