"""Excel files (.xlsx): one sheet, cell by cell, as JSON lines of texts that are read like any (docs/sources.md)."""

import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException

from jobs.clients import store
from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.contracts.deliveries import XlsxDelivery
from jobs.contracts.mapping import map_columns
from jobs.errors import ContractError
from jobs.landing.split import Split
from jobs.sources import packed
from jobs.sources.files import Files
from jobs.sources.json_lines import cut_lines
from jobs.sources.reading import SKIPPED, Reading, Request, add_counts
from jobs.sources.xlsx_cells import read_rows
from jobs.sources.xlsx_parts import Facts, count_cells, find_sheets

_OLE = b"\xd0\xcf\x11\xe0"  # how .xls begins, and what has a password
_BROKEN = (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, ParseError, DefusedXmlException)


@dataclass(frozen=True)
class XlsxFiles(Files):
    """A delivery's files, each by its own header."""

    delivery: XlsxDelivery
    fills_scratch = True

    @contextmanager
    def read(self, request: Request, inputs: tuple[Input, ...]) -> Iterator[Reading]:
        """Raises ContractError."""
        tables = [self._make_lines(request, file) for file in inputs]
        filled = [table for table in tables if table.facts.rows]
        yield Reading(
            inputs=inputs,
            splits=[split for table in filled or tables[:1] for split in table.cut(request)],
            records=sum(table.facts.rows for table in tables),
            columns=tables[0].columns,
            drift=describe_oddities(tables),
            apart=add_counts({SKIPPED: table.facts.above} for table in tables if table.facts.above),
        )

    def _make_lines(self, request: Request, file: Input) -> "_Table":
        """Its rows as JSON lines in scratch."""
        whole = request.place(file.uri)
        lines = whole.with_suffix(".jsonl")
        with whole.open("wb") as copy:
            copy.writelines(store.stream(self.root, file))
        with opened(whole, file.uri, self.delivery.max_ratio) as archive, lines.open("wb") as out:
            sheet = choose_sheet(find_sheets(archive, file.uri), self.delivery, request.day, file.uri)
            facts = count(archive, sheet, self.delivery.header_row, file.uri)
            columns, errors = read_rows(whole, sheet[0], self.delivery.header_row, file.uri, out)
        map_columns(request.contract, columns, file.uri)
        return _Table(file.uri, lines, columns, facts, errors)


@dataclass(frozen=True)
class _Table:
    """A sheet as lines; `errors`: cells that hold one of Excel's, such as #N/A."""

    uri: str
    lines: Path
    columns: tuple[str, ...]
    facts: Facts
    errors: int

    def cut(self, request: Request) -> list[Split]:
        file = store.hand_over(self.lines, request.shared)
        return cut_lines(request.shared, file, self.uri, request.contract)


def describe_oddities(tables: Sequence[_Table]) -> dict[str, list[str]]:
    """As drift: what lands, and may not be what was meant."""
    errors, merged = sum(table.errors for table in tables), sum(table.facts.merged for table in tables)
    found = {"error_values": (errors, "cells"), "merged_cells": (merged, "ranges")}
    return {kind: [f"{what}: {number}"] for kind, (number, what) in found.items() if number}


@contextmanager
def opened(path: Path, uri: str, max_ratio: int) -> Iterator[zipfile.ZipFile]:
    """Raises ContractError where it is no zip, broken, or would become more than its size allows."""
    with path.open("rb") as file:
        head = file.read(len(_OLE))
    if head == _OLE:
        raise ContractError(
            f"{uri}: an Excel file with a password, or of before 2007 (.xls); ask for .xlsx without one"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            _require_room(archive, max(packed.ROOM, max_ratio * path.stat().st_size), uri)
            yield archive
    except _BROKEN:
        raise ContractError(
            f"{uri}: no Excel file (.xlsx) that can be read, or not all of it; ask for it again"
        ) from None


def _require_room(archive: zipfile.ZipFile, limit: int, uri: str) -> None:
    size = sum(one.file_size for one in archive.infolist())
    if size > limit:
        raise ContractError(f"{uri}: unpacked it has {size} bytes, allowed are {limit} (delivery.max_ratio)")


def choose_sheet(sheets: dict[str, str], delivery: XlsxDelivery, day: date, uri: str) -> tuple[str, str]:
    """The name and the part of the sheet that the source contract names, or of the only one. Raises ContractError."""
    wanted = delivery.sheet and delivery.sheet.format(date=day)
    found = [one for one in sheets.items() if wanted in (None, one[0])]
    if len(found) == 1:
        return found[0]
    if wanted is not None:
        raise ContractError(f"{uri}: none of its {len(sheets)} sheets is called {wanted!r} (delivery.sheet)")
    raise ContractError(f"{uri}: it has {len(sheets)} sheets; delivery.sheet says which")


def count(archive: zipfile.ZipFile, sheet: tuple[str, str], header_row: int, uri: str) -> Facts:
    """Raises ContractError where a cell's formula has no result: it would land as nothing."""
    with archive.open(sheet[1]) as content:
        facts = count_cells(content, header_row)
    if facts.uncomputed:
        raise ContractError(
            f"{uri}: {facts.uncomputed} formulas without a result, the first in row {facts.first_uncomputed}; "
            "open the file in Excel, save it, and send that"
        )
    return facts


def count_rows(root: Location, file: Input, delivery: XlsxDelivery, day: date) -> int:
    """Below its header, by the sheet's own XML. Raises ContractError."""
    with tempfile.TemporaryDirectory() as folder:
        (path := Path(folder) / "whole").write_bytes(b"".join(store.stream(root, file)))
        with opened(path, file.uri, delivery.max_ratio) as archive:
            sheet = choose_sheet(find_sheets(archive, file.uri), delivery, day, file.uri)
            return count(archive, sheet, delivery.header_row, file.uri).rows
