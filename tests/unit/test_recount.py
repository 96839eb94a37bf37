"""Another reader counts what ours counted, or says that it cannot."""

import csv
import io
from typing import Any

import pytest

from jobs.contracts.deliveries import CsvDelivery
from jobs.sources.recount import count_json
from jobs.sources.recount_csv import count_csv

PLAIN = CsvDelivery(kind="csv", paths=("x",))


def dialect(**options: Any) -> CsvDelivery:
    return CsvDelivery(kind="csv", paths=("x",), **options)


def text(content: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content), "latin-1", newline="\n")


@pytest.mark.parametrize(
    ("content", "records"),
    [
        (b"a,b\n1,2\n3,4\n", 2),
        (b"a,b\r\n1,2\r\n\r\n3,4", 2),
        (b'a,b\n"1\n\n2",3\n"say ""hi""",5\n', 2),
        (b"a,b\n1\n1,2,3\n", 2),
        (b'a,b\n3" pipe,x\n\xff\x00,\xc3\xa9\n', 2),
        (b"a,b\n", 0),
        (b"\xef\xbb\xbfa\nx\x85y\n", 1),
    ],
)
def test_csv_is_counted_record_by_record(content: bytes, records: int) -> None:
    assert count_csv(text(content), PLAIN) == records


def test_csv_is_counted_by_its_delimiter() -> None:
    content = b'a;b\n"1;\n";2\n3" pipe;"x"\n'
    assert count_csv(text(content), dialect(delimiter=";")) == 2
    with pytest.raises(csv.Error):
        count_csv(text(b'a;b\n1;"x,y"z\n'), dialect(delimiter=";"))


@pytest.mark.parametrize(
    ("options", "content", "records"),
    [
        ({"header": False}, b'\xef\xbb\xbf"a",b\n1,2\n', 2),
        ({"comment": "#"}, b'# a\na,b\n#"\n1,"\n# no comment"\n#\n3,4\n', 2),
        ({"skip_rows": 2}, b'Report "1\n\na,b\n1,2\n', 1),
        ({"footer": ("END", "x")}, b'a,b\n1,2\n\nEND "\n\nx\n\n', 1),
        ({"quote": "'"}, b"a,b\n'1\n\n',2\n\"x,y\n", 2),
        ({"quote": ""}, b'a,b\n"1\n,2\n"', 3),
        ({"escape": "\\"}, b'a,b\n"1\\"\n",2\nC:\\,D:\\\n"\\\\",3\r\n\\"\n', 4),
    ],
)
def test_csv_is_counted_as_its_source_contract_has_it(options: dict[str, Any], content: bytes, records: int) -> None:
    assert count_csv(text(content), dialect(**options)) == records


@pytest.mark.parametrize("content", [b'a,b\n"1,2\n3,4\n', b'a,b\n"1"x,2\n', b"a,b\n1\r2,3\n"])
def test_csv_that_python_would_read_otherwise_is_not_counted(content: bytes) -> None:
    with pytest.raises(csv.Error):
        count_csv(text(content), PLAIN)


@pytest.mark.parametrize(
    ("content", "records"),
    [
        (b'{"a": 1}\n{"a": 2}\n', 2),
        (b'\n{"a": 1}\n \r\n{"a": 2}', 2),
        (b'{"a": 1}\nbroken\n{"a": 3}\n', 3),
        (b'broken\n{"a": 2}\n{"a": 3}', 3),
        (b'{"a": 1}', 1),
        (b'{"a":\n 1}\n', 1),
        (b'{"a": {"0": 1, "1": 2}, "b": {"0": 3, "1": 4}}', 2),
        (b'{"a": {"0": 1, "1": 2}, "b": {"1": 3, "2": 4}}', 3),
        (b'{"a": {"0": 1}, "b": {"7": 3}}', 1),
        (b'{"a": {"0": 1}, "b": 3}', 1),
        (b'{"a": {}, "b": {}}', 0),
        (b"[]", 0),
        (b'\xef\xbb\xbf [ {"a": "],\\" "} , {"a": [1, 2]}\n,7 ]\n', 3),
        (b"[" + b",".join(b'{"a": "%s"}' % (b"x" * 90_000) for _ in range(40)) + b"]", 40),
    ],
)
def test_json_is_counted_whatever_its_shape(content: bytes, records: int) -> None:
    assert count_json(text(content)) == records


@pytest.mark.parametrize("content", [b'[{"a": 1}, oops]', b'[{"a": 1} {"a": 2}]', b'[{"a": NaN}]', b'[{"a": 1}'])
def test_an_array_that_is_no_json_is_not_counted(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        count_json(text(content))
