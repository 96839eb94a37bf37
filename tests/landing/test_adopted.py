"""`adopt`: what it writes is valid and lands, and of the demo's feeds it is what their source contracts say."""

import bz2
import gzip
import io
import re
import zipfile
from datetime import date

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from jobs.__main__ import main
from jobs.adopt.project import CHANNELS, FEEDS
from jobs.config.environment import load_environment
from jobs.contracts.silver import find_unsaid
from jobs.contracts.source import SourceContract, load_contracts
from jobs.engines.session import Session
from tests.conftest import DAY, DAYS, World
from tests.runner import Runner

# What nobody can know but who reads the headers: better names.
NAMES = {
    "complaint_catego_ry": "complaint_category",
    "resolutionstatus": "resolution_status",
    "call_logs_generation_date": "generation_date",
    "media_complaint_generation_date": "generation_date",
}
PLACES = {"call_logs": "call logs", "social_media": "social_medias", "customers": "customers/customers_dataset.csv"}
GIVEN = {
    "call_logs": ["column.column_1=source_row_id", *(f"column.{name}={NAMES[name]}" for name in [*NAMES][:3])],
    "social_media": [f"column.{name}={NAMES[name]}" for name in NAMES if name != "call_logs_generation_date"],
    "customers": [],
}


def adopt(world: World, name: str, *places: str, answers: list[str] | None = None) -> int:
    given = [word for answer in answers or [] for word in ("--answer", answer)]
    return main(["adopt", *places, "--name", name, "--env", str(world.file), *given])


def effect_of(contract: SourceContract) -> dict[str, object]:
    """What decides where it is found and how it lands; of several paths the one that the demo delivers by."""
    fields = contract.model_dump(exclude={"description"})
    templates = [template.format(date=DAY) for template in contract.delivery.templates]
    return fields | {"delivery": fields["delivery"] | {"paths": templates[:1]}}


@pytest.mark.parametrize("source", PLACES)
def test_of_the_demos_files_it_writes_what_their_source_contracts_say(source: str, adopting: World) -> None:
    place = adopting.root / "sources" / PLACES[source]
    assert adopt(adopting, source, str(place), answers=GIVEN[source]) == 0
    (drafted,) = load_contracts(adopting.environment).values()
    (shipped,) = load_contracts(load_environment("local"), (source,)).values()
    assert effect_of(drafted) == effect_of(shipped)


def test_what_it_writes_is_valid_and_lands(adopting: World, run: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    assert adopt(adopting, "calls", str(adopting.root / "sources/call logs")) == 0
    said = capsys.readouterr().out
    assert "assumed: key=call_id (call_id: no two of " in said
    assert f"next: ./spark-submit.sh run --source calls --from {DAYS[0]} --to {DAY}\n" in said
    assert f"next: ./dbt.sh build --from {DAYS[0]} --to {DAY}\n" in said
    assert main(["check", "--env", str(adopting.file)]) == 0
    (outcome,) = run(sources=("calls",))
    assert (outcome.state, outcome.rows_rejected, outcome.drift) == ("loaded", 0, {})
    assert outcome.rows_landed == len(run.bronze("calls")) > 0


def test_a_name_that_is_taken_changes_nothing(adopting: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert adopt(adopting, "calls", str(adopting.root / "sources/call logs")) == 0
    before = (adopting.root / "contracts/calls.toml").read_bytes()
    assert adopt(adopting, "calls", str(adopting.root / "sources/customers")) == 78
    assert "calls.toml', " in capsys.readouterr().err
    assert (adopting.root / "contracts/calls.toml").read_bytes() == before


def test_with_an_open_question_nothing_is_written(adopting: World, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in adopting.root.rglob("*") if path.is_file()}
    path = adopting.root / "sources/refunds_2025-11-21.csv"
    path.write_text("id,paid\n1a,03/04/2025\n2b,05/06/2025\n")
    assert adopt(adopting, "refunds", str(path)) == 78
    assert "--answer date.paid [dd/mm/yyyy | mm/dd/yyyy | text]" in capsys.readouterr().err
    path.unlink()
    assert {path: path.read_bytes() for path in adopting.root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("source", PLACES)
def test_its_model_says_whom_each_column_tells_of_and_its_table_is_named(source: str, adopting: World) -> None:
    assert adopt(adopting, source.replace("s", "x"), str(adopting.root / "sources" / PLACES[source])) == 0
    (contract,) = load_contracts(adopting.environment).values()
    silver = adopting.root / "dbt/models/silver"
    assert find_unsaid(contract, silver) == []
    (bronze,) = yaml.safe_load((silver / "sources.yml").read_text())["sources"]
    assert [column["name"] for column in bronze["tables"][-1]["columns"]] == [*contract.columns.values()]
    assert f"'service_outages', '{contract.name}']" in (adopting.root / FEEDS).read_text()
    (model,) = yaml.safe_load((silver / f"stg_{contract.name}.yml").read_text())["models"]
    sql = (silver / f"stg_{contract.name}.sql").read_text().rpartition("\nselect\n")[2]
    assert [column["name"] for column in model["columns"]] == re.findall(r"(\w+),?$", sql, re.MULTILINE)[:-1]


@pytest.mark.parametrize("source", PLACES)
def test_its_fixture_lands_whole_and_tells_of_nobody(source: str, adopting: World) -> None:
    assert adopt(adopting, "feed", str(adopting.root / "sources" / PLACES[source])) == 0
    (contract,) = load_contracts(adopting.environment).values()
    told = [*contract.personal, *contract.key, contract.subject]
    run = Runner(adopting, Session("tests", {}))
    assert [outcome.state for outcome in run()] == ["loaded"]
    real = run.bronze("feed")
    (adopting.root / "sources").rename(adopting.root / "delivered")
    (adopting.root / "tests/deliveries").rename(adopting.root / "sources")
    (outcome,) = run(replay=True)
    assert (outcome.state, outcome.rows_landed, outcome.rows_rejected, outcome.drift) == ("loaded", 20, 0, {})
    for column in dict.fromkeys(column for column in told if column and column != "gender"):
        texts = {row[column] for row in run.bronze("feed")}
        assert texts & {row[column] for row in real} == set(), column


@pytest.mark.parametrize(("text", "answer"), [
    ("Report\n\nid;opened\n1x;2025-11-20\n2y;2025-11-21\n", []), ("# by us\nid,a\nx,1\n# end\ny,2\n", []),
    ("id,a\n'x,1','1'\n'y,2','2'\n", []), ("a17,Ada,1\nb18,Bob,2\n", ["header=no"]),
    ('id,a\n"x \\"a\\", b",1\n"y \\"c\\", d",2\n', []),
])  # fmt: skip
def test_however_it_is_written_delivery_and_fixture_land_whole(text: str, answer: list[str], adopting: World) -> None:
    path = adopting.root / f"sources/odd_{DAY}.csv"
    path.write_text(text)
    assert adopt(adopting, "odd", str(path), answers=answer) == 0
    run = Runner(adopting, Session("tests", {}))
    assert [(one.rows_landed, one.rows_rejected) for one in run()] == [(2, 0)]
    path.write_bytes((adopting.root / f"tests/deliveries/odd_{DAY}.csv").read_bytes())
    assert [(one.rows_landed, one.rows_rejected) for one in run(replay=True)] == [(2, 0)]


@pytest.mark.parametrize("compression", ["gzip", "bz2", "zstd", "zip"])
def test_however_it_is_packed_delivery_and_fixture_land_whole(compression: str, adopting: World) -> None:
    path = adopting.root / f"sources/odd_{DAY}.bin"
    path.write_bytes(pack(b"id,a\n1x,1\n2y,2\n", compression))
    assert adopt(adopting, "odd", str(path)) == 0
    run = Runner(adopting, Session("tests", {}))
    assert [(one.rows_landed, one.rows_rejected) for one in run()] == [(2, 0)]
    path.write_bytes((adopting.root / f"tests/deliveries/odd_{DAY}.bin").read_bytes())
    assert [(one.rows_landed, one.rows_rejected) for one in run(replay=True)] == [(2, 0)]


def pack(content: bytes, compression: str) -> bytes:
    with io.BytesIO() as file:
        match compression:
            case "zip":
                with zipfile.ZipFile(file, "w") as archive:
                    archive.writestr("x.csv", content)
                return file.getvalue()
            case "zstd":
                return bytes(pa.compress(content, codec="zstd"))
            case _:
                return bytes((gzip if compression == "gzip" else bz2).compress(content))


def test_an_update_shows_what_came_as_a_diff_and_writes_what_is_accepted(
    adopting: World, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (adopting.root / f"sources/orders_{day}.csv" for day in DAYS[:2])
    first.write_text("Order ID,Amount,Note\na1,1,x\nb2,2,y\n")
    assert adopt(adopting, "orders", str(first)) == 0
    at = adopting.root / "contracts/orders.toml"
    at.write_text(at.read_text().replace("[columns]", "# ours\n[columns]  # kept"))
    second.write_text("Order_ID,Amount,Paid on,E-Mail\nc3,1,31/12/2024,a@x.example\nd4,2,1/1/2025,b@x.example\n")
    given = [str(second), "--update", "orders", "--env", str(adopting.file)]
    before = {path: path.read_bytes() for path in adopting.root.rglob("*") if path.is_file()}
    assert main(["adopt", *given]) == 0
    assert '+subject = "order_id"' in capsys.readouterr().out
    assert main(["adopt", *given, "--answer", "personal.e_mail=none"]) == 0
    said = capsys.readouterr()
    assert {path: path.read_bytes() for path in before} == before
    assert [line for line in said.out.splitlines() if line.startswith(("new", "ren", "abs", "nothing"))] == [
        'renamed: order_id came as "Order_ID"',
        'new: "Paid on" lands as paid_on, day (dd/mm/yyyy fits 2 of 2, mm/dd/yyyy fits 1 of 2)',
        'new: "E-Mail" lands as e_mail, text',
        'absent: note ("Note") did not always come',
        "nothing is written; --answer accept=yes writes it",
    ]
    assert '+"Paid on" = "paid_on"  # dd/mm/yyyy fits 2 of 2' in said.out
    assert main(["adopt", *given, "--answer", "personal.e_mail=none", "--answer", "accept=yes"]) == 0
    contract = load_contracts(adopting.environment)["orders"]
    assert (contract.optional, contract.aliases) == (("paid_on", "e_mail", "note"), {"order_id": ("Order_ID",)})
    assert "# ours\n[columns]  # kept\n" in at.read_text()
    sql = (adopting.root / "dbt/models/silver/stg_orders.sql").read_text()
    assert "row_hash(['order_id', 'amount', 'note', 'paid_on', 'e_mail'])" in sql
    assert "mended_date(iso_text('paid_on', 'dd/mm/yyyy')) }} as paid_on,\n" in sql
    assert find_unsaid(contract, adopting.root / "dbt/models/silver") == []
    assert [(one.state, one.drift) for one in run(*DAYS[:2])] == [
        ("loaded", {"absent_columns": ["e_mail", "paid_on"]}), ("loaded", {"absent_columns": ["note"]})
    ]  # fmt: skip
    capsys.readouterr()
    assert main(["adopt", *given]) == 0
    assert "orders: its deliveries are what" in capsys.readouterr().out


def test_an_update_says_that_a_delivery_is_written_otherwise(
    adopting: World, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (adopting.root / f"sources/orders_{day}.csv" for day in DAYS[:2])
    first.write_text("Order ID,Amount\na1,1\nb2,2\n")
    assert adopt(adopting, "orders", str(first)) == 0
    second.write_text("Order ID;Amount\nc3;1\nd4;2\n")
    assert main(["adopt", str(second), "--update", "orders", "--env", str(adopting.file)]) == 0
    assert "differs: delivery.delimiter: found ';', the source contract says ','" in capsys.readouterr().out


def test_an_update_that_adds_a_person_says_so_in_the_hash_too(adopting: World) -> None:
    first, second = (adopting.root / f"sources/orders_{day}.csv" for day in DAYS[:2])
    first.write_text("Order ID,customer_id\na1,1\nb2,2\n")
    assert adopt(adopting, "orders", str(first)) == 0
    second.write_text("Order ID,customer_id,name\na1,1,Ada\nb2,2,Bob\n")
    given = [str(second), "--update", "orders", "--env", str(adopting.file), "--answer", "accept=yes"]
    assert main(["adopt", *given]) == 0
    contract = load_contracts(adopting.environment)["orders"]
    assert contract.personal == {"name": "identity"}
    assert find_unsaid(contract, adopting.root / "dbt/models/silver") == []
    (model,) = yaml.safe_load((adopting.root / "dbt/models/silver/stg_orders.yml").read_text())["models"]
    assert model["columns"][2]["name"] == "name"


def workbook(title: str, sheets: int) -> bytes:
    book, packed = openpyxl.Workbook(), io.BytesIO()
    for number in range(sheets - 1):
        book.create_sheet(f"notes {number}")
    sheet = book.active
    assert sheet is not None
    sheet.title = "Orders"
    for row in (
        ([title], [], ["Order ID", "Paid on", "Amount", "Done"])
        if title
        else (["Order ID", "Paid on", "Amount", "Done"],)
    ):
        sheet.append(row)
    sheet.append(["a1", date(2025, 11, 20), 1.5, True])
    sheet.append(["b2", date(2025, 11, 21), 2, False])
    book.save(packed)
    return packed.getvalue()


@pytest.mark.parametrize(("title", "sheets", "options"), [
    ("", 1, {}), ("Report of orders", 1, {"header_row": 3}), ("", 2, {"sheet": "Orders"}),
])  # fmt: skip
def test_an_excel_file_lands_and_so_does_its_fixture(
    title: str, sheets: int, options: dict[str, object], adopting: World
) -> None:
    path = adopting.root / f"sources/orders_{DAY}.xlsx"
    path.write_bytes(workbook(title, sheets))
    assert adopt(adopting, "orders", str(path), answers=["sheet=Orders"] if sheets > 1 else []) == 0
    contract = load_contracts(adopting.environment)["orders"]
    found = contract.delivery.model_dump(exclude_defaults=True)
    assert found == {"kind": "xlsx", "paths": ("orders_{date}.xlsx",)} | options
    sql = (adopting.root / "dbt/models/silver/stg_orders.sql").read_text()
    assert "mended_date('paid_on')" in sql
    assert "mended_decimal('amount', '1234.5')" in sql
    assert "mended_flag('done', 'true', 'false')" in sql
    run = Runner(adopting, Session("tests", {}))
    assert [(one.rows_landed, one.rows_rejected) for one in run()] == [(2, 0)]
    landed = [{name: row[name] for name in ("paid_on", "amount", "done")} for row in run.bronze("orders")]
    path.write_bytes((adopting.root / f"tests/deliveries/orders_{DAY}.xlsx").read_bytes())
    assert [(one.rows_landed, one.rows_rejected) for one in run(replay=True)] == [(2, 0)]
    assert [{name: row[name] for name in ("paid_on", "amount", "done")} for row in run.bronze("orders")] == landed


def test_a_parquet_file_lands_and_so_does_its_fixture(adopting: World) -> None:
    path = adopting.root / f"sources/orders_{DAY}.parquet"
    days = pa.array([date(2025, 11, 20), None], pa.date32())
    pq.write_table(pa.table({"orderId": ["a1", "b2"], "paid": days, "tags": [["x"], []]}), path)
    assert adopt(adopting, "orders", str(path)) == 0
    contract = load_contracts(adopting.environment)["orders"]
    assert [*contract.columns.values()] == ["order_id", "paid", "tags"]
    run = Runner(adopting, Session("tests", {}))
    assert [(one.rows_landed, one.rows_rejected) for one in run()] == [(2, 0)]
    path.write_bytes((adopting.root / f"tests/deliveries/orders_{DAY}.parquet").read_bytes())
    assert [(one.rows_landed, one.rows_rejected) for one in run(replay=True)] == [(2, 0)]


def test_a_channel_of_complaints_is_described_and_listed(adopting: World, capsys: pytest.CaptureFixture[str]) -> None:
    path = adopting.root / f"sources/letters_{DAY}.csv"
    rows = ["l1,c1,2025-11-01,done,2025-11-03,Payments", "l2,c2,2025-11-02,open,,Router delivery"]
    path.write_text("\n".join(["Letter No,customer_id,Received on,State,Closed on,Topic", *rows, ""]))
    assert adopt(adopting, "letters", str(path), answers=["complaint=Letter"]) == 0
    complaint = load_contracts(adopting.environment)["letters"].complaint
    assert complaint
    assert complaint.model_dump(exclude_defaults=True) == {
        "channel": "Letter",
        "opened": "received_on",
        "resolved": "closed_on",
        "status": "state",
        "category": "topic",
        "customer": "customer_id",
        "statuses": {"done": "Resolved", "open": "Backlog"},
    }
    assert (adopting.root / CHANNELS).read_text().endswith("LinkedIn\nletter,Letter,\n")
    assert "assumed: status.done=Resolved (of 1 rows)" in capsys.readouterr().out
    assert main(["check", "--env", str(adopting.file)]) == 0
    contract = (adopting.root / "contracts/letters.toml").read_text()
    (adopting.root / "contracts/notes.toml").write_text(contract)
    assert main(["check", "--env", str(adopting.file)]) == 78
    assert "complaint.channel: [['letters', 'notes']] have the same" in capsys.readouterr().err


@pytest.mark.parametrize(("more", "answers"), [
    ("", []), ("", ["date.opened=dd/mm/yyyy"]), ("X anthippe,too few\n", ["date.opened=text"]),
    ("", ["date.opened=dd/mm/yyyy", "key=gone"]), ("", ["personal.remark=nobody"]),
])  # fmt: skip
def test_nobody_is_told_of_and_in_no_file_that_is_written(
    more: str, answers: list[str], adopting: World, capsys: pytest.CaptureFixture[str]
) -> None:
    canary = "Xanthippe"
    rows = [
        f'{canary}-{n},{canary} Quill{n},"{canary} said, {n}\n",0{n}/04/2025,{canary}{n}@x.example' for n in range(1, 9)
    ]
    path = adopting.root / f"sources/people_{DAY}.csv"
    path.write_text("\n".join(["customer_id,name,Remark,opened,E-Mail", *rows, more.replace("X anthippe", canary)]))
    before = {*adopting.root.rglob("*")}
    adopt(adopting, "people", str(path), answers=answers)
    shown = capsys.readouterr()
    assert canary not in shown.out + shown.err
    written = [one for one in adopting.root.rglob("*") if one.is_file() and one not in before]
    assert len(written) == (4 if answers[-1:] in (["date.opened=dd/mm/yyyy"], ["date.opened=text"]) else 0)
    assert [one for one in written if canary.encode() in one.read_bytes()] == []
