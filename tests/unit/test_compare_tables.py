"""How two tables differ, held against Python's own counting of rows, one by one."""

import random
from collections import Counter, defaultdict

import pyarrow as pa
import pytest

from jobs.pipeline import compare_landings
from jobs.pipeline.compare_tables import compare_tables

NAMES, KEY = ("k", "l", "a", "b"), ("k", "l")
SCHEMA = pa.schema([(name, pa.string()) for name in NAMES])
Row = dict[str, str | None]


def table(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, SCHEMA)


def count_by_hand(before: list[Row], after: list[Row]) -> tuple[int, int, int, tuple[int, int]]:
    """Added, removed, changed, duplicates: a row whose key is there twice is never changed."""
    added = removed = changed = 0
    sides: list[dict[tuple[str | None, ...], list[tuple[str | None, ...]]]] = [defaultdict(list), defaultdict(list)]
    for side, rows in zip(sides, (before, after), strict=True):
        for row in rows:
            side[tuple(row[name] for name in KEY)].append(tuple(row.values()))
    for key in {*sides[0], *sides[1]}:
        was, now = (side.get(key, []) for side in sides)
        if len(was) == len(now) == 1:
            changed += was != now
            continue
        common = sum((Counter(was) & Counter(now)).values()) if max(len(was), len(now)) > 1 else 0
        added, removed = added + len(now) - common, removed + len(was) - common
    more = tuple(sum(len(rows) - 1 for rows in side.values() if rows) for side in sides)
    return added, removed, changed, (more[0], more[1])


@pytest.mark.parametrize("seed", range(60))
def test_rows_are_told_apart_as_python_does(seed: int) -> None:
    chance = random.Random(seed)

    def rows(number: int) -> list[Row]:
        texts = (("1", "2", "3", None, ""), ("x", None), ("p", "q", None), ("r", ""))
        return [{name: chance.choice(of) for name, of in zip(NAMES, texts, strict=True)} for _ in range(number)]

    before = rows(chance.randrange(9))
    after = chance.sample(before, len(before)) + rows(2) if seed % 2 else rows(chance.randrange(9))
    found = compare_tables(table(before), table(after), KEY)
    assert (found.added, found.removed, found.changed, found.duplicates) == count_by_hand(before, after)
    assert (found.before, found.after) == (len(before), len(after))


def test_columns_and_a_sample_say_what_is_another_value() -> None:
    before: list[Row] = [{"k": str(at), "l": "x", "a": "p", "b": None} for at in range(30)]
    after = [row | {"a": "q" if row["k"] == "7" else "p"} for row in before]
    after[:3] = [row | {"b": "new"} for row in after[:3]]
    found = compare_tables(table(before), table(after[::-1]), KEY)
    assert found.columns == {"a": 1, "b": 3}
    assert [one.columns for one in found.sample if one.key == ("7", "x")] == [{"a": ("p", "q")}]
    assert len(found.sample) == found.changed == 4


def test_shares_are_cut_by_the_ends_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_landings, "ROWS_A_SHARE", 5)
    ends = compare_landings._end_of(
        pa.RecordBatch.from_pylist([{"k": "id-12345", "l": None}, {"k": "7", "l": "x"}]), ("k", "l")
    )
    assert ends.to_pylist() == [b"345", b"7x"]
