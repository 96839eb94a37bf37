"""Twenty rows of a feed as a delivery of their own, in which every value that tells of a person is another one."""

import bz2
import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from typing import assert_never

from jobs.adopt.dates import COMPACT, ISO, LOOSE
from jobs.adopt.draft import Draft
from jobs.adopt.forms import Form
from jobs.adopt.sample import Row
from jobs.contracts.deliveries import CsvDelivery, Delivery, FileDelivery, ParquetDelivery, PathsDelivery, XlsxDelivery

ROWS = 20
_COMMON = 10  # different values at most, of an attribute that tells of many
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def make_rows(draft: Draft) -> list[Row]:
    """One that has each column first, then the first ones. Equal keys stay equal."""
    contract, samples = draft.contract, draft.found.samples
    rows = list(samples.rows)
    having = [next((at for at, row in enumerate(rows) if row.get(header)), 0) for header in samples.headers]
    chosen = [rows[at] for at in [*dict.fromkeys([*sorted(having), *range(len(rows))])][:ROWS]]
    ids = {*contract.key, contract.subject}
    stand_ins: dict[str, dict[str, str]] = {}
    for header, column in contract.columns.items():
        form, kind = draft.forms[column], contract.personal.get(column)
        texts = dict.fromkeys(text for row in chosen if (text := row.get(header)) and text.strip())
        if kind:
            values = {*samples.list_values(header)}
            common = values if len(values) <= _COMMON else set[str]()
            stand_ins[header] = {
                text: text if kind == "attribute" and text in common else _stand_in(kind, text, number, form)
                for number, text in enumerate(texts, start=1)
            }
        elif column in ids:
            stand_ins[header] = {text: _number(text, number) for number, text in enumerate(texts, start=1)}
    return [_replace(row, stand_ins) for row in chosen]


def _replace(row: Row, stand_ins: Mapping[str, Mapping[str, str]]) -> Row:
    return {header: stand_ins.get(header, {}).get(value or "", value) for header, value in row.items()}


def _stand_in(kind: str, text: str, number: int, form: Form) -> str:
    """Of the same form, so that it is read as what it stands for would be."""
    match form.kind:
        case "day" | "moment":
            time = re.sub("[1-9]", "0", text[len(re.split("[ T]", text)[0]) :])
            return _write_day(form.written, date(1980, 1, number)) + time
        case "whole" | "decimal":
            return str(number)
        case "flag":
            return form.written
        case "text" if "@" in text:
            return f"person{number}@example.com"
        case "text" if kind == "contact" and re.fullmatch(r"[+0-9 ()/-]+", text):
            return f"+1 555 01{number:02}"
        case "text":
            return f"{kind.replace('_', ' ').capitalize()} {number}"


def _write_day(written: str, day: date) -> str:
    if written == COMPACT:
        return f"{day:%Y%m%d}"
    return (
        (ISO if written == LOOSE else written)
        .replace("yyyy", f"{day:%Y}")
        .replace("mm", f"{day:%m}")
        .replace("dd", f"{day:%d}")
    )


def _number(text: str, number: int) -> str:
    """An id of the same shape."""
    if _UUID.fullmatch(text):
        return f"00000000-0000-4000-8000-{number:012}"
    digits = sum(one.isdigit() for one in text)
    counted = iter(
        f"{number:0{digits}}"[-digits:] if text[:1] != "0" and not text.isdigit() else _count(digits, number)
    )
    plain = "".join(
        next(counted, "0") if one.isdigit() else "x" if one.islower() else "X" if one.isupper() else one for one in text
    )
    return plain if digits > 1 else f"{plain}{number}"


def _count(digits: int, number: int) -> str:
    return str(10 ** (digits - 1) + number)


def write_fixture(delivery: Delivery, headers: Sequence[str], rows: Sequence[Row], day: date) -> bytes:
    """As the delivery is written, typed values as their texts; what comes by no file as JSON lines."""
    if isinstance(delivery, XlsxDelivery):
        return _write_xlsx(delivery, headers, rows, day)
    if isinstance(delivery, ParquetDelivery):
        return _write_parquet(headers, rows)
    if not isinstance(delivery, CsvDelivery):
        text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
        return _pack(text.encode(), delivery)
    lines = io.StringIO(newline="")
    lines.writelines(f"line {number + 1}\n" for number in range(delivery.skip_rows))
    writer = csv.writer(
        lines,
        delimiter=delivery.delimiter,
        lineterminator="\n",
        quotechar=delivery.quote or '"',
        escapechar=delivery.escape or None,
        doublequote=not delivery.escape,
    )
    if delivery.header:
        writer.writerow(headers)
    writer.writerows([row.get(header) for header in headers] for row in rows)
    return _pack(lines.getvalue().encode(delivery.encoding), delivery)


def _pack(content: bytes, delivery: Delivery) -> bytes:
    match delivery.compression if isinstance(delivery, FileDelivery) else None:
        case None:
            return content
        case "gzip":
            return gzip.compress(content, mtime=0)
        case "bz2":
            return bz2.compress(content)
        case "zstd":
            import pyarrow as pa

            return bytes(pa.compress(content, codec="zstd"))
        case "zip":
            return _zip(content, delivery.kind)
        case _ as unknown:
            assert_never(unknown)


def _zip(content: bytes, ending: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(f"fixture.{ending}"), content)
    return packed.getvalue()


def _write_xlsx(delivery: XlsxDelivery, headers: Sequence[str], rows: Sequence[Row], day: date) -> bytes:
    import openpyxl

    book, packed = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    sheet.title = (delivery.sheet or "Sheet").format(date=day)
    for number in range(1, delivery.header_row):
        sheet.append([f"line {number}"])
    sheet.append([*headers])
    for row in rows:
        sheet.append([row.get(header) for header in headers])
    book.save(packed)
    return packed.getvalue()


def _write_parquet(headers: Sequence[str], rows: Sequence[Row]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    packed = io.BytesIO()
    pq.write_table(
        pa.table({header: pa.array([row.get(header) for row in rows], pa.string()) for header in headers}), packed
    )
    return packed.getvalue()


def place_fixture(draft: Draft, day: date) -> str:
    """Below a folder that may be an environment's `sources`."""
    match draft.contract.delivery:
        case PathsDelivery(paths=(template, *_)):
            return template.format(date=day).replace("*", "1")
        case _:
            return f"{draft.contract.name}/{draft.contract.name}_{day}.json"
