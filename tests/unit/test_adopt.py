"""What `adopt` finds in deliveries, as pure functions; DuckDB's sniffer is the judge of CSV."""

import gzip
import io
import json
import random
import re
import string
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from demo.hostile import DELIVERIES, Hostile
from jobs.adopt.dates import find_days
from jobs.adopt.dialects import find_dialect
from jobs.adopt.draft import draft_source
from jobs.adopt.files import find_files
from jobs.adopt.forms import Form, find_form
from jobs.adopt.heads import Head
from jobs.adopt.names import name_columns
from jobs.adopt.persons import find_subject, suggest_kind
from jobs.adopt.places import find_template
from jobs.adopt.questions import Answers
from jobs.adopt.sample import MAX_BYTES
from jobs.adopt.separated import read_separated
from jobs.adopt.values import read_value
from jobs.clients.location import ROOT
from jobs.commands.adopt import _ask
from jobs.errors import ConfigurationError, PlatformError
from tests.conftest import World

GERMAN = "Vorgangsnummer;Größe;Eröffnet am;Bemerkung\nA-1;1.234,50;31.12.2024 09:05;Müller sagt „nein“\n"
GERMAN += "A-2;7,5;01.02.2025;€\n"


def days(*texts: str, named: bool = True) -> str:
    evidence = find_days(texts, named)
    return "" if evidence is None else evidence.best if evidence.is_certain else "?"


@pytest.mark.parametrize(("path", "template", "day"), [
    ("calls/calls_2025-11-20.csv", "calls/calls_{date}.csv", date(2025, 11, 20)),
    ("2025/11/20/calls.csv", "{date:%Y/%m/%d}/calls.csv", date(2025, 11, 20)),
    ("day=2025-11-20/calls_20251120.csv", "day={date}/calls_{date:%Y%m%d}.csv", date(2025, 11, 20)),
    ("calls_31-12-2024.csv", "calls_{date:%d-%m-%Y}.csv", date(2024, 12, 31)),
    ("calls_20251120_0630.csv.gz", "calls_{date:%Y%m%d}_*.csv.gz", date(2025, 11, 20)),
    ("d=2025-11-20/part-0-1b4e28ba-2fa1-11d2-883f-0016d3cca427.json", "d={date}/part-0-*.json", date(2025, 11, 20)),
    ("calls_20251399.csv", "calls_20251399.csv", None), ("{x}.csv", "{{x}}.csv", None),
])  # fmt: skip
def test_the_day_is_found_in_a_path(path: str, template: str, day: date | None) -> None:
    assert find_template([path], Answers()) == (template, [day] if day else [])


def test_day_and_month_of_a_path_are_asked_unless_another_delivery_tells() -> None:
    asked = Answers()
    find_template(["calls_03-04-2025.csv"], asked)
    assert asked.unanswered[0].allowed == ("calls_{date:%d-%m-%Y}.csv", "calls_{date:%m-%d-%Y}.csv")
    found, of = find_template(["calls_03-04-2025.csv", "calls_13-04-2025.csv"], Answers())
    assert (found, of) == ("calls_{date:%d-%m-%Y}.csv", [date(2025, 4, 3), date(2025, 4, 13)])
    with pytest.raises(ConfigurationError, match="not named alike"):
        find_template(["calls_2025-04-03.csv", "refunds_2025-04-03.csv"], Answers())


@pytest.mark.parametrize(("texts", "way"), [
    (["2025-04-03", "2025-04-04"], "yyyy-mm-dd"), (["2025-04-03T10:00:00Z", "2025-04-13 10:00"], "yyyy-mm-dd"),
    (["2025-13-04", "2025-03-04"], "yyyy-dd-mm"), (["13/04/2025", "3/4/2025"], "dd/mm/yyyy"),
    (["04/13/2025 9:05", "04/03/2025 10:00"], "mm/dd/yyyy"), (["31.12.2024", "01.02.2025"], "dd.mm.yyyy"),
    (["2025/04/13", "2025/04/03"], "yyyy/mm/dd"), (["20250413", "20250403"], "yyyymmdd"),
    (["03/04/2025", "05/06/2025"], "?"), (["13/04/2025", "04/13/2025"], "?"), (["3-4-2025"], "?"),
    (["2025-4-3", "2025-04-13"], "yyyy-m-d"), (["2025-04-03 9:05", "2025-04-13 10:00"], "yyyy-m-d"),
    (["2025-4-3"], "?"), (["soon", *["2025-04-03"] * 9], "yyyy-mm-dd"),
    (["?", "13/4/2025", *["3/4/2025"] * 18], "dd/mm/yyyy"),
    (["10.0.0.1", "192.168.0.1"], ""), (["31/02/2025"], ""), (["1.5", "2.5"], ""), (["never", "2025-04-03"], ""),
])  # fmt: skip
def test_days_are_read_as_most_values_are_written_and_never_guessed(texts: list[str], way: str) -> None:
    assert days(*texts) == way


def test_eight_digits_are_a_day_only_where_the_name_says_so() -> None:
    assert find_form("reference", ["20250413", "20250403"], Answers()).kind == "text"
    assert find_form("amount", ["20250413", "20250403"], Answers()).kind == "whole"
    assert find_form("opened_on", ["20250413", "20250403"], Answers()).written == "yyyymmdd"


def test_evidence_says_which_ways_fit_how_many_values() -> None:
    form = find_form("opened", ["13/04/2025"] * 3 + ["03/04/2025"] * 2, Answers())
    assert (form.kind, form.evidence) == ("day", "dd/mm/yyyy fits 5 of 5")
    asked = Answers()
    find_form("opened", ["03/04/2025"] * 2, asked)
    assert str(asked.unanswered[0]) == (
        "date.opened [dd/mm/yyyy | mm/dd/yyyy | text]: how are its days written? "
        "dd/mm/yyyy fits 2 of 2, mm/dd/yyyy fits 2 of 2"
    )
    assert find_form("opened", ["03/04/2025"], Answers({"date.opened": "mm/dd/yyyy"})).written == "mm/dd/yyyy"


@pytest.mark.parametrize(("texts", "kind", "written"), [
    (["1", "22"], "whole", ""), (["-1", "0"], "whole", ""), (["007", "12"], "text", ""),
    (["1.5", "2"], "decimal", "1234.5"), (["0.125", "0.25"], "decimal", "1234.5"),
    (["1,5", "2,25"], "decimal", "1234,5"), (["1,234.50", "7.1"], "decimal", "1,234.5"),
    (["1.234,50", "7,1"], "decimal", "1.234,5"), (["true", "False"], "flag", "true"), (["yes", "no"], "flag", "yes"),
    (["1.5", "abc"], "text", ""), (["99999999999999999999"], "text", ""), ([], "text", ""),
])  # fmt: skip
def test_numbers_are_what_nearly_all_values_are(texts: list[str], kind: str, written: str) -> None:
    form = find_form("amount", texts, Answers())
    assert (form.kind, form.written) == (kind, written)


def test_a_comma_that_may_be_of_thousands_or_of_a_fraction_is_asked() -> None:
    asked = Answers()
    find_form("amount", ["1,234", "2,345"], asked)
    assert asked.unanswered[0].allowed == ("1234,5", "1,234.5", "text")


def test_names_are_columns_that_every_warehouse_takes() -> None:
    headers = [
        "outageId",
        "customeR iD",
        "DATE of biRTH",
        "",
        "Größe (m²)",
        "order",
        "2nd",
        "Order",
        "_run_id",
        "Straße",
    ]
    assert [*name_columns(headers, "sales").values()] == [
        *("outage_id", "customer_id", "date_of_birth", "column_4", "grosse_m2", "sales_order", "sales_2nd"),
        *("sales_order_2", "run_id", "strasse"),
    ]


@pytest.mark.parametrize(("name", "values", "kind"), [
    ("email", [], "contact"), ("x", ["a@b.example", "c@d.example"], "contact"), ("date_of_birth", [], "birth"),
    ("name", [], "identity"), ("account_holder", [], "identity"), ("file_name", ["a.csv"], None),
    ("x", ["DE89 3704 0044 0532 0130 00"], "identity"), ("gender", [], "attribute"), ("remark", [], "free_text"),
    ("x", [f"the customer said {n} times that it does not work" for n in range(5)], "free_text"),
    ("x", [f"Ann{'a' * n} O'Hara-Lee" for n in range(9)], "identity"), ("x", ["Rhode Island", "New York"] * 9, None),
    ("x", ["+49 30 1234567"], "contact"), ("media_channel", ["Twitter"], None), ("customer_id", ["17"], None),
])  # fmt: skip
def test_personal_columns_are_suggested_by_name_and_shape(name: str, values: list[str], kind: str | None) -> None:
    assert suggest_kind(name, values) == kind


def test_the_subject_is_the_customer_rather_than_the_agent() -> None:
    assert find_subject(["call_id", "agent_id", "customer_id"]) == "customer_id"
    assert find_subject(["outage_id", "customers_affected"]) is None


def head(text: str) -> Head:
    return Head(text, None, "utf-8", is_whole=True)


@pytest.mark.parametrize("seed", range(40))
def test_delimiter_header_and_rows_are_those_that_duckdb_finds(seed: int, tmp_path: Path) -> None:
    """Texts with quoted delimiters and line ends in them; where a value could be another delimiter's, both are told."""
    chance = random.Random(seed)
    delimiter, width = chance.choice(",;\t|"), chance.randint(2, 6)
    words = ["".join(chance.choices(string.ascii_letters + " " + delimiter + '\n"', k=8)) for _ in range(30)]
    rows = [[str(n), *(chance.choice(words) for _ in range(width - 2)), f"2025-11-{n % 28 + 1:02}"] for n in range(40)]
    quoted = [delimiter.join('"{}"'.format(one.replace('"', '""')) for one in row) for row in rows]
    text = "\n".join([delimiter.join(["id", *string.ascii_lowercase[: width - 2], "day"]), *quoted, ""])
    path = tmp_path / "x.csv"
    path.write_text(text, newline="")
    sniffed = duckdb.execute("SELECT Delimiter, list_transform(Columns, c -> c.name) FROM sniff_csv(?)", [str(path)])
    found = find_dialect(head(text), Answers())
    sample = read_separated(head(text), found, "x.csv")
    assert found.options == ({} if delimiter == "," else {"delimiter": delimiter})
    assert sniffed.fetchall() == [(found.delimiter, [*sample.headers])]
    assert [tuple(row.values()) for row in sample.rows] == duckdb.execute(
        "SELECT * FROM read_csv(?, delim=?, quote='\"', escape='\"', header=true, all_varchar=true)",
        [str(path), found.delimiter],
    ).fetchall()


@pytest.mark.parametrize(("text", "options"), [
    ("# made by us\n# 2025\nid,a\nx,1\n# end\ny,2\n", {"comment": "#"}), ("#id,a\nx,1\ny,2\n", {}),
    ("Report\n\nid;a;b\nx;1;2\ny;2;3\n", {"delimiter": ";", "skip_rows": 2}),
    ("id,a\n'x,1','1'\n'y,2','2'\n", {"quote": "'"}), ('id,a\n"x \\"a\\", b",1\n"y \\"c\\", d",2\n', {"escape": "\\"}),
    ("id\nx\ny\n", {}), ("id\ta\nx\t1\n", {"delimiter": "\t"}), ('id,a\n"O\'Neil",1\n\'s,2\n', {}),
])  # fmt: skip
def test_a_dialect_is_what_makes_rows_of_one_width(text: str, options: dict[str, object]) -> None:
    assert find_dialect(head(text), Answers()).options == options


def adopt(world: World, path: str, content: bytes, **answers: str) -> str:
    """The contract's fields, or what is asked."""
    at = world.root / "sources" / path
    at.parent.mkdir(parents=True, exist_ok=True)
    at.write_bytes(content)
    given = Answers({name.replace("__", "."): answer for name, answer in answers.items()})
    try:
        draft = draft_source("tickets", find_files([str(at)], world.environment, given), given)
    except PlatformError as error:
        return str(error)
    return draft.contract.model_dump_json(exclude_defaults=True)


def test_a_semicolon_windows_1252_file_in_gzip_is_seen_for_what_it_is(world: World) -> None:
    said = adopt(world, "tickets_20250201.csv.gz", gzip.compress(GERMAN.encode("windows-1252")))
    contract = json.loads(said)
    assert contract["delivery"] == {
        "kind": "csv",
        "paths": ["tickets_{date:%Y%m%d}.csv.gz"],
        "delimiter": ";",
        "encoding": "windows-1252",
        "compression": "gzip",
    }
    assert contract["columns"] == {
        "Vorgangsnummer": "vorgangsnummer", "Größe": "grosse", "Eröffnet am": "eroffnet_am", "Bemerkung": "bemerkung"
    }  # fmt: skip
    assert (contract["key"], contract["personal"]) == (["vorgangsnummer"], {"bemerkung": "free_text"})


def test_rare_keys_of_json_are_optional(world: World) -> None:
    items = [
        {"id": f"t{n}", "on": f"2025-02-{n % 28 + 1:02}"} | ({"reopened": True} if n == 7 else {}) for n in range(50)
    ]
    for text in (json.dumps(items), "\n".join(map(json.dumps, items)), json.dumps(items, indent=2)):
        contract = json.loads(adopt(world, "tickets_2025-02-01.json", text.encode()))
        assert contract["delivery"] == {"kind": "json", "paths": ["tickets_{date}.json"]}
        assert (contract["key"], contract["optional"]) == (["id"], ["reopened"])
        assert [*contract["columns"].values()] == ["id", "tickets_on", "reopened"]


def test_what_is_open_is_listed_and_answers_to_nothing_are_said(world: World) -> None:
    text = b"id,opened\na,03/04/2025\nb,05/06/2025\n"
    said = adopt(world, "tickets_2025-02-01.csv", text)
    assert "--answer date.opened [dd/mm/yyyy | mm/dd/yyyy | text]" in said
    assert "date.open" in adopt(world, "tickets_2025-02-01.csv", text, date__opened="dd/mm/yyyy", date__open="text")
    assert "found 'dmy', allowed" in adopt(world, "tickets_2025-02-01.csv", text, date__opened="dmy")
    assert '"key":["id"]' in adopt(world, "tickets_2025-02-01.csv", text, date__opened="mm/dd/yyyy")


def test_of_a_large_delivery_a_bounded_sample_is_read(world: World) -> None:
    text = io.StringIO()
    text.write("id,amount\n")
    for n in range(100_000):
        text.write(f"t{n},{n:0100}\n")
    at = world.root / "sources/tickets_2025-02-01.csv"
    at.write_text(text.getvalue())
    assert at.stat().st_size > MAX_BYTES
    answers = Answers()
    draft = draft_source("tickets", find_files([str(at)], world.environment, answers), answers)
    assert draft.found.samples.size == 20_000
    assert "the first 20,000 rows were looked at, not all; keys and formats hold for these" in draft.doubts


@pytest.mark.parametrize(("content", "said"), [
    (b"", "the file is empty"), (b"id,name\n", "no row below its header"), (b"\x00\x01" * 40, "NUL byte"),
    (b"a,a\n1,2\n", "columns [2] have the name of one before them"),
    (b"a,b\n1,1\n1,1\n", "--answer key: no column, nor two, tell rows apart"),
])  # fmt: skip
def test_what_cannot_be_adopted_is_said(content: bytes, said: str, world: World) -> None:
    assert said in adopt(world, "tickets_2025-02-01.csv", content)


def test_a_first_record_that_looks_like_a_row_is_asked_about_and_not_quoted(world: World) -> None:
    said = adopt(world, "tickets_2025-02-01.csv", b"17,Ada Byron,ada@x.example\n18,Bob,b@x.example\n")
    assert "--answer header [yes | no]: is the first record the header? 2 of its 3 cells" in said
    assert "Ada" not in said
    said = adopt(world, "tickets_2025-02-01.csv", b"Ada,Ohio\nBob,Ohio\nEve,Iowa\n")
    assert "1 of its 2 cells are numbers, days or addresses, or come again below" in said
    contract = json.loads(adopt(world, "tickets_2025-02-01.csv", b"a17,Ada,1\nb18,Bob,2\n", header="no"))
    assert contract["delivery"]["header"] is False
    assert [*contract["columns"]] == ["column_1", "column_2", "column_3"]


def test_a_delivery_must_lie_where_a_run_will_look(world: World, tmp_path: Path) -> None:
    outside = tmp_path / "tickets_2025-02-01.csv"
    outside.write_text("id\n1\n")
    with pytest.raises(ConfigurationError, match="where a run looks for deliveries"):
        find_files([str(outside)], world.environment, Answers())
    with pytest.raises(ConfigurationError, match="nothing is there"):
        find_files([str(world.root / "sources/none_2025-02-01.csv")], world.environment, Answers())


def test_several_days_are_one_feed(world: World) -> None:
    folder = world.root / "sources/tickets"
    folder.mkdir()
    for n in range(5):
        day = date(2025, 2, 1) + timedelta(days=n)
        more = ",extra" if n == 4 else ""
        (folder / f"t_{day}.csv").write_text(
            f"id,on{more}\n1,{day}{',x' if more else ''}\n2,{day}{',y' if more else ''}\n"
        )
    answers = Answers()
    draft = draft_source("tickets", find_files([str(folder)], world.environment, answers), answers)
    assert draft.contract.optional == ("extra",)
    assert draft.found.days[-1] == date(2025, 2, 5)
    assert "3 of 5 deliveries were looked at, the last ones" in draft.doubts


@pytest.mark.parametrize(("form", "text", "read"), [
    (Form("moment", "yyyy-mm-dd"), "2025-02-01T08:00:00+02:00", "2025-02-01 06:00:00"),
    (Form("moment", "dd.mm.yyyy"), "01.02.2025 8:05", "2025-02-01 08:05:00"),
    (Form("moment", "yyyy-dd-mm"), "2025-13-04 10:00:00.1234567Z", "2025-04-13 10:00:00.123456"),
    (Form("moment", "yyyy-mm-dd"), "2025-02-01", "2025-02-01 00:00:00"),
    (Form("moment", "yyyy-mm-dd"), "2025-02-01 noon", None), (Form("day", "mm/dd/yyyy"), "2/1/2025", "2025-02-01"),
    (Form("day", "dd/mm/yyyy"), "soon", None), (Form("decimal", "1.234,5"), "-1.234,50", "-1234.50"),
    (Form("decimal", "1,234.5"), "+1,234.5", "1234.5"), (Form("flag", "ja"), "Nein", "false"),
    (Form("whole"), "-07", "-7"), (Form("day", "yyyymmdd"), "20250201", "2025-02-01"),
])  # fmt: skip
def test_the_unit_test_expects_what_macros_make(form: Form, text: str, read: str | None) -> None:
    assert read_value(form, text) == read


DOUBTS = {
    "calls_too_many_bad": "15 records fit no header (5.0%): they are rejected",
    "calls_unclosed_quote": "1 records fit no header",
    "calls_header_twice": "columns [5] have the name of one before them",
    "calls_header_only": "no row below its header",
    "calls_latin_1": "encoding: the bytes are no UTF-8",
    "calls_not_a_date": "date.call_start_time: yyyy-mm-dd fits 299 of 300",
    "calls_duplicate_ids": "rows repeat one, which Silver keeps and counts",
    "calls_quoted_newline": "some values hold line ends",
    "calls_nul_byte": "a NUL byte",
    "social_html": "HTML or XML",
    "social_latin_1": "some of it is no UTF-8",
    "social_broken_line": "1 records fit no header",
    "social_unequal_columns": "columns that are not of one length",
    "social_no_columns": "no JSON object",
    "social_truncated": "no JSON object",
}


@pytest.mark.parametrize("hostile", DELIVERIES.values(), ids=lambda one: one.name)
def test_of_a_hostile_delivery_it_says_what_it_doubts(hostile: Hostile, world: World) -> None:
    """Or drafts what all others are: nothing else is raised."""
    path = world.root / "sources" / hostile.file_name
    path.write_bytes(hostile.write())
    answers = Answers()
    try:
        draft = draft_source("feed", find_files([str(path)], world.environment, answers), answers)
    except PlatformError as error:
        said = str(error)
    else:
        said = "\n".join([*draft.doubts, *(f"{one.name}: {one.text}" for one in answers.assumed)])
        key = {"call_logs": "call_id", "social_media": "complaint_id", "customers": "customer_id"}[hostile.source]
        assert draft.contract.key == (key,)
    assert DOUBTS.get(hostile.name, "") in said
    options = {"calls_utf_16": {"encoding": "utf-16"}, "calls_semicolons": {"delimiter": ";"}}
    if more := options.get(hostile.name):
        assert more.items() <= draft.found.delivery.items()


@pytest.mark.parametrize(("text", "doubt"), [
    ('{"data": [{"id": 1}, {"id": 2}], "total": 2}', "what is listed in data lands as one value"),
    ('[{"id": "a", "opened_on": "1/2/25"}, {"id": "b", "opened_on": "2/2/25"}]', "opened_on is called as a day is"),
])  # fmt: skip
def test_what_may_not_be_meant_so_is_doubted(text: str, doubt: str, world: World) -> None:
    path = world.root / "sources/feed_2025-02-01.json"
    path.write_text(text)
    answers = Answers({"key": "data"} if "data" in text else {})
    assert any(
        doubt in one
        for one in draft_source("feed", find_files([str(path)], world.environment, answers), answers).doubts
    )


def test_on_a_terminal_it_asks_until_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter(["dmy", "dd/mm/yyyy"])
    monkeypatch.setattr("builtins.input", lambda _: next(said))
    assert find_form("opened", ["03/04/2025"], Answers(ask=_ask)).written == "dd/mm/yyyy"


def test_a_described_channel_unbalances_nothing_and_is_unknown_to_nobody() -> None:
    """Whoever moves these tests of Gold takes along what they leave out."""
    balances = "".join(path.read_text() for path in (ROOT / "dbt/tests").glob("*balance.sql"))
    assert "feeds_of_complaints()" in balances
    gold = "".join(path.read_text() for path in (ROOT / "dbt/models/gold").rglob("*.yml"))
    for whom in ("customer", "agent"):
        assert re.search(rf"name: few_unknown_{whom}s\n.*\n.*where: __of_{whom}__", gold)
