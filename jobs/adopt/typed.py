"""Excel and Parquet files -> how they are found in, and a sample, every value as the text that lands."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from jobs.adopt.objects import make_sample, parse_lines
from jobs.adopt.places import find_template
from jobs.adopt.questions import Answers, Question
from jobs.adopt.sample import MAX_ROWS, EnoughError, Lines, Row, Sample, Samples, require_rows
from jobs.clients import store
from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.contracts.deliveries import XlsxDelivery

Kind = Literal["xlsx", "parquet"]
_PROBED = 50  # rows that tell where the header is
_RATIO = XlsxDelivery.model_fields["max_ratio"].default


def tell_kind(root: Location, file: Input) -> Kind | None:
    """By how it begins; None: it is none of these."""
    head = next(store.stream(root, file), b"")[: 2**16]
    if head.startswith(b"PAR1"):
        return "parquet"
    is_office = any(part in head for part in (b"[Content_Types].xml", b"xl/workbook", b"_rels/.rels"))
    return "xlsx" if head.startswith(b"PK\x03\x04") and is_office else None


def read_typed(kind: Kind, root: Location, files: Sequence[Input], answers: Answers) -> tuple[dict[str, Any], Samples]:
    """The options of [delivery] and what is in the files. Raises ConfigurationError, ContractError."""
    if kind == "parquet":
        return {"kind": kind}, Samples(tuple(_read_parquet(root, file) for file in files))
    options: dict[str, Any] = {}
    samples = []
    for file in files:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "whole"
            with path.open("wb") as copy:
                copy.writelines(store.stream(root, file))
            options, sample = _read_xlsx(path, file.uri, answers)
            samples.append(sample)
    return {"kind": kind, **options}, Samples(tuple(samples))


def _read_parquet(root: Location, file: Input) -> Sample:
    from jobs.sources.parquet import opened
    from jobs.sources.parquet_text import to_text

    rows: list[Row] = []
    with opened(root, file) as parquet:
        names, records = tuple(parquet.schema_arrow.names), parquet.metadata.num_rows
        for batch in parquet.iter_batches(1_000):
            columns = [to_text(column).to_pylist() for column in batch.columns]
            rows += [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
            if len(rows) >= MAX_ROWS:
                break
    return require_rows(Sample(names, rows, is_whole=len(rows) == records), file.uri)


def _read_xlsx(path: Path, uri: str, answers: Answers) -> tuple[dict[str, Any], Sample]:
    from jobs.sources.xlsx import opened
    from jobs.sources.xlsx_cells import read_rows
    from jobs.sources.xlsx_parts import find_sheets

    with opened(path, uri, _RATIO) as archive:
        sheets = [*find_sheets(archive, uri)]
    sheet = _choose_sheet(sheets, answers)
    header_row = _find_header_row(path, sheet, uri)
    lines, is_whole = Lines(), True
    try:
        read_rows(path, sheet, header_row, uri, lines)
    except EnoughError:
        is_whole = False
    sample = make_sample(parse_lines(lines.taken), is_whole)
    template, _ = find_template([sheet], answers)
    options = {"sheet": template if len(sheets) > 1 else None, "header_row": header_row}
    return options, require_rows(sample, uri)


def _choose_sheet(sheets: Sequence[str], answers: Answers) -> str:
    if len(sheets) == 1:
        return sheets[0]
    found = answers.settle(Question("sheet", f"which of the {len(sheets)} sheets?", tuple(sheets)))
    answers.require_answered()
    return found


def _find_header_row(path: Path, sheet: str, uri: str) -> int:
    """The first one that is as wide as most are: what is above it is a title."""
    from jobs.sources.xlsx_cells import peek_widths

    widths = peek_widths(path, sheet, uri, _PROBED)
    ((usual, _),) = Counter(width for width in widths if width).most_common(1) or [(1, 0)]
    return next((row for row, width in enumerate(widths, start=1) if width >= usual), 1)
