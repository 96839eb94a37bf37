"""Every defect that a supplier may send one day, each as a small delivery of its own.

    python -m demo.hostile --out DIR [NAME...]

writes them as DIR/<name>/<the source's file name for 2025-11-21>.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from demo import hostile_calls as calls
from demo import hostile_others as others
from demo.faithful import file_name
from demo.hostile_calls import DAY, ROWS

Scope = Literal["file", "row", "value", "harmless"]
"""Where the defect lies.

file: nothing of the delivery can be trusted, so all its rows are bad.
row: `bad` records cannot be split into their columns.
value: all records can be split, and `bad` of them hold a value that a reader or Silver must judge.
harmless: unusual, but everything can be read, so nothing is bad.
"""
HostileSource = Literal["call_logs", "social_media", "customers"]


@dataclass(frozen=True)
class Hostile:
    """One delivery: `rows` records that an honest reader sees delivered, `bad` of them defective."""

    name: str
    source: HostileSource
    defect: str
    scope: Scope
    rows: int
    bad: int
    write: Callable[[], bytes]

    @property
    def file_name(self) -> str:
        return file_name(self.source, DAY)


def _file(name: str, source: HostileSource, defect: str, write: Callable[[], bytes], rows: int = ROWS) -> Hostile:
    return Hostile(name, source, defect, "file", rows, rows, write)


def _harmless(name: str, source: HostileSource, defect: str, write: Callable[[], bytes], rows: int = ROWS) -> Hostile:
    return Hostile(name, source, defect, "harmless", rows, 0, write)


def _row(name: str, source: HostileSource, defect: str, write: Callable[[], bytes], bad: int = 1) -> Hostile:
    return Hostile(name, source, defect, "row", ROWS, bad, write)


def _value(name: str, source: HostileSource, defect: str, write: Callable[[], bytes], bad: int = 1) -> Hostile:
    return Hostile(name, source, defect, "value", ROWS, bad, write)


def _call_logs() -> list[Hostile]:
    return [*_call_files(), *_call_rows(), *_call_values(), *_call_oddities()]


def _call_files() -> list[Hostile]:
    file = partial(_file, source="call_logs")
    renamed = partial(calls.with_header, "agent ID", "agentNumber")
    twice = partial(calls.with_header, "agent ID", "customeR iD")
    return [
        file("calls_unclosed_quote_midway", defect="a quote opened in row 150 swallows all rows after it",
             write=partial(calls.unclosed_quote, 150)),
        file("calls_header_renamed", defect="agent ID is now called agentNumber", write=renamed),
        file("calls_header_dropped", defect="the column agent ID is gone", write=calls.column_dropped),
        file("calls_header_twice", defect="two columns are called customeR iD", write=twice),
        file("calls_headers_collide", defect="agent ID and Agent_Id fall on one snake_case name",
             write=calls.two_names_for_one),
        file("calls_empty", defect="a file of 0 bytes", write=bytes, rows=0),
        file("calls_header_only", defect="a header and no rows", write=calls.header_only, rows=0),
        file("calls_gzip", defect="gzip under the name .csv", write=calls.gzipped),
        file("calls_semicolons", defect="; between the fields", write=partial(calls.with_delimiter, ";")),
        file("calls_utf_16", defect="UTF-16 with a byte order mark",
             write=lambda: b"\xff\xfe" + calls.faithful().decode().encode("utf-16-le")),
    ]  # fmt: skip


def _call_rows() -> list[Hostile]:
    row = partial(_row, source="call_logs")
    return [
        row("calls_short_row", defect="one row lacks its last two fields", write=calls.short_rows),
        row("calls_long_row", defect="one row has two fields too many",
            write=lambda: calls.with_line(lambda line: line + ",surplus,fields")),
        row("calls_bare_quote", defect='a quote within an unquoted field: Router "Delivery',
            write=partial(calls.with_category, 'Router "Delivery')),
        row("calls_unclosed_quote", defect="a quote opened in the last row is never closed",
            write=partial(calls.unclosed_quote, ROWS)),
        row("calls_junk_after_quote", defect='text after a closing quote: "Router"Delivery',
            write=partial(calls.with_category, '"Router"Delivery')),
        row("calls_lone_cr", defect="a carriage return within an unquoted field",
            write=partial(calls.with_category, "Router\rDelivery")),
        row("calls_truncated", defect="the file ends within its last row", write=calls.truncated),
        row("calls_too_many_bad", defect="one row in twenty lacks its last two fields",
            write=partial(calls.short_rows, *range(10, ROWS + 1, 20)), bad=ROWS // 20),
    ]  # fmt: skip


def _call_values() -> list[Hostile]:
    value = partial(_value, source="call_logs")
    return [
        value("calls_latin_1", defect="one category holds a latin-1 byte that is not UTF-8",
              write=calls.latin_1),
        value("calls_duplicate_ids", defect="one row twice, and one call ID again with another status",
              write=calls.duplicate_ids, bad=2),
        value("calls_future_dates", defect="two calls in the year 2199", write=calls.future_dates, bad=2),
        value("calls_not_a_date", defect="a call_start_time that reads not-a-date", write=calls.not_a_date),
        value("calls_nul_byte", defect="a NUL byte within a category",
              write=partial(calls.with_category, "Pay\0ments")),
        value("calls_huge_cell", defect="a category of 10 MB",
              write=lambda: calls.with_category("x" * calls.HUGE_CELL)),
        value("calls_quoted_newline", defect="a line feed within quotes, where no field ever had one",
              write=partial(calls.with_category, '"Router\nDelivery"')),
    ]  # fmt: skip


def _call_oddities() -> list[Hostile]:
    odd = partial(_harmless, source="call_logs")
    return [
        odd("calls_header_added", defect="a new last column callQueue", write=calls.column_added),
        odd("calls_bom", defect="a UTF-8 byte order mark before the blank header",
            write=lambda: b"\xef\xbb\xbf" + calls.faithful()),
        odd("calls_crlf", defect="lines end with CR LF", write=partial(calls.with_line_ends, "\r\n")),
        odd("calls_blank_lines", defect="three blank lines between the rows", write=calls.blank_lines),
        odd("calls_no_last_newline", defect="the last line has no end", write=lambda: calls.faithful()[:-1]),
        odd("calls_other_order", defect="the columns in reverse order", write=calls.columns_reversed),
        odd("calls_original", defect="none: what calls_corrected replaces", write=calls.faithful),
        odd("calls_corrected", defect="sent later under the same key: five rows changed, the last one gone",
            write=calls.corrected, rows=ROWS - 1),
    ]  # fmt: skip


def _social_media() -> list[Hostile]:
    file, row = partial(_file, source="social_media"), partial(_row, source="social_media")
    return [
        file("social_truncated", defect="the object ends within its last column", write=others.truncated),
        file("social_unequal_columns", defect="agent ID has one value less", write=others.unequal_columns),
        file("social_shifted_index", defect="agent ID counts from 1, the others from 0",
             write=others.shifted_index),
        file("social_column_missing", defect="the column agent ID is gone", write=others.column_missing),
        file("social_empty", defect="a file of 0 bytes", write=bytes, rows=0),
        file("social_no_columns", defect="an object without columns", write=lambda: b"{}", rows=0),
        file("social_html", defect="an HTML error page instead of JSON", write=others.html_page, rows=0),
        file("social_gzip", defect="gzip under the name .json", write=others.gzipped),
        row("social_broken_line", defect="JSON lines, one of them cut off",
            write=partial(others.json_lines, 150)),
        *_social_values(),
    ]  # fmt: skip


def _social_values() -> list[Hostile]:
    value, odd = partial(_value, source="social_media"), partial(_harmless, source="social_media")
    return [
        value("social_latin_1", defect="one category holds a latin-1 byte that is not UTF-8",
              write=others.latin_1),
        value("social_huge_cell", defect="a category of 10 MB", write=others.huge_cell),
        value("social_nested", defect="an object and an array as categories", write=others.nested, bad=2),
        value("social_duplicate_ids", defect="two complaint ids come twice",
              write=others.duplicate_ids, bad=2),
        odd("social_array", defect="an array of records", write=others.array),
        odd("social_json_lines", defect="one record a line", write=others.json_lines),
        odd("social_column_added", defect="a new column sentiment", write=others.column_added),
        odd("social_nulls_and_numbers", defect="agents as numbers, null for no resolution_date",
            write=others.nulls_and_numbers),
        odd("social_bom", defect="a UTF-8 byte order mark before the object",
            write=lambda: b"\xef\xbb\xbf" + others.faithful()),
    ]  # fmt: skip


def _customers() -> list[Hostile]:
    quoted = "a line feed, a comma and escaped quotes in every address"
    return [_harmless("customers_quoted", "customers", quoted, others.customers_quoted)]


DELIVERIES: dict[str, Hostile] = {
    delivery.name: delivery for delivery in (*_call_logs(), *_social_media(), *_customers())
}


def write(out: Path, name: str) -> Path:
    """Write one delivery as out/<name>/<file name>."""
    delivery = DELIVERIES[name]
    path = out / name / delivery.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(delivery.write())
    return path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.hostile", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("names", nargs="*", metavar="NAME", help="all of them when none is named")
    options = parser.parse_args()
    if unknown := set(options.names) - set(DELIVERIES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(DELIVERIES)}")
    for name in options.names or DELIVERIES:
        print(write(options.out, name))


if __name__ == "__main__":
    main()
