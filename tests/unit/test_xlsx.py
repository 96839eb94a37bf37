"""Cells become the text of the table in docs/sources.md; calamine, written in Rust, reads the same files otherwise."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from python_calamine import CalamineWorkbook

from jobs.contracts.deliveries import XlsxDelivery
from jobs.errors import ContractError
from jobs.sources import packed
from jobs.sources.typed import format_duration, format_moment, format_number
from jobs.sources.xlsx import choose_sheet, count, opened
from jobs.sources.xlsx_cells import format_cell, read_rows
from jobs.sources.xlsx_parts import Facts, find_sheets
from tests.conftest import DAY

PATHS = {"kind": "xlsx", "paths": ["x"]}
MIDNIGHT = datetime.fromisoformat("2025-11-20")
MOMENT = datetime.fromisoformat("2025-11-20 23:59:59.999")
VALUES: list[tuple[Any, str | None]] = [
    (1, "1"),
    (-5.0, "-5"),
    (1.5, "1.5"),
    (1e-7, "1e-07"),
    (1e20, "1e+20"),
    (2.0**53, "9007199254740992"),
    (19.9, "19.9"),
    (True, "true"),
    (False, "false"),
    (" a ", " a "),
    ("007", "007"),
    ('say "é"\nx', 'say "é"\nx'),
    ("_x0041__x005F_x0041_", "A_x0041_"),
    (date(2025, 11, 20), "2025-11-20"),
    (date(1900, 1, 1), "1900-01-01"),
    (date(1900, 3, 1), "1900-03-01"),
    (date(9999, 12, 31), "9999-12-31"),
    (MIDNIGHT, "2025-11-20"),
    (MOMENT, "2025-11-20 23:59:59.999"),
    (datetime.fromisoformat("2025-11-20 10:00:00"), "2025-11-20 10:00:00"),
    (time(10, 30), "10:30:00"),
    (time(0, 0), "00:00:00"),
    (timedelta(hours=26, minutes=3), "26:03:00"),
    (timedelta(seconds=-1), "-00:00:01"),
    (None, None),
]


def book(rows: list[list[Any]], change: Callable[[Any], object] = lambda _: None, title: str = "Data") -> bytes:
    made = Workbook()
    page: Any = made.active
    page.title = title
    for row in rows:
        page.append(row)
    change(page)
    made.save(file := io.BytesIO())
    return file.getvalue()


def rewrite(content: bytes, part: str, old: str, new: str) -> bytes:
    """A workbook with one of its parts changed."""
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(file := io.BytesIO(), "w") as after:
        for name in before.namelist():
            text = before.read(name)
            assert name != part or old.encode() in text
            after.writestr(name, text.replace(old.encode(), new.encode()) if name == part else text)
    return file.getvalue()


def read(folder: Path, content: bytes, **options: Any) -> tuple[list[dict[str, Any]], Facts, int]:
    """Records, facts by the sheet's own XML, and how many cells hold an error."""
    (path := folder / "x.xlsx").write_bytes(content)
    delivery = XlsxDelivery.model_validate(PATHS | options)
    with opened(path, "x", delivery.max_ratio) as archive:
        sheet = choose_sheet(find_sheets(archive, "x"), delivery, DAY, "x")
        facts = count(archive, sheet, delivery.header_row, "x")
        _, errors = read_rows(path, sheet[0], delivery.header_row, "x", out := io.BytesIO())
    return [json.loads(line) for line in out.getvalue().splitlines()], facts, errors


def test_a_cell_is_the_text_that_is_documented(tmp_path: Path) -> None:
    rows, facts, _ = read(tmp_path, book([["a", "b"], *([value, "x"] for value, _ in VALUES)]))
    assert [row["a"] for row in rows] == [text for _, text in VALUES]
    assert facts == Facts(rows=len(VALUES))


SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 20))]


@pytest.mark.parametrize("seed", SEEDS)
def test_another_reader_finds_the_same_cells(seed: int, tmp_path: Path) -> None:
    """Of what it tells otherwise: a whole day, and that a number is whole; and "" is nothing to it."""
    choose = Random(seed)
    values = [value for value, _ in VALUES if value != "_x0041__x005F_x0041_"]
    values += [choose.uniform(-1e6, 1e6) for _ in range(50)]
    values += [MIDNIGHT + timedelta(milliseconds=choose.randrange(-(10**12), 10**12)) for _ in range(50)]
    content = book([list("abcde"), *([choose.choice(values) for _ in "abcde"] for _ in range(200))])
    rows, facts, _ = read(tmp_path, content)
    theirs = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name("Data").to_python()
    filled = [[None if cell == "" else cell for cell in row] for row in theirs[1:] if any(cell != "" for cell in row)]
    assert [[*row.values()] for row in rows] == [[format_cell(cell) for cell in row] for row in filled]
    assert facts.rows == len(rows) > 190


def test_blank_rows_are_none_and_what_stands_above_the_header_is_counted(tmp_path: Path) -> None:
    rows = [["Report"], [], ["id", None, "n"], [1, None, 2], [], [None, "odd", None], [3]]
    found, facts, _ = read(tmp_path, book(rows), header_row=3)
    assert found == [{"id": "1", "n": "2"}, {"id": None, "column B": "odd", "n": None}, {"id": "3", "n": None}]
    assert (facts.rows, facts.above) == (3, 1)


def test_the_size_that_a_sheet_says_it_has_cuts_nothing(tmp_path: Path) -> None:
    content = book([["a", "b", "c"], [1, 2, 3], [4, 5, 6]])
    content = rewrite(content, "xl/worksheets/sheet1.xml", '<dimension ref="A1:C3" />', '<dimension ref="A1" />')
    assert read(tmp_path, content)[0] == [{"a": "1", "b": "2", "c": "3"}, {"a": "4", "b": "5", "c": "6"}]


def test_errors_and_merged_cells_are_counted_and_a_formula_without_a_result_refuses_the_file(tmp_path: Path) -> None:
    def merge(page: Any) -> None:
        page["B2"].data_type = "e"
        page.merge_cells("A1:B1")
        page.merge_cells("A3:A4")

    rows = [["Title"], ["a", "#N/A"], ["x", 1], [None, 2]]
    found, facts, errors = read(tmp_path, book(rows, merge), header_row=2)
    assert (found[1], facts.merged, errors) == ({"a": None, "#N/A": "2"}, 1, 0)
    with pytest.raises(ContractError, match="2 formulas without a result, the first in row 3; open the file in Excel"):
        read(tmp_path, book([["a"], [1], ["=1+1"], ["=A2"]]))
    computed = rewrite(book([["a"], ["=1+1"]]), "xl/worksheets/sheet1.xml", "<v /></c>", "<v>2</v></c>")
    assert read(tmp_path, computed)[0] == [{"a": "2"}]
    error = rewrite(
        computed, "xl/worksheets/sheet1.xml", '<c r="A2"><f>1+1</f><v>2', '<c r="A2" t="e"><f>1/0</f><v>#DIV/0!'
    )
    assert (read(tmp_path, error)[0], read(tmp_path, error)[2]) == ([{"a": "#DIV/0!"}], 1)


def two_sheets() -> bytes:
    def add(page: Any) -> None:
        other = page.parent.create_sheet(f"Day {DAY}")
        other.append(["b"])
        other.append([2])

    return book([["a"], [1]], add)


def test_a_sheet_is_chosen_by_its_name_or_is_the_only_one(tmp_path: Path) -> None:
    assert read(tmp_path, two_sheets(), sheet="Day {date}")[0] == [{"b": "2"}]
    with pytest.raises(ContractError, match=r"it has 2 sheets; delivery\.sheet says which"):
        read(tmp_path, two_sheets())
    with pytest.raises(ContractError, match=r"none of its 2 sheets is called 'data' \(delivery.sheet\)"):
        read(tmp_path, two_sheets(), sheet="data")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no Excel file"),
        (b"a,b\n1,2\n", "no Excel file"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), r"an Excel file with a password, or of before 2007 \(.xls\)"),
        (book([["a"], [1]])[:-40], "no Excel file"),
        (book([]), "row 1 is blank; the header is expected there"),
        (book([["a", "b", "a"]]), "row 1 has a name more than once, in columns A, C"),
        (book([[f"c{at}" for at in range(5001)]]), "5001 columns, allowed are 5000"),
        (rewrite(book([["a"]]), "xl/workbook.xml", "<sheets>", "<sheets"), "no Excel file"),
        (rewrite(book([["a"], [1]]), "xl/worksheets/sheet1.xml", "</row>", "</rov>"), "no Excel file"),
        (rewrite(book([["a"], [1]]), "xl/worksheets/sheet1.xml", "<v>1<", "<v>one<"), "ValueError in it"),
    ],
    ids=["nothing", "text", "xls", "cut off", "blank", "twice", "too wide", "no XML", "another", "no number"],
)
def test_what_is_no_sheet_with_a_header_is_refused_and_says_why(content: bytes, why: str, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=why):
        read(tmp_path, content)


def test_a_file_that_becomes_more_than_its_size_allows_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "ROOM", 2**10)
    with pytest.raises(ContractError, match=r"unpacked it has \d+ bytes, allowed are \d+ \(delivery.max_ratio\)"):
        read(tmp_path, book([["a"], *([1] for _ in range(2000))]), max_ratio=1)


def test_entities_of_xml_are_not_followed(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet'
    content = rewrite(book([["a"], [1]]), "xl/worksheets/sheet1.xml", "<worksheet", bomb)
    with pytest.raises(ContractError, match="no Excel file"):
        read(tmp_path, content)


def test_numbers_and_moments_are_written_in_one_way_whatever_they_come_in() -> None:
    assert [format_number(one) for one in (0.1 + 0.2, -0.0, 2.0**60, float("nan"))] == [
        *("0.30000000000000004", "0", "1.152921504606847e+18", "nan")
    ]
    assert format_moment(date(1, 2, 3)) == "0001-02-03"
    assert format_duration(timedelta(days=-1, microseconds=1)) == "-23:59:59.999999"
    assert get_column_letter(703) == "AAA"
