import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jobs.clients import store
from jobs.contracts.deliveries import JsonDelivery
from jobs.contracts.source import SourceContract
from jobs.engines.in_process import InProcess
from jobs.errors import ContractError
from jobs.landing.split import Counts
from jobs.sources import json as json_source
from jobs.sources import json_array, json_batches, json_lines, json_object
from jobs.sources.reading import Request
from tests.conftest import DAY, World

NO_OBJECT, NOT_UTF_8, TOO_DEEP = "not a JSON object", "not UTF-8", "nested too deeply"
Rows = list[tuple[str | None, ...]]


@dataclass
class Landed:
    """What came out of all splits: rows of a, b and `_rescued`; rejected ones as (reason, position, text)."""

    rows: Rows = field(default_factory=list)
    rejected: list[tuple[str, int, bytes]] = field(default_factory=list)
    columns: dict[str, None] = field(default_factory=dict)

    @property
    def reasons(self) -> list[tuple[str, int]]:
        return [(reason, position) for reason, position, _ in self.rejected]


Land = Callable[..., Landed]


@pytest.fixture
def land(world: World) -> Land:
    def landed(content: bytes, max_value_mb: int = 64) -> Landed:
        (world.root / "sources/f.json").write_bytes(content)
        result = Landed()
        request = json_request(world, max_value_mb)
        delivery = JsonDelivery(kind="json", paths=("f.json",), max_value_mb=max_value_mb)
        source = json_source.JsonFiles(world.environment.sources, delivery)
        with source.read(request, inputs := source.look(DAY)) as read:
            assert read.inputs == inputs
            lines, at = 0, 0
            for split in read.splits:
                counts = read_split(split, result, lines)
                lines += counts.lines
                if split.size is not None:
                    assert counts.first_byte == at, "the byte ranges of splits follow each other"
                    at = counts.end_byte
            assert at in (0, len(content))
        return result

    return landed


def read_split(split: Any, result: Landed, lines: int) -> Counts:
    """Adds what a split holds, which must add up by itself."""
    rejected: list[tuple[str, int, bytes]] = []
    counts = Counts(lambda reason, position, raw: rejected.append((reason, position + lines, raw)))
    rows = [tuple(row.values()) for batch in split.read_batches(counts) for row in batch.to_pylist()]
    assert counts.records == len(rows) + len(rejected)
    result.rows += rows
    result.rejected += rejected
    result.columns |= counts.columns
    return counts


def json_request(world: World, max_value_mb: int) -> Request:
    contract = SourceContract(
        name="feed", description="a and b", system="s3", static=True, key=("a",),
        delivery={"kind": "json", "paths": ["f.json"], "max_value_mb": max_value_mb},
        columns={"a": "a", "b": "b"},
    )  # fmt: skip
    return Request(contract, world.environment, DAY, "run", InProcess(1), world.root, world.root)


def lines(*records: object) -> bytes:
    return b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in records)


SHAPES = {
    "lines": lambda record: record + b"\n" + record + b"\n",
    "array": lambda record: b"[" + record + b",\n" + record + b"]",
}
VALUES = [
    (b'"caf\\u00e9 \\ud83d\\ude00 \\/"', "café 😀 /"),
    ('"日"'.encode(), "日"),
    (b'"two\\r\\nlines"', "two\r\nlines"),
    (b'" blanks  "', " blanks  "),
    (b'""', ""),
    (b"null", None),
    (b"true", "true"),
    (b"false", "false"),
    (b"19.90", "19.90"),
    (b"-0.0", "-0.0"),
    (b"1e400", "1e400"),
    (b"1E+2", "1E+2"),
    (b"9" * 1000, "9" * 1000),
    (b'{"n": 1, "t":\ttrue}', '{"n":1,"t":true}'),
    (b'[1.0, " a  b ", {"k" : []}]', '[1.0," a  b ",{"k":[]}]'),
    ('["\\u00e9 é"]'.encode(), '["\\u00e9 é"]'),
    (b"[" * 400 + b"]" * 400, "[" * 400 + "]" * 400),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("value", "text"), VALUES, ids=range(len(VALUES)))
def test_a_value_lands_as_its_own_text(shape: str, value: bytes, text: str | None, land: Land) -> None:
    content = SHAPES[shape](b'{"a":"x","b":' + value + b"}")
    assert land(content).rows == [("x", text, None)] * 2


@pytest.mark.parametrize(("value", "text"), VALUES, ids=range(len(VALUES)))
def test_a_value_in_a_column_lands_as_its_own_text(value: bytes, text: str | None, land: Land) -> None:
    content = b'{"a":{"0":"x","1":"x"},"b":{"0":' + value + b', "1" :"y"}}'
    assert land(content).rows == [("x", text, None), ("x", "y", None)]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b'{"a":NaN}', NO_OBJECT),
        (b'{"a":-Infinity}', NO_OBJECT),
        (b'{"a":01}', NO_OBJECT),
        (b"{'a':'1'}", NO_OBJECT),
        (b'{"a":"1",}', NO_OBJECT),
        (b'{"a":"\t"}', NO_OBJECT),
        (b'{"a":"\\x"}', NO_OBJECT),
        (b'{"a":"1"', NO_OBJECT),
        (b'{"a":"1"} oops', NO_OBJECT),
        (b'{"a":"1"}{"a":"2"}', NO_OBJECT),
        (b'{"a":"1"},{"a":"2"}', NO_OBJECT),
        (b'[{"a":"1"}]', NO_OBJECT),
        (b"1", NO_OBJECT),
        (b"null", NO_OBJECT),
        (b'\xef\xbb\xbf{"a":"1"}', NO_OBJECT),
        (b'{"a":"\xe9"}', NOT_UTF_8),
        (b'{"\xe9":"1"}', NOT_UTF_8),
        (b'{"a":[1,"\xe9"]}', NOT_UTF_8),
        (b'{"a":"\\ud800"}', NOT_UTF_8),
        (b'{"a":["\\ude00x"]}', NOT_UTF_8),
        (b'{"a":1,"a":"\\ud800"}', NOT_UTF_8),
        (b'{"a":' + b"[" * 501 + b"]" * 501 + b"}", TOO_DEEP),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", TOO_DEEP),
    ],
)
@pytest.mark.parametrize("calm", [0, 3])
def test_a_line_that_is_no_sound_object_is_rejected_with_its_text(
    record: bytes, reason: str, calm: int, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the lines around it go through the fast decoder."""
    monkeypatch.setattr(json_lines, "PIECE", 10)
    result = land(lines({"a": "1", "b": "x"}, *[{"a": "c", "b": "c"}] * calm, record, {"a": "3", "b": 3}))
    assert result.rows == [("1", "x", None), *[("c", "c", None)] * calm, ("3", "3", None)]
    assert result.rejected == [(reason, 2 + calm, record)]


def test_an_object_that_is_closed_on_the_next_line_is_two_bad_lines(land: Land) -> None:
    calm = lines(*[{"a": "c", "b": ["d"]}] * 3)
    result = land(calm * 2 + b'{"a":[{"x":1}\n{"b":1}]}\n{"a":"1"}{"a":"2"}\n')
    assert len(result.rows) == 6
    assert result.reasons == [(NO_OBJECT, 7), (NO_OBJECT, 8), (NO_OBJECT, 9)]


@pytest.mark.parametrize(
    ("record", "row"),
    [
        ('{"a":"1","a":"2"}', ("2", None, {"a": "1"})),
        ('{"a":1,"a" :{"a":2},"a":[3]}', ("[3]", None, {"a": ["1", '{"a":2}']})),
        ('{"a":"1","\\u0061":null}', (None, None, {"a": "1"})),
        ('{"z":"1","z":null}', (None, None, {"z": ["1", None]})),
        ('{"a":{"z":1,"z":2},"b":"\\":"}', ('{"z":1,"z":2}', '":', None)),
        ('{"a":"\\":","b":"{\\" :"}', ('":', '{" :', None)),
    ],
)
@pytest.mark.parametrize("shape", SHAPES)
def test_of_a_key_that_stands_there_twice_the_last_value_lands_and_the_others_are_rescued(
    shape: str, record: str, row: tuple[Any, ...], land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_lines, "PIECE", 10)
    for *landed, rescued in land(SHAPES[shape](record.encode())).rows:
        assert (*landed, json.loads(rescued or "null")) == row


def test_keys_that_nobody_asked_for_are_rescued_and_nothing_else_is(land: Land) -> None:
    result = land(lines({"a": "1", "名前": "q", "c": 1.50}, {"a": "2", "c": None}, {"b": "x"}))
    assert result.rows == [("1", None, '{"名前":"q","c":"1.5"}'), ("2", None, None), (None, "x", None)]
    assert list(result.columns) == ["a", "名前", "c", "b"]


def test_no_key_is_taken_from_a_broken_line(land: Land) -> None:
    result = land(b'{"a":"1"}\n{"a":"2","c":"lost"\n{"a":"3","d":"keep"}\n')
    assert list(result.columns) == ["a", "d"]


def test_blank_lines_are_no_records_but_count_in_positions(land: Land) -> None:
    result = land(b'\n \t\r\n{"a":"1"}\r\n\r\n[]\n\n{"a":"2"}')
    assert [row[0] for row in result.rows] == ["1", "2"]
    assert result.reasons == [(NO_OBJECT, 5)]


def test_a_byte_order_mark_is_no_text(land: Land) -> None:
    for content in (b'{"a":"1"}\n{"a":"2"}', b'[{"a":"1"},{"a":"2"}]', b'{"a":{"0":"1","1":"2"}}'):
        assert [row[0] for row in land(b"\xef\xbb\xbf" + content).rows] == ["1", "2"]


MIXED = lines(
    {"a": "1", "b": "x"}, b'{"a":"1","a":19.90}', b"", b"[]", {"a": "é", "b": [1, {"n": 2}]}, b'{"a":"\xe9"}', {},
    {"a": "x" * 200, "c": "later"}, b'{"a":"\\":","b":null} ', b'{"a":"2"} oops', {"b": True, "a": None},
)  # fmt: skip


@pytest.mark.parametrize("split", [64, 65, 100, 1000])
@pytest.mark.parametrize("chunk", [1, 7, 64, 1000])
@pytest.mark.parametrize("piece", [1, 50, 1000])
def test_rows_and_positions_are_the_same_however_lines_are_split(
    split: int, chunk: int, piece: int, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = land(MIXED)
    assert (len(whole.rows), whole.reasons) == (7, [(NO_OBJECT, 4), (NOT_UTF_8, 6), (NO_OBJECT, 10)])
    monkeypatch.setattr(json_lines, "SPLIT", split)
    monkeypatch.setattr(store, "CHUNK", chunk)
    monkeypatch.setattr(json_lines, "PIECE", piece)
    assert land(MIXED) == whole


@pytest.mark.parametrize("chunk", [1, 7, 1000])
@pytest.mark.parametrize("piece", [1, 50, 1000])
@pytest.mark.parametrize("text", ["x", "}, {", '":', "[{", "{"])
def test_entries_of_an_array_are_the_same_however_its_bytes_come(
    chunk: int, piece: int, text: str, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [{"a": str(n), "b": value} for n, value in enumerate([text, None, 1.5, text, {"k": [{}]}, text, "é"])]
    monkeypatch.setattr(store, "CHUNK", chunk)
    monkeypatch.setattr(json_array, "PIECE", piece)
    for indent in (None, 1):
        result = land(json.dumps(records, indent=indent, ensure_ascii=False).encode())
        assert [row[1] for row in result.rows] == [text, None, "1.5", text, '{"k":[{}]}', text, "é"]


def test_an_entry_of_an_array_that_is_no_sound_object_is_rejected_by_its_ordinal(land: Land) -> None:
    result = land(b'[{"a":"1"}, 5,{"a":NaN},{\'a\':"2"},["b"],\n{"a":"\xe9"},{"a":"\\ud800"},{"a":"2"}\n]\n')
    assert [row[0] for row in result.rows] == ["1", "2"]
    assert result.reasons == [
        (NO_OBJECT, 1),
        (NO_OBJECT, 2),
        (NO_OBJECT, 3),
        (NO_OBJECT, 4),
        (NOT_UTF_8, 5),
        (NOT_UTF_8, 6),
    ]
    assert result.rejected[0][2] == b"5"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[{"a":"1"}]\n{"a":"2"}\n', "text stands behind the array, near byte 11"),
        (b'[{"a":"1"}]]', "text stands behind the array"),
        (b'[{"a":"1"}', "the array is cut off, near byte 10"),
        (b'[{"a":"1"},', "the array is cut off"),
        (b'[{"a":"1"},{"a":"2', "a string is never closed, near byte 16"),
        (b'[{"a":[1,', "cut off: 2 brackets are open"),
        (b'[{"a":"1"},]', "a bracket too many"),
        (b'[{"a":"1"},,{"a":"2"}]', "a separator, a bracket or a value is missing"),
        (b'[{"a":"1"} {"a":"2"}]', "neither , nor ] behind an entry"),
        (b'[{"a":"1"}}', "neither , nor ] behind an entry"),
        (b'[{"a":[1}]', "a bracket too many"),
        (b'[{"a":"x"y"},{"a":"},{},{"},{"a":"z"w"}]', "is missing, near byte 10"),
        (b'{"a":"1"}{"a":"2"}', "text stands behind the object"),
        (b'{"a":{"0":"1"}', "cut off: 1 brackets are open"),
        (b'{"a":{"0":"1', "a string is never closed, near byte 10"),
        (b'{"a","b"}', "neither : behind a value"),
        (b'{"a":\n1}}', "text stands behind the object"),
        (b"<html>\n</html>", "not JSON; allowed is an object or an array, found 14 bytes of HTML or XML"),
        (b"{'a': '1'}", "a key without quotes"),
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf \r\n\t\n", "the file is empty"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\xff\xfe{\x00", "UTF-16"),
    ],
)
def test_what_is_neither_lines_nor_one_value_is_refused(content: bytes, message: str, land: Land) -> None:
    with pytest.raises(ContractError, match=r"f\.json: ") as refused:
        land(content)
    assert message in str(refused.value)


def test_a_first_line_that_is_broken_costs_itself_only(land: Land) -> None:
    for first in (b'{"a":"1","b":', b"oops", b'{"a":"1', b'{"a":"1"} oops', b'{"a":"1"}{"a":"2"}', b'{"a":NaN}'):
        result = land(first + b'\n{"a":"2"}\n{"a":"3"}\n')
        assert [row[0] for row in result.rows] == ["2", "3"]
        assert result.rejected == [(NO_OBJECT, 1, first)]


@pytest.mark.parametrize(
    ("content", "row"),
    [
        (b'{"a":"1","b":"x"}', ("1", "x")),
        (b'{\n "a": "1",\n "b": {\n  "k": 1\n }\n}\n', ("1", '{"k":1}')),
        (b'{"a":{"k":"1"},"b":"x"}\n\n', ('{"k":"1"}', "x")),
        (b'{"a":{"e":"q"},"b":{"f":["d"]}}', ('{"e":"q"}', '{"f":["d"]}')),
        (b'{"a":{"e":"q"},"b":{}}', ('{"e":"q"}', "{}")),
    ],
)
def test_an_object_whose_values_agree_in_no_index_is_one_record(content: bytes, row: Any, land: Land) -> None:
    assert land(content).rows == [(*row, None)]


def test_columns_may_be_empty(land: Land) -> None:
    result = land(b'{"a":{},"b":{ }}')
    assert (result.rows, list(result.columns)) == ([], ["a", "b"])


def test_values_of_columns_are_rejected_by_index(land: Land) -> None:
    content = b'{"a":{"0":"x","1":NaN,"2":"\xe9","3":"z","5":"w"},"b":{"0":1,"1":2,"2":3,"4":4,"5":5}}'
    result = land(content)
    assert result.rows == [("x", "1", None), ("w", "5", None)]
    assert sorted(result.rejected, key=lambda one: one[1]) == [
        (NO_OBJECT, 1, b'{"a":NaN,"b":2}'),
        (NOT_UTF_8, 2, b'{"a":"\xe9","b":3}'),
        ("no value for ['b']", 3, b'{"a":"z"}'),
        ("no value for ['a']", 5, b'{"b":4}'),
    ]


def test_an_index_or_a_column_that_stands_there_twice_loses_no_value(land: Land) -> None:
    assert land(b'{"a":{"0":"x","0":"y"},"b":{"0":1}}').rows == [("y", "1", '{"a":"x"}')]
    assert land(b'{"a":{"0":"x"},"a":{"0":"y"},"b":{"0":1}}').rows == [("y", "1", '{"a":"x"}')]


@pytest.fixture
def records_of_80_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (json_source, json_lines, json_array, json_object, json_batches):
        monkeypatch.setattr(module, "MAX_RECORD", 80)
    for module in (json_lines, json_batches):
        monkeypatch.setattr(module, "SHOWN", 20)


@pytest.mark.parametrize("chunk", [1, 30, 1000])
@pytest.mark.parametrize("end", [b"\n", b""])
@pytest.mark.usefixtures("records_of_80_bytes")
def test_a_line_that_is_too_long_is_rejected_with_its_beginning(
    chunk: int, end: bytes, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CHUNK", chunk)
    long = b'{"a":"' + b"x" * 73 + b'"}'
    fits = long.replace(b"xx", b"x", 1)
    result = land(b'{"a":"1"}\n' + fits + b"\n" + long + b'\n{"a":"2"}\n' + long + end)
    assert [row[0] for row in result.rows] == ["1", "x" * 72, "2"]
    assert result.reasons == [("longer than 16777216 bytes", 3), ("longer than 16777216 bytes", 5)]
    assert {text for _, _, text in result.rejected} == {long[:20]}


@pytest.mark.parametrize("chunk", [1, 30, 1000])
@pytest.mark.usefixtures("records_of_80_bytes")
def test_an_entry_that_is_too_long_is_rejected_and_the_others_land(
    chunk: int, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CHUNK", chunk)
    fits = b'{"a":"' + b"x" * 72 + b'"}'
    assert len(land(b"[" + fits + b" " * 90 + b"," + b" " * 90 + fits + b"]").rows) == 2
    for long in (
        b'{"a":"' + b"x" * 73 + b'"}',
        b'{"a":"' + b'\\\\\\"' * 99 + b'\\\\"}',
        b'{"a":[' + b"12, " * 99 + b'{"b":"}"}], "c":' + b"7" * 200 + b"}",
    ):
        result = land(b"[" + fits + b"," + long + b" , " + fits + b"]")
        assert [row[0] for row in result.rows] == ["x" * 72] * 2
        assert result.rejected == [("longer than 16777216 bytes", 1, long[:20])]
        with pytest.raises(ContractError, match="cut off"):
            land(b"[" + fits + b"," + long[:-1])


@pytest.mark.usefixtures("records_of_80_bytes")
def test_a_row_of_columns_that_is_too_long_is_rejected(land: Land) -> None:
    result = land(b'{"a":{"0":"x","1":"' + b"y" * 80 + b'","2":"z"}}')
    assert [row[0] for row in result.rows] == ["x", "z"]
    assert [one[:2] for one in result.rejected] == [("longer than 16777216 bytes", 1)]


def test_only_an_object_has_to_fit_max_value_mb(land: Land, tmp_path: Path) -> None:
    filler = b" " * 2**20
    array = b'[{"a":"1"},' + filler + b'{"a":"2"}]'
    broken_first_line = b'{"a":"1","b":\n{"a":"2"}\n{"a":"3"}\n' + filler
    assert [len(land(content, max_value_mb=1).rows) for content in (array, broken_first_line)] == [2, 2]
    for content in (b'{"a":"1",' + filler + b'"b":"x"}', b'{\n"a":"1",\n' + filler + b'"b":"x"}'):
        assert land(content, max_value_mb=2).rows == [("1", "x", None)]
        with pytest.raises(ContractError, match=r"1048\d\d\d bytes as a single object, allowed are 1 MB"):
            land(content, max_value_mb=1)
