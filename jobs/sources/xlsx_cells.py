"""The cells of an Excel sheet as JSON lines of texts, read by openpyxl."""

import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import date, time, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any

from jobs.errors import ContractError
from jobs.sources.reading import MAX_COLUMNS
from jobs.sources.typed import format_duration, format_moment, format_number
from jobs.sources.worksheet import name_column

# What openpyxl warns of would quote cells.
warnings.filterwarnings("ignore", module="openpyxl")


def read_rows(path: Path, sheet: str, header_row: int, uri: str, out: IO[bytes]) -> tuple[tuple[str, ...], int]:
    """Rows that are not blank go into `out`. The names of the columns, and how many cells hold an error."""
    with _reading(path, sheet, header_row, uri) as rows:
        header = read_header(next(rows, ()), header_row, uri)
        columns, errors = dict.fromkeys(filter(None, header)), 0
        for row in rows:
            texts = [format_cell(cell.value) for cell in row]
            errors += sum(cell.data_type == "e" for cell in row)
            if any(text is not None for text in texts):
                record = _name_values(header, texts)
                columns |= dict.fromkeys(record)
                out.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
    return tuple(columns), errors


def peek_widths(path: Path, sheet: str, uri: str, limit: int) -> list[int]:
    """How many cells of each of the first rows hold anything, by which a header may be found."""
    with _reading(path, sheet, 1, uri) as rows:
        return [sum(cell.value is not None for cell in row) for row in islice(rows, limit)]


@contextmanager
def _reading(path: Path, sheet: str, header_row: int, uri: str) -> Iterator[Iterator[Sequence[Any]]]:
    """The rows from that of the header on, as wide as each is. Raises ContractError."""
    import openpyxl

    with path.open("rb") as content, ExitStack() as stack:
        with _explained(uri):
            book: Any = stack.enter_context(closing(openpyxl.load_workbook(content, read_only=True, data_only=True)))
        page = book[sheet]
        page.reset_dimensions()  # what a file says of its size may be wrong, and would cut it
        yield _take_each(page.iter_rows(min_row=header_row), uri)


def _take_each(rows: Iterator[Sequence[Any]], uri: str) -> Iterator[Sequence[Any]]:
    while True:
        with _explained(uri):
            row = next(rows, None)
        if row is None:
            return
        yield row


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    """Whatever openpyxl stumbles over in a file that is a zip and has a workbook."""
    try:
        yield
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise ContractError(f"{uri}: no Excel file (.xlsx) that can be read: {type(error).__name__} in it") from None


def read_header(cells: Sequence[Any], header_row: int, uri: str) -> list[str]:
    """The columns' names, "" where there is none."""
    header = [format_cell(cell.value) or "" for cell in cells]
    names = [name for name in header if name]
    if not names:
        raise ContractError(f"{uri}: row {header_row} is blank; the header is expected there (delivery.header_row)")
    if len(header) > MAX_COLUMNS:
        raise ContractError(f"{uri}: {len(header)} columns, allowed are {MAX_COLUMNS}")
    if twice := [name_column(at) for at, name in enumerate(header) if name and names.count(name) > 1]:
        raise ContractError(
            f"{uri}: row {header_row} has a name more than once, in columns {', '.join(twice)}; one must go"
        )
    return header


def _name_values(header: list[str], texts: list[str | None]) -> dict[str, str | None]:
    """A value without a name keeps its column's letter."""
    record: dict[str, str | None] = {name: None for name in header if name}
    for at, text in enumerate(texts):
        name = header[at] if at < len(header) else ""
        if name or text is not None:
            record[name or f"column {name_column(at)}"] = text
    return record


def format_cell(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return format_number(value)
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, date | time):
        return format_moment(value)
    text = str(value)
    if "_x" not in text:
        return text
    from openpyxl.utils.escape import unescape

    return unescape(text)
