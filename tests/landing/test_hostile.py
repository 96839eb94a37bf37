"""Each hostile delivery has a named outcome: the table in docs/hostile-deliveries.md is this one."""

import csv
import io
from dataclasses import dataclass

import pytest

from demo.hostile import DELIVERIES, Hostile
from jobs.config.environment import ROOT
from jobs.contracts.deliveries import CsvDelivery
from jobs.ledger.ledger import Ledger
from jobs.sources.recount import count_json
from jobs.sources.recount_csv import count_csv
from tests.runner import Runner

FIELDS = "quotes or line ends that cannot be read"


@dataclass(frozen=True)
class Outcome:
    """`state` as the ledger shows it; `why` the reason of a rejection, or a part of the error."""

    state: str
    delivered: int | None = None
    rejected: int | None = None
    why: str = ""
    drift: str = ""


def landed(rows: int = 300, drift: str = "") -> Outcome:
    return Outcome("loaded", rows, 0, drift=drift)


def rejects(why: str, delivered: int = 300, rejected: int = 1) -> Outcome:
    return Outcome("loaded", delivered, rejected, why)


def refused(why: str) -> Outcome:
    return Outcome("refused", why=why)


EXPECTED = {
    "calls_unclosed_quote_midway": rejects(FIELDS),
    "calls_header_renamed": refused("column 'agent ID' (lands as agent_id) is gone"),
    "calls_header_dropped": refused("column 'agent ID' (lands as agent_id) is gone"),
    "calls_header_twice": refused("['customeR iD', 'customeR iD'] all fall on column 'customer_id'"),
    "calls_headers_collide": refused("['agent ID', 'Agent_Id'] all fall on column 'agent_id'"),
    "calls_empty": refused("the file is empty (0 bytes), not even a header"),
    "calls_header_only": landed(0),
    "calls_gzip": refused("gzip data under another name"),
    "calls_semicolons": refused("is one field with ';' in it: delivery.delimiter?"),
    "calls_utf_16": refused("UTF-16; allowed is UTF-8"),
    "calls_short_row": rejects("7 fields, the header has 9"),
    "calls_long_row": rejects("11 fields, the header has 9"),
    "calls_bare_quote": landed(),
    "calls_unclosed_quote": rejects(FIELDS),
    "calls_junk_after_quote": rejects(FIELDS),
    "calls_lone_cr": rejects(FIELDS),
    "calls_truncated": rejects("5 fields, the header has 9"),
    "calls_too_many_bad": refused("15 of 300 rows cannot land, allowed are 1.0% (max_rejected)"),
    "calls_latin_1": rejects("not UTF-8"),
    "calls_duplicate_ids": landed(),
    "calls_future_dates": landed(),
    "calls_not_a_date": landed(),
    "calls_nul_byte": rejects("NUL byte"),
    "calls_huge_cell": landed(),
    "calls_quoted_newline": landed(),
    "calls_header_added": landed(drift="unknown_columns"),
    "calls_bom": landed(),
    "calls_crlf": landed(),
    "calls_blank_lines": landed(),
    "calls_no_last_newline": landed(),
    "calls_other_order": landed(),
    "calls_original": landed(),
    "calls_corrected": landed(299),
    "social_truncated": refused("a string is never closed, near byte"),
    "social_unequal_columns": rejects("no value for ['agent ID']"),
    # Of 301 indexes two stand in some columns only.
    "social_shifted_index": rejects("no value for ['agent ID']", delivered=301, rejected=2),
    "social_column_missing": refused("column 'agent ID' (lands as agent_id) is gone"),
    "social_empty": refused("the file is empty"),
    "social_no_columns": refused("'complaint_id' (lands as complaint_id)"),
    "social_html": refused("not JSON; allowed is an object or an array, found 93 bytes of HTML or XML"),
    "social_gzip": refused("gzip data under another name"),
    "social_broken_line": rejects("not a JSON object"),
    "social_latin_1": rejects("not UTF-8"),
    "social_huge_cell": landed(),
    "social_nested": landed(),
    "social_duplicate_ids": landed(),
    "social_array": landed(),
    "social_json_lines": landed(),
    "social_column_added": landed(drift="unknown_columns"),
    "social_nulls_and_numbers": landed(),
    "social_bom": landed(),
    "customers_quoted": landed(),
}


@pytest.mark.parametrize("hostile", DELIVERIES.values(), ids=DELIVERIES)
def test_a_hostile_delivery_ends_as_the_table_says(hostile: Hostile, run: Runner) -> None:
    expected = EXPECTED[hostile.name]
    run.world.deliver(hostile.source, hostile.write())
    (outcome,) = run(sources=(hostile.source,))
    assert (outcome.state, outcome.rows_delivered, outcome.rows_rejected) == (
        expected.state,
        expected.delivered,
        expected.rejected,
    )
    if expected.state == "refused":
        assert expected.why in (outcome.error or "")
        assert "Traceback" not in (outcome.error or "")
        assert not (run.world.bronze / hostile.source).exists()
        return
    assert outcome.rows_landed == outcome.rows_bronze == (expected.delivered or 0) - (expected.rejected or 0)
    assert list(outcome.drift) == [expected.drift] * bool(expected.drift)
    assert outcome.empty == (expected.delivered == 0)
    if expected.rejected:
        manifest = Ledger(run.world.lake).find_newest_of_all(hostile.source)
        assert manifest
        rows = run.rejected(manifest)
        assert len(rows) == expected.rejected
        assert expected.why in {row["_reason"] for row in rows}
        assert all(row["_raw"] and row["_position"] >= 0 and row["_source_uri"] for row in rows)


PLAIN = CsvDelivery(kind="csv", paths=("x",))
# What Python's csv takes for something else, and so does not count again.
UNREADABLE = ("unclosed_quote_midway", "unclosed_quote", "junk_after_quote", "lone_cr")


@pytest.mark.parametrize("name", [name for name, expected in EXPECTED.items() if expected.state != "refused"])
def test_another_reader_counts_the_same_or_says_that_it_cannot(name: str) -> None:
    hostile, text = DELIVERIES[name], io.TextIOWrapper(io.BytesIO(DELIVERIES[name].write()), "latin-1", newline="\n")
    try:
        counted = count_json(text) if hostile.source == "social_media" else count_csv(text, PLAIN)
    except csv.Error:
        counted = None
    assert counted == (None if name.removeprefix("calls_") in UNREADABLE else EXPECTED[name].delivered)


def table_row(name: str) -> str:
    expected = EXPECTED[name]
    rejected = f"{expected.rejected} of {expected.delivered} rejected: {expected.why}"
    outcome = f"refused: {expected.why}" if expected.state == "refused" else rejected if expected.rejected else "landed"
    unknown = ", unknown columns in `_rescued`" if expected.drift else ", empty" if expected.delivered == 0 else ""
    return f"| `{name}` | {DELIVERIES[name].defect} | {outcome}{unknown} |"


def test_the_table_in_the_docs_is_what_is_tested_here() -> None:
    text = (ROOT / "docs/hostile-deliveries.md").read_text()
    assert [row for row in map(table_row, DELIVERIES) if row not in text] == []
    assert set(EXPECTED) == set(DELIVERIES)
