"""An .xlsx file's own parts (ECMA-376): its sheets, and what is in one, counted apart from who reads its cells."""

import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import iterparse

from jobs.errors import ContractError

_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


@dataclass
class Facts:
    """Of a sheet, below the row of its header or in it.

    `rows`: those with a value, below; `above`: those above. `merged`: ranges of cells that are shown as one.
    `first_uncomputed`: the row of the first formula that nobody has worked out, or 0.
    """

    rows: int = 0
    above: int = 0
    merged: int = 0
    uncomputed: int = 0
    first_uncomputed: int = 0


def find_sheets(file: zipfile.ZipFile, uri: str) -> dict[str, str]:
    """Name -> part, of the worksheets; charts are none. Raises ContractError where it is no Excel file."""
    try:
        targets = {
            found.get("Id", ""): posixpath.normpath(posixpath.join("/xl", found.get("Target", "")))[1:]
            for found in _find(file, "xl/_rels/workbook.xml.rels", "Relationship")
            if found.get("Type", "").endswith("/worksheet")
        }
        sheets = [
            (one.get("name", ""), one.get(_RELATION, one.get(_STRICT, "")))
            for one in _find(file, "xl/workbook.xml", "sheet")
        ]
    except (KeyError, ParseError):
        raise ContractError(
            f"{uri}: no Excel file (.xlsx): it holds no workbook; .xls, .xlsb and .ods are none"
        ) from None
    return {name: targets[key] for name, key in sheets if key in targets}


def _find(file: zipfile.ZipFile, part: str, name: str) -> Iterator[Element]:
    with file.open(part) as content:
        yield from (element for _, element in iterparse(content) if element.tag.rpartition("}")[2] == name)


def count_cells(content: IO[bytes], header_row: int) -> Facts:
    """Raises ParseError."""
    facts, row = Facts(), 0
    sheet: Element | None = None
    for event, element in iterparse(content, ("start", "end")):
        name = element.tag.rpartition("}")[2]
        if event == "start":
            sheet = element if name == "sheetData" else sheet
        elif name == "row":
            row = int(element.get("r", row + 1))
            _count_row(facts, element, row, header_row)
            if sheet is not None:
                sheet.clear()
        elif name == "mergeCell":
            facts.merged += _find_last_row(element.get("ref", "")) >= header_row
    return facts


def _count_row(facts: Facts, element: Element, row: int, header_row: int) -> None:
    cells = [cell for cell in element if cell.tag.endswith("}c")]
    if any(map(_has_value, cells)):
        facts.rows += row > header_row
        facts.above += row < header_row
    if row >= header_row and (uncomputed := sum(map(_is_uncomputed, cells))):
        facts.uncomputed += uncomputed
        facts.first_uncomputed = facts.first_uncomputed or row


def _has_value(cell: Element) -> bool:
    return any(part.text for part in cell.iter() if part.tag.endswith(("}v", "}t")))


def _is_uncomputed(cell: Element) -> bool:
    """A formula without a result; a text that is empty is one."""
    has_formula = any(part.tag.endswith("}f") for part in cell)
    return has_formula and cell.get("t") != "str" and not _has_value(cell)


def _find_last_row(reference: str) -> int:
    """`A10:B11` -> 11."""
    digits = "".join(filter(str.isdigit, reference.rpartition(":")[2]))
    return int(digits or 0)
