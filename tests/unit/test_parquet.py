"""Typed columns become the text of the table in docs/sources.md; DuckDB reads the same files otherwise."""

import json
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.clients import store
from jobs.contracts.mapping import Mapping
from jobs.errors import ContractError
from jobs.landing.split import Counts
from jobs.sources import parquet
from jobs.sources.parquet import ParquetSplit, cut_groups, opened
from jobs.sources.parquet_text import find_unfit, to_text

MIDNIGHT = datetime.fromisoformat("2025-11-20")
MOMENT = datetime.fromisoformat("2025-11-20 10:00:00.12")
NAMED = uuid.UUID(int=7)
CASES: list[tuple[pa.DataType, list[Any], list[str | None]]] = [
    (pa.string(), ["é\n", "", None], ["é\n", "", None]),
    (pa.large_string(), ["x"], ["x"]),
    (pa.dictionary(pa.int8(), pa.string()), ["a", None, "a"], ["a", None, "a"]),
    (pa.bool_(), [True, False, None], ["true", "false", None]),
    (pa.int8(), [-128, None], ["-128", None]),
    (pa.uint64(), [2**64 - 1], ["18446744073709551615"]),
    (pa.float64(), [0.1, 5.0, -0.0, 2.0**53, 1e20, 1e-7], ["0.1", "5", "0", "9007199254740992", "1e+20", "1e-07"]),
    (pa.float64(), [float("nan"), float("-inf"), 0.1 + 0.2], ["nan", "-inf", "0.30000000000000004"]),
    (pa.float32(), [0.1, 1e10, 16777216.0], ["0.1", "10000000000", "16777216"]),
    (pa.float16(), [1.5], ["1.5"]),
    (
        pa.decimal128(38, 7),
        [Decimal("1.1"), Decimal(0), Decimal("-0.0000001")],
        ["1.1000000", "0.0000000", "-0.0000001"],
    ),
    (pa.decimal256(50, 0), [Decimal(10) ** 40], ["1" + "0" * 40]),
    (pa.date32(), [date(1, 1, 1), date(9999, 12, 31)], ["0001-01-01", "9999-12-31"]),
    (
        pa.timestamp("us"),
        [MOMENT, MIDNIGHT],
        ["2025-11-20 10:00:00.12", "2025-11-20 00:00:00"],
    ),
    (pa.timestamp("ms", "Europe/Berlin"), [MOMENT.replace(tzinfo=UTC)], ["2025-11-20 10:00:00.12Z"]),
    (pa.timestamp("ns"), [1_763_632_800_000_000_001], ["2025-11-20 10:00:00.000000001"]),
    (pa.time64("us"), [time(10, 3), time(0, 0, 0, 500)], ["10:03:00", "00:00:00.0005"]),
    (pa.duration("us"), [timedelta(hours=26, seconds=1.5), timedelta(seconds=-1)], ["26:00:01.5", "-00:00:01"]),
    (pa.duration("ns"), [1_500_000_001, -1_000], ["00:00:01.500000001", "-00:00:00.000001"]),
    (pa.binary(), [b"\x00\xff", None], ["00ff", None]),
    (pa.binary(2), [b"ab"], ["6162"]),
    (pa.uuid(), [NAMED.bytes, None], [str(NAMED), None]),
    (pa.null(), [None], [None]),
    (pa.list_(pa.int32()), [[1, None], [], None], ["[1,null]", "[]", None]),
    (pa.list_(pa.string(), 2), [["a", 'say "é"'], None], ['["a","say \\"é\\""]', None]),
    (
        pa.struct({"n": pa.float64(), "d": pa.date32(), "x": pa.decimal128(5, 2)}),
        [{"n": float("nan"), "d": None, "x": Decimal("1.10")}, None],
        ['{"n":"nan","d":null,"x":1.10}', None],
    ),
    (pa.map_(pa.string(), pa.list_(pa.bool_())), [[("k", [True]), ("k", None)], []], ['{"k":[true],"k":null}', "{}"]),
]


@pytest.mark.parametrize(("kind", "values", "texts"), CASES, ids=[str(case[0]) for case in CASES])
def test_a_typed_column_is_the_text_that_is_documented_also_from_a_part_of_it(
    kind: pa.DataType, values: list[Any], texts: list[str | None], tmp_path: Path
) -> None:
    column = pa.array(values, kind)
    assert to_text(column).to_pylist() == texts
    assert to_text(pa.concat_arrays([column, column]).slice(1, len(values))).to_pylist() == [*texts[1:], texts[0]]
    pq.write_table(pa.table({"x": column}), tmp_path / "x.parquet")
    (batch,) = pq.ParquetFile(tmp_path / "x.parquet").iter_batches()
    assert find_unfit(batch.schema) is None
    assert to_text(batch.column(0)).to_pylist() == texts


def test_a_type_without_a_text_is_named() -> None:
    months = pa.struct({"m": pa.list_(pa.month_day_nano_interval())})
    assert find_unfit(pa.schema({"a": pa.int8(), "b": months})) == ("b", "month_day_nano_interval")


def split_of(path: Path, rows: int = 100_000) -> tuple[Mapping, list[ParquetSplit]]:
    (file,) = store.look(path.parent, path.name)
    with opened(path.parent, file) as found:
        names = tuple(found.schema_arrow.names)
        mapping = Mapping(names, {name: at for at, name in enumerate(names)}, (), {})
        return mapping, [ParquetSplit(path.parent, file, mapping, *share) for share in cut_groups(found.metadata)]


def read(splits: list[ParquetSplit]) -> tuple[list[list[str | None]], list[tuple[str, int, bytes]]]:
    rows: list[list[str | None]] = []
    rejected: list[tuple[str, int, bytes]] = []
    for split in splits:
        counts = Counts(lambda *record: rejected.append(record))
        before = len(rows) + len(rejected)
        for batch in split.read_batches(counts):
            rows += [[*row.values()][:-1] for row in batch.to_pylist()]
        assert counts.records == len(rows) + len(rejected) - before
    return rows, rejected


def made(choose: Random) -> pa.Table:
    """Columns of many types, some of their values null."""
    kinds = [
        (kind, [one for one in values if one is not None]) for kind, values, _ in CASES if not pa.types.is_null(kind)
    ]
    columns = {}
    for at, (kind, values) in enumerate(kinds):
        drawn = [choose.choice([*values, None]) for _ in range(500)]
        columns[f"c{at}"] = pa.array(drawn, kind)
    return pa.table(columns)


@pytest.mark.parametrize("codec", ["snappy", "zstd", "none"])
def test_row_groups_are_read_one_after_the_other_whatever_a_task_takes(
    codec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = made(Random(codec))
    path = tmp_path / "x.parquet"
    pq.write_table(table, path, row_group_size=70, compression=codec, version="2.6")
    monkeypatch.setattr(parquet, "SPLIT", 10_000)
    monkeypatch.setattr(parquet, "_BATCH", 33)
    _, splits = split_of(path)
    assert len(splits) > 2
    rows, rejected = read(splits)
    expected = [to_text(column.combine_chunks()).to_pylist() for column in table.columns]
    assert (rows, rejected) == ([list(row) for row in zip(*expected, strict=True)], [])


SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 20))]


@pytest.mark.parametrize("seed", SEEDS)
def test_another_reader_finds_the_same_values(seed: int, tmp_path: Path) -> None:
    """DuckDB's texts where they are the same; else its values, of ours read back."""
    table = made(Random(seed))
    path = tmp_path / "x.parquet"
    pq.write_table(table, path)
    rows, _ = read(split_of(path)[1])
    judged = 0
    for at, field in enumerate(table.schema):
        ours = [row[at] for row in rows]
        if expression := in_duckdb(field.type):
            query = f"select {expression.format(field.name)} from read_parquet(?)"
            theirs = [value for (value,) in duckdb.execute(query, [str(path)]).fetchall()]
            assert theirs == [text and read_back(field.type, text) for text in ours], field.type
            judged += 1
    assert judged > 15


def in_duckdb(kind: pa.DataType) -> str | None:
    """An expression over a column; None: DuckDB has no such type, or another text of it."""
    of = pa.types
    if of.is_floating(kind):
        return None if kind == pa.float16() else "{}::varchar::double"
    if of.is_binary(kind) or of.is_fixed_size_binary(kind):
        return "lower(hex({}))"
    if of.is_timestamp(kind):
        return None if kind.unit == "ns" else "{} at time zone 'UTC'" if kind.tz else "{}"
    if of.is_duration(kind) or of.is_null(kind) or of.is_struct(kind) or of.is_map(kind) or of.is_decimal256(kind):
        return None
    return "{}::json::varchar" if of.is_nested(kind) else "{}::varchar"


def read_back(kind: pa.DataType, text: str) -> Any:
    if pa.types.is_floating(kind):
        return float(text) if text != "nan" else pytest.approx(float("nan"), nan_ok=True)
    return datetime.fromisoformat(text.removesuffix("Z")) if pa.types.is_timestamp(kind) else text


def test_a_text_that_is_none_rejects_its_row(tmp_path: Path) -> None:
    values = pa.array([b"ok", b"caf\xe9", b"x"], pa.binary())
    broken = pa.StringArray.from_buffers(3, values.buffers()[1], values.buffers()[2])
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": broken, "n": pa.array([1, 2, 3])}), path)
    rows, rejected = read(split_of(path)[1])
    assert rows == [["ok", "1"], ["x", "3"]]
    assert rejected == [("not UTF-8", 1, b'{"a": "caf\\\\xe9", "n": "2"}')]


def test_a_file_cut_off_or_changed_is_refused(tmp_path: Path) -> None:
    """A page's sum sees what its codec does not."""
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [f"value {number}" for number in range(500)]}), path, write_page_checksum=True)
    whole = path.read_bytes()
    rows, _ = read(split_of(path)[1])
    for at in range(0, len(whole), 37):
        path.write_bytes(whole[:at])
        with pytest.raises(ContractError, match="no Parquet that can be read, or not all of it"):
            split_of(path)
    refused = 0
    for at in range(0, len(whole), 41):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            assert read(split_of(path)[1])[0] == rows, at
        except ContractError:
            refused += 1
    assert refused > 20


def test_nested_values_are_json() -> None:
    for kind, values, _ in CASES:
        if pa.types.is_nested(kind):
            assert all(
                text is None or json.loads(text) is not None for text in to_text(pa.array(values, kind)).to_pylist()
            )
