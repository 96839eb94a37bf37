import csv
import io
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.errors import ContractError
from jobs.reading import RejectedFile
from jobs.sources.csv import Facts, Split, lines, scan


def in_pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def scanned(content: bytes, size: int = 7) -> Facts:
    return scan(in_pieces(content, size), "file.csv")


def split(content: bytes, folder: Path) -> tuple[Facts, bytes, RejectedFile]:
    rejected = RejectedFile(folder)
    header = scan([content], "file.csv").header
    facts = Split("file.csv", len(header), rejected).write(lines([content]), folder / "clean.csv", Facts(header))
    rejected.close()
    return facts, (folder / "clean.csv").read_bytes(), rejected


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64, 10_000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_scan_counts_what_a_parser_reads_however_the_bytes_are_cut(size: int, end: str) -> None:
    choose = random.Random(7)
    fields = ["", "a", 'say "hi"', "two\nlines", "a,b", '"', "é", '""', "x" * 40, "\n"]
    rows = [[choose.choice(fields) for _ in range(3)] for _ in range(200)]
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerows([["a", "b", "c"], *rows])
    facts = scanned(text.getvalue().encode(), size)
    assert (facts.rows, facts.multiline, facts.suspect) == (200, True, "")
    assert facts.header == ("a", "b", "c")


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"a,b\n", 0),
        (b"a,b", 0),
        (b"a,b\n1,2", 1),
        (b"a,b\n1,2\n", 1),
        (b'a,b\n"1\n",2\n', 1),
        (b"\xef\xbb\xbfa,b\r\n1,2", 1),
    ],
)
def test_the_last_line_counts_with_or_without_its_end(content: bytes, rows: int) -> None:
    assert scanned(content).rows == rows
    assert scanned(content).header == ("a", "b")


@pytest.mark.parametrize(
    ("content", "suspect"),
    [
        (b'a,b\n"1,2\n', "a quote is never closed"),
        (b'a,b\n"1" x,2\n', "quotes in odd places"),
        (b'a,b\n5" pipe,2\n6" pipe,2\n', "quotes in odd places"),
        (b'a,b\n5",2\n6",2\n', "quotes in odd places"),
        (b"a,b\n1,\xe92\n", "NUL bytes, or bytes that are not UTF-8"),
        (b"a,b\n1,\x002\n", "NUL bytes, or bytes that are not UTF-8"),
        (b"a,b\n1,2\n\n1,2\n", "blank lines"),
        (b"a,b\r\n\r\n1,2\r\n", "blank lines"),
        (b"a,b\n1,2\r3\n", "a carriage return that ends no line"),
    ],
)
def test_odd_bytes_make_a_file_suspect(content: bytes, suspect: str) -> None:
    assert scanned(content, 10_000).suspect == suspect
    assert scanned(content, 1).suspect


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\xff\xfea\x00", "UTF-16"),
        (b"\xe9,b\n", "header line"),
        (b'"a\n', "header line"),
    ],
)
def test_what_is_no_csv_at_all_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        scan([content] if content else [], "file.csv")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1\n", "1 fields, the header has 2"),
        (b"1,2,3\n", "3 fields, the header has 2"),
        (b"1,\xe9\n", "not UTF-8"),
        (b"1,\x00\n", "NUL byte"),
        (b'1,"2" x\n', "quotes or line ends that cannot be read"),
        (b'1,"2\n', "quotes or line ends that cannot be read"),
        (b"1,2\r3\n", "quotes or line ends that cannot be read"),
    ],
)
def test_a_bad_record_is_rejected_with_reason_line_and_bytes_and_its_neighbours_stay(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    facts, clean, rejected = split(b"a,b\nx,y\n" + line + b'"two\nlines",z\nu,v\n', tmp_path)
    assert clean == b'a,b\nx,y\n"two\nlines",z\nu,v\n'
    assert (facts.rows, rejected.rows, rejected.reasons) == (4, 1, {reason: 1})
    assert '"_position": 3' in rejected.path.read_text()


def test_every_byte_of_a_hostile_file_is_kept_on_one_side(tmp_path: Path) -> None:
    choose = random.Random(3)
    pieces = [b"1,2\n", b'"', b",", b"\n", b"x", b"\xe9", b'1,"a\nb"\n', b'5",6\n', b'"open,1\n']
    for number in range(300):
        content = b"a,b\n" + b"".join(choose.choice(pieces) for _ in range(choose.randrange(1, 30)))
        folder = tmp_path / str(number)
        folder.mkdir()
        facts, clean, rejected = split(content, folder)
        sound = list(csv.reader(io.StringIO(clean.decode(), newline=""), strict=True))[1:]
        assert len(sound) + rejected.rows == facts.rows
        assert all(len(row) == 2 for row in sound)
        kept = sum(line not in clean for line in content.split(b"\n") if line.strip())
        assert kept == 0 or rejected.rows > 0


def test_a_quote_that_is_never_closed_costs_its_own_line_only(tmp_path: Path) -> None:
    sound = b"".join(b"%d,2\n" % number for number in range(1000))
    facts, clean, rejected = split(b'a,b\n"1,2\n' + sound, tmp_path)
    assert (facts.rows, rejected.rows) == (1001, 1)
    assert clean == b"a,b\n" + sound
