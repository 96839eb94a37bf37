import csv
import gc
import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.clients import store
from jobs.contracts.mapping import Mapping
from jobs.errors import ContractError
from jobs.landing.split import Counts
from jobs.sources import csv_records, csv_split
from jobs.sources.csv_frame import find_footer, pass_no_header, read_header
from jobs.sources.csv_grammar import WIDE, Grammar
from jobs.sources.csv_split import CsvSplit

Rows = list[tuple[str | None, ...]]
Rejects = list[tuple[str, int, bytes]]


@pytest.fixture(params=[7, 64, 8 * 2**20], ids=lambda size: f"chunks of {size}")
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The same answer is wanted whatever happens to be in memory."""
    monkeypatch.setattr(store, "CHUNK", request.param)
    monkeypatch.setattr(csv_split, "BLOCK", request.param)
    return int(request.param)


def splits_of(file: Path, size: int = 2**30) -> Iterator[CsvSplit]:
    (found,) = store.look(file.parent, file.name)
    header, at, line, _ = read_header(file.parent, found, Grammar(), found.uri)
    mapping = Mapping(header, {f"c{number}": number for number in range(len(header))}, (), {})
    for start in range(0, max(found.size, 1), size):
        begin, end = (at, max(size, at)) if start == 0 else (max(start, at), start + size)
        yield CsvSplit(file.parent, found, found.uri, mapping, begin, end, line, start <= at)


def read(split: CsvSplit) -> tuple[Rows, Rejects, Counts]:
    rejects: Rejects = []
    counts = Counts(lambda *record: rejects.append(record))
    rows = [tuple(row.values())[:-1] for batch in split.read_batches(counts) for row in batch.to_pylist()]
    assert counts.records == len(rows) + len(rejects)
    return rows, rejects, counts


def read_whole(folder: Path, content: bytes) -> tuple[Rows, Rejects]:
    file = folder / "file.csv"
    file.write_bytes(content)
    (split,) = splits_of(file)
    rows, rejects, counts = read(split)
    assert counts.end_byte == len(content)
    return rows, rejects


def written(header: list[str], rows: list[list[Any]], end: str = "\n") -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerows([header, *rows])
    return text.getvalue().encode()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_text_lands_as_it_was_written(chunk: int, end: str, tmp_path: Path) -> None:
    choose = random.Random(7)
    texts = ["a", 'say "hi"', "two\r\nlines", "a,b", '"', "é", '""', "x" * 40, "\n", " 1 ", "19.90", "1e400"]
    rows = [[choose.choice(texts) for _ in range(3)] for _ in range(200)]
    assert read_whole(tmp_path, written(["a", "b", "c"], rows, end)) == ([tuple(row) for row in rows], [])


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"a,b\n", []),
        (b"a,b", []),
        (b"a,b\n1,2", [("1", "2")]),
        (b"a,b\n1,2\n", [("1", "2")]),
        (b'a,b\n"1\n",2\n', [("1\n", "2")]),
        (b"\xef\xbb\xbfa,b\r\n1,2", [("1", "2")]),
        (b'a,b\n,""\n', [(None, "")]),
        (b"\n\na,b\n\n1,2\n\r\n", [("1", "2")]),
        (b'a,b\n3" pipe,"one\ntwo"\n', [('3" pipe', "one\ntwo")]),
        (b'a\n""\n', [("",)]),
    ],
)
def test_what_is_sound_lands(chunk: int, content: bytes, rows: Rows, tmp_path: Path) -> None:
    assert read_whole(tmp_path, content) == (rows, [])


@pytest.mark.parametrize(
    ("content", "rows", "rejects"),
    [
        (b"a,b\n1\n2,z\n", [("2", "z")], [("1 fields, the header has 2", 2, b"1\n")]),
        (b'a,b\n1,"x\ny",z\n2,w\n', [("2", "w")], [("3 fields, the header has 2", 2, b'1,"x\ny",z\n')]),
        (b'a,b\n1,"x\n\0"\n2,z', [("2", "z")], [("NUL byte", 2, b'1,"x\n\0"\n')]),
        (b'a,b\n1,"\xff\nz"\n2,w\n', [("2", "w")], [("not UTF-8", 2, b'1,"\xff\nz"\n')]),
        (b"a,b\n1,x\ry\n2,z\n", [("2", "z")], [(csv_records.UNREADABLE, 2, b"1,x\ry\n")]),
        (b'a,b\n1,"x"y\n2,z\n', [("2", "z")], [(csv_records.UNREADABLE, 2, b'1,"x"y\n')]),
        (b'a,b\n1,"x\n2,z\n', [("2", "z")], [(csv_records.UNREADABLE, 2, b'1,"x\n')]),
        (b'a,b\n1,"x\n2,"z"\n', [("2", "z")], [(csv_records.UNREADABLE, 2, b'1,"x\n')]),
        (b'a,b\n1,"x\ny"z\n2,w\n', [("2", "w")], [(csv_records.UNREADABLE, 2, b'1,"x\ny"z\n')]),
    ],
)
def test_what_cannot_be_read_is_rejected_as_one_record(
    chunk: int, content: bytes, rows: Rows, rejects: Rejects, tmp_path: Path
) -> None:
    assert read_whole(tmp_path, content) == (rows, rejects)


@pytest.mark.parametrize("tail", [b'"\n3,z\n', b"\n3,z\n"], ids=["closed", "never closed"])
def test_a_record_longer_than_memory_should_hold_is_one_rejected_record(
    tail: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CHUNK", 16)
    monkeypatch.setattr(csv_split, "BLOCK", 16)
    monkeypatch.setattr(csv_records, "MAX_RECORD", 64)
    rows, rejects = read_whole(tmp_path, b'a,b\n1,x\n2,"' + b"y" * 100 + tail)
    assert rows == [("1", "x"), ("3", "z")]
    assert [(reason, line) for reason, line, _ in rejects] == [(csv_records.TOO_LONG, 3)]


@pytest.mark.parametrize("size", [64, 65, 100, 1000])
def test_splits_follow_each_other_wherever_they_are_cut(size: int, tmp_path: Path) -> None:
    rows = [[f"{number}", 'a "quoted"\ntext', "x,\n" * (number % 5)] for number in range(200)]
    file = tmp_path / "file.csv"
    file.write_bytes(written(["a", "b", "c"], rows))
    found: Rows = []
    end = None
    for split in splits_of(file, size):
        part, rejects, counts = read(split)
        if end is not None and counts.first_byte != end:  # guessed wrong: read again from where the one before ended
            part, rejects, counts = read(split.start_at(end))
        assert rejects == []
        found, end = found + part, counts.end_byte
    assert end == file.stat().st_size
    assert found == [tuple(text or None for text in row) for row in rows]


def test_a_table_wider_than_any_pattern_is_read_all_the_same(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(WIDE + 1)]
    row = ['two\n"lines"', *names[1:]]
    assert read_whole(tmp_path, written(names, [row])) == ([tuple(row)], [])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"the file is empty \(0 bytes\)"),
        (b"\n\n", "blank lines and no header"),
        (b"a,b\r1,2\r", "its lines end with CR alone"),
        (b'a,"b\n', r"the header \(line 1, 5 bytes\) cannot be read: quotes or line ends"),
        (b"a,\xff\n", "the header .* cannot be read: not UTF-8"),
        (b"\x1f\x8b\x08", "gzip data under another name"),
        ("a,b\n".encode("utf-16"), "UTF-16; allowed is UTF-8"),
    ],
)
def test_a_file_without_a_header_is_refused_and_says_why(content: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=words):
        read_whole(tmp_path, content)


@pytest.mark.parametrize(
    ("view", "end"),
    [
        (b"1,2\n3,4\n5", 8),
        (b'1,"a\nb"\n3,"4\n', 8),
        (b'1,"a\nb",3\n"', 10),
        (b'1,"a" ,2\n', 0),
        (b'1,3" x\n', 0),
        (b"1,\0\n", 0),
        (b"1,x\ry\n", 0),
        (b"1,\xff\n", 0),
        (b'"a\nb', 0),
    ],
)
def test_only_a_block_whose_bytes_prove_it_is_parsed_at_once(view: bytes, end: int) -> None:
    assert Grammar().find_provable_end(view) == end


def test_a_byte_that_an_encoding_does_not_have_rejects_its_record_and_is_shown_as_an_escape(tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(b"a;b\n1;\x80 \xe9\n2;\xe9\x81\n3;,\n")
    (found,) = store.look(tmp_path, file.name)
    grammar = Grammar(b";", "windows-1252")
    header, at, line, _ = read_header(tmp_path, found, grammar, found.uri)
    mapping = Mapping(header, {"a": 0, "b": 1}, (), {})
    rows, rejects, _ = read(CsvSplit(tmp_path, found, found.uri, mapping, at, found.size, line, True, grammar))
    assert rows == [("1", "€ é"), ("3", ",")]
    assert rejects == [("not windows-1252", 3, "2;é\\x81\n".encode())]


def test_a_mark_of_another_encoding_than_the_contracts_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(b"\xef\xbb\xbfa;b\n")
    (found,) = store.look(tmp_path, file.name)
    with pytest.raises(ContractError, match="a byte order mark of UTF-8; encoding = 'windows-1252' is expected"):
        read_header(tmp_path, found, Grammar(b";", "windows-1252"), found.uri)


def input_of(folder: Path, content: bytes) -> tuple[Path, store.Input, str]:
    (folder / "file.csv").write_bytes(content)
    (found,) = store.look(folder, "file.csv")
    return folder, found, found.uri


def test_what_stands_before_a_header_is_passed_and_counted(tmp_path: Path) -> None:
    root, file, uri = input_of(tmp_path, b'\xef\xbb\xbfReport "1\n\n# a\n\na,b\n1,2\n')
    found = read_header(root, file, Grammar(comment=b"#"), uri, skip_rows=2)
    assert (found.names, found.line, found.apart) == (("a", "b"), 6, {"skipped lines": 2, "comment lines": 1})
    with pytest.raises(ContractError, match="6 lines and no header behind them; skip_rows = 9"):
        read_header(root, file, Grammar(), uri, skip_rows=9)


def test_a_file_without_a_header_that_has_one_is_refused(tmp_path: Path) -> None:
    root, file, uri = input_of(tmp_path, b'\n"a",b\n')
    assert pass_no_header(root, file, Grammar(), uri, ("b", "a")).at == 0
    with pytest.raises(ContractError, match="line 2 is a header, and its source contract says header = false"):
        pass_no_header(root, file, Grammar(), uri, ("a", "b"))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"a\n1\nTOTAL 1\n", (4, None)),
        (b"a\r\n1\r\nTOTAL\r\n\r\n\n", (6, None)),
        (b"a\n1\n\nTOTAL", (5, None)),
        (b"a\n1\n", None),
        (b"a\nTOTAL\n1\n", None),
        (b"", None),
        (b"a\n" + b"TOTAL" * 20_000, None),
    ],
)
def test_a_footer_is_what_its_source_contract_says_or_the_file_is_refused(
    content: bytes, found: tuple[int, int | None] | None, tmp_path: Path
) -> None:
    root, file, uri = input_of(tmp_path, content)
    if found:
        assert find_footer(root, file, Grammar(), uri, ("TOTAL",)) == found
        return
    with pytest.raises(ContractError, match=r"the last line but 0 does not begin with 'TOTAL' \(footer\)"):
        find_footer(root, file, Grammar(), uri, ("TOTAL",))


def test_a_footer_may_say_how_many_records_there_are(tmp_path: Path) -> None:
    root, file, uri = input_of(tmp_path, "a\n1\nÉnd: 12 rows\nOK\n".encode("windows-1252"))
    footer = ("Énd: {rows} rows", "OK")
    assert find_footer(root, file, Grammar(encoding="windows-1252"), uri, footer) == (4, 12)


def test_a_file_is_closed_with_the_last_that_reads_it_whether_cycles_are_collected_or_not(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\n" + b"1,2\n" * 100_000)
    gc.disable()
    try:
        for split in splits_of(tmp_path / "a.csv"):
            read_header(split.root, split.file, Grammar(), split.uri)
        assert [path for path in Path("/proc/self/fd").iterdir() if path.resolve().name == "a.csv"] == []
    finally:
        gc.enable()
