"""Persons and secrets whose every value is a canary, through every error path of every source: told nowhere.

The paths are listed from the code itself: each place that makes an error is reached here, or says why it is not.
"""

import ast
import codecs
import gzip
import io
import json
import os
import sys
import zipfile
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

import jobs.sources.recount  # noqa: F401 - a kind of error of its own, by whoever loads it
from demo.complaints import HEADERS
from demo.postgres import READER, SCHEMA, Server
from demo.services import Services, serving
from demo.web import Reply, json_reply
from jobs.__main__ import main
from jobs.config.environment import ROOT
from jobs.errors import PlatformError
from jobs.sources.json_record import UnsoundError
from jobs.sources.json_structure import StructureError
from tests.conftest import DAY, World, make_world

CANARY, SECRET = "Xanthippe", "heron-77-quartz"  # pragma: allowlist secret
PLANTED = "pelican_12"  # a column that nobody asked for: told by design
CUSTOMERS = 5_000
LOGS = ("source_row_id", *HEADERS["call_logs"][1:])
CALLS = ",".join(HEADERS["call_logs"])
PERSON = ",".join(f"{CANARY} {position}" for position in range(9))
FORM = {name: f"{CANARY} {name}" for name in HEADERS["social_media"]}
TABLE = f"{SCHEMA}.web_form_request_2025_11_21"


@dataclass
class Stage:
    """The sources as one scenario sets them; `told`: what each then showed, by its name."""

    world: World
    web: Services
    postgres: Server
    variables: pytest.MonkeyPatch
    told: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)

    def reset(self) -> None:
        for path in (self.world.root / "sources").rglob("*.*"):
            path.unlink()
        make_world(self.world.root, agents_from_a_file=False)
        self.clear()
        self.web.faults, self.web.is_shared = {}, True
        self.web.write_secrets(self.world.root / "services")
        self.postgres.write_secrets(self.world.root / "secrets")

    def customers(self, rows: int, of_which_broken: int = 0, more: str = "") -> None:
        columns = ("customer_id", "name", "Gender", "DATE of biRTH", "signup_date", "email", "address")
        lines = [",".join(columns) + (f",{more}" if more else "")]
        for number in range(rows):
            values = [f"c{number}", *(f"{CANARY}-{number}-{column}" for column in range(6))]
            lines.append(",".join(values[: 3 if number < of_which_broken else None] + [CANARY] * bool(more)))
        self.world.deliver("customers", "\n".join(lines).encode())

    def answer(self, *replies: Reply, path: str = "/v1") -> None:
        """The last one again and again."""
        self.web.faults = {path: deque([*replies, *[replies[-1]] * 20])}

    def configure(self, old: str, new: str) -> None:
        text = self.world.file.read_text()
        assert old in text
        self.world.file.write_text(text.replace(old, new))

    def deliver_by(self, source: str, delivery: str) -> None:
        self.world.file.write_text(f"{self.world.file.read_text()}[deliveries]\n{source} = {{ {delivery} }}\n")

    def secret(self, name: str, text: str) -> None:
        (self.world.root / name).write_text(text)

    def ask(self, sql: str) -> None:
        with self.postgres.transaction() as cursor:
            cursor.execute(sql)

    def forms(self) -> None:
        columns = ", ".join(f'"{name}" text' for name in HEADERS["web_forms"])
        values = ", ".join(f"'{CANARY} ' || n" for _ in HEADERS["web_forms"])
        self.clear()
        self.ask(f"create table {TABLE} ({columns})")
        self.ask(f"insert into {TABLE} select {values} from generate_series(1, 500) n")

    def clear(self) -> None:
        self.ask(f"drop {'view' if self.is_view() else 'table'} if exists {TABLE} cascade")
        self.ask(f"drop table if exists {SCHEMA}.hidden cascade; drop function if exists {SCHEMA}.seen")

    def is_view(self) -> bool:
        with self.postgres.transaction() as cursor:
            cursor.execute("select relkind = 'v' from pg_class where oid = to_regclass(%s)", [TABLE])
            return cursor.fetchone() == (True,)

    def connection(self, text: str) -> None:
        self.variables.setenv("AIRFLOW_CONN_CANARY", text)
        self.configure(f'database = "file:{self.world.root}/secrets"', 'database = "connection:CANARY"')

    def run(self, name: str, source: str) -> None:
        out, err = io.StringIO(), io.StringIO()
        arguments = ["run", "--date", str(DAY), "--source", source, "--replay", "--env", str(self.world.file)]
        with redirect_stdout(out), redirect_stderr(err):
            self.codes[name] = main(arguments)
        self.told[name] = out.getvalue() + err.getvalue()


Act = Callable[[Stage], object]
HEADERLESS = f"{PERSON}\n{PERSON}\n".encode()
PLAIN_ZIP = b"\x00\x00\x08\x00"  # of an archive's entry: its flags and how it is packed


def zipped(*names: str) -> bytes:
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), CANARY, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def workbook(*rows: list[Any], sheets: int = 1) -> bytes:
    made = Workbook()
    page: Any = made.active
    for number in range(1, sheets):
        made.create_sheet(f"{CANARY} {number}")
    for row in rows:
        page.append(row)
    made.save(file := io.BytesIO())
    return file.getvalue()


def misnumbered() -> bytes:
    """A cell that says that it is a number, and holds a name."""
    with zipfile.ZipFile(io.BytesIO(workbook(["a"], [7]))) as old, zipfile.ZipFile(file := io.BytesIO(), "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"<v>7<", f"<v>{CANARY}<".encode()))
    return file.getvalue()


def parquet(columns: dict[str, Any]) -> bytes:
    pq.write_table(pa.table(columns), file := io.BytesIO())
    return file.getvalue()


_BYTES = pa.array([CANARY.encode() + b"\xe9"], pa.binary())
NO_TEXT = pa.StringArray.from_buffers(1, _BYTES.buffers()[1], _BYTES.buffers()[2])
PERSONS = {
    name: [CANARY] for name in ("customer_id", "name", "Gender", "DATE of biRTH", "signup_date", "email", "address")
}
PERSONS_HEADER = b"customer_id,name,Gender,DATE of biRTH,signup_date,email,address\n"
OUTAGES = 'kind = "rest", service = "outages", path = "/v1/outages", parameters = { day = "{date}" }, items = "data"'
NEXT = 'pages = { by = "link", field = "next" }'
NUMBERED = 'pages = { by = "number", parameter = "page", first = 1 }'
JSON_TEXT = json.dumps([FORM, {"a": {CANARY: [CANARY, {"b": CANARY}]}}])
OBJECT = json.dumps({name: {"0": value, CANARY: CANARY} for name, value in FORM.items()})
DEEP = "[" * 600 + f'"{CANARY}"' + "]" * 600


def files(source: str, contents: dict[str, bytes]) -> dict[str, tuple[str, Act]]:
    def put(content: bytes) -> Act:
        return lambda stage: stage.world.deliver(source, content)

    return {f"{source}: {name}": (source, put(content)) for name, content in contents.items()}


def coded(option: str, content: bytes, kind: str = "csv") -> Act:
    delivery = f'kind = "{kind}", {option + ", " if option else ""}paths = ["customers/customers_dataset.csv"]'
    return lambda stage: [stage.deliver_by("customers", delivery), stage.world.deliver("customers", content)]


def replies(contents: dict[str, Reply]) -> dict[str, tuple[str, Act]]:
    def put(reply: Reply) -> Act:
        return lambda stage: stage.answer(reply)

    return {f"outages: {name}": ("service_outages", put(reply)) for name, reply in contents.items()}


def cells(contents: dict[str, list[list[str]]]) -> dict[str, tuple[str, Act]]:
    def put(values: list[list[str]]) -> Act:
        return lambda stage: stage.answer(json_reply({"values": values}), path="/v4")

    return {f"agents: {name}": ("agents", put(values)) for name, values in contents.items()}


def refused_by_google(status: int, name: str = "X") -> Act:
    error = {"code": status, "message": f"{CANARY} {SECRET}", "status": name}
    return lambda stage: stage.answer(json_reply({"error": error}, status), path="/v4")


def link(to: str) -> Act:
    def act(stage: Stage) -> None:
        stage.deliver_by("service_outages", f"{OUTAGES}, {NEXT}")
        stage.answer(json_reply({"data": [FORM], "next": to}))

    return act


def pages(more: str, *items: object) -> Act:
    def act(stage: Stage) -> None:
        stage.deliver_by("service_outages", f"{OUTAGES}, {more}")
        stage.answer(*(json_reply({"data": [item], "next": str(n)}) for n, item in enumerate(items)))

    return act


def lines_of(*texts: str) -> bytes:
    return "\n".join([json.dumps(FORM)] * 300 + list(texts) + [json.dumps(FORM)]).encode("utf-8", "surrogateescape")


def both(*acts: Act) -> Act:
    return lambda stage: [act(stage) for act in acts]


def raising(code: str, when: str = "current_query() !~* 'count'", what: str = "bad form") -> Act:
    """A view of the server's whose function quotes each row; by default not when they are counted, but when read."""
    what = f"raise exception using errcode = '{code}', message = '{what}: ' || form, detail = form"
    function = f"create or replace function {SCHEMA}.seen(form text) returns boolean language plpgsql stable"
    return lambda stage: stage.ask(
        f"{function} as $$begin if {when} then {what}; end if; return true; end$$; "
        f"alter table {TABLE} rename to hidden; "
        f"create view {TABLE} as select * from {SCHEMA}.hidden where {SCHEMA}.seen(request_id); "
        f"grant select on {TABLE} to {READER}"
    )


SCENARIOS: dict[str, tuple[str, Act]] = {
    **files(
        "call_logs",
        {
            "no header": HEADERLESS,
            "semicolons": HEADERLESS.replace(b",", b";"),
            "nothing": b"",
            "blank lines": b"\n\n",
            "a quote that is never closed": f'"{CANARY}\n'.encode(),
            "a header in another encoding": f"{CANARY},\xe9\n".encode("latin-1"),
            "a header with a NUL": CANARY.encode() + b"\0,a\n",
            "CR alone": f"{CANARY}\r{CANARY}\r".encode(),
            "too many columns": (f"{CANARY}," * 5_001).encode(),
            "gzip": gzip.compress(HEADERLESS),
            "UTF-16": HEADERLESS.decode().encode("utf-16"),
            "a column twice": f"call ID,Call_Id,{CANARY}\n".encode(),
            "records of another width": f"{CALLS}\n{CANARY}\n{PERSON}\n".encode(),
            "values in another encoding": f"{CALLS}\n".encode() + f"{PERSON}\xe9\n".encode("latin-1"),
        },
    ),
    **files(
        "social_media",
        {
            "nothing": b"",
            "a text": CANARY.encode(),
            "HTML": f"<p>{CANARY}</p>".encode(),
            "an array that breaks": f'["{CANARY}", {{]'.encode(),
            "an array without commas": f'[{{"{CANARY}": 1}} {{"{CANARY}": 2}}]'.encode(),
            "an array and more": f'{JSON_TEXT} "{CANARY}"'.encode(),
            "an object that breaks": f'{{"{CANARY}": {{"a": "{CANARY}"}}, ]'.encode(),
            "an object and more": f'{OBJECT} "{CANARY}"'.encode(),
            "columns of no object": json.dumps(dict.fromkeys(FORM, CANARY)).encode(),
            "keys that are names": f'{{"{CANARY}": {{"iD": "1"}}}}'.encode(),
            "another's columns": f'[{{"{CANARY}": "{CANARY}"}}]'.encode(),
            "lines that break": lines_of(f'{{"{CANARY}": ', f'["{CANARY}"]', CANARY, f'{{"a": "{CANARY}\udcff"}}'),
            "lines too deep": lines_of(json.dumps({**FORM, "agent ID": 0}).replace("0", DEEP)),
            "numbers that are none": lines_of(f'{{"{CANARY}": 01}}', f'{{"a": {CANARY}}}', f'{{"a": "\\x{CANARY}"}}'),
            "keys twice": lines_of(*[json.dumps(FORM)[:-1] + f', "agent ID": "{CANARY}"}}'] * 2),
            "lines deeper than any reader goes": lines_of(f'{{"{CANARY}": {"[" * 100_000}'),
            "halves of a pair": lines_of(json.dumps(FORM).replace(CANARY, f"{CANARY}\\ud800")),
            "an object with other separators": OBJECT.replace("},", "}:", 1).encode(),
            "an object with a key that is none": OBJECT.replace('{"', '{1: "Xanthippe", "', 1).encode(),
            **{f"an array cut at {cut}": JSON_TEXT[:cut].encode() for cut in range(1, len(JSON_TEXT), 83)},
            **{f"an object cut at {cut}": OBJECT[:cut].encode() for cut in range(2, len(OBJECT), 107)},
            **{f"an object without its {cut}": OBJECT.replace(cut, " ", 3).encode() for cut in ':,"{'},
        },
    ),
    "call_logs: no mark of its encoding": (
        "call_logs",
        lambda stage: [
            stage.deliver_by("call_logs", 'kind = "csv", encoding = "utf-16", paths = ["call logs/call*{date}.csv"]'),
            stage.world.deliver("call_logs", HEADERLESS),
        ],
    ),
    "call_logs: a mark of another encoding": (
        "call_logs",
        lambda stage: [
            stage.deliver_by(
                "call_logs", 'kind = "csv", encoding = "windows-1252", paths = ["call logs/call*{date}.csv"]'
            ),
            stage.world.deliver("call_logs", b"\xef\xbb\xbf" + HEADERLESS),
        ],
    ),
    **{
        f"customers: UTF-16 that {what}": ("customers", coded('encoding = "utf-16"', content))
        for what, content in {"has no mark": HEADERLESS, "is turned": codecs.BOM_UTF16_BE + HEADERLESS}.items()
    },
    **{
        f"customers: a zip {what}": ("customers", coded('compression = "zip"', content))
        for what, content in {
            "of nothing": zipped(),
            "that is none": HEADERLESS,
            "with a password": zipped(CANARY).replace(PLAIN_ZIP, b"\x01\x00\x08\x00"),
            "packed in another way": zipped(CANARY).replace(PLAIN_ZIP, b"\x00\x00\x09\x00"),
        }.items()
    },
    **{
        f"customers: gzip that {what}": ("customers", coded('compression = "gzip"', content))
        for what, content in {"is none": HEADERLESS, "ends too soon": gzip.compress(HEADERLESS)[:-9]}.items()
    },
    **{
        f"customers: {what}": ("customers", coded(option, content))
        for what, option, content in [
            ("fewer lines than are skipped", "skip_rows = 9", HEADERLESS),
            ("another footer", 'footer = ["END"]', PERSONS_HEADER + HEADERLESS),
            ("nothing but a footer", "footer = ['cust']", PERSONS_HEADER),
            ("a header that should be none", "header = false", PERSONS_HEADER),
        ]
    },
    **{
        f"customers: an Excel file {what}": ("customers", coded(option, content, "xlsx"))
        for what, option, content in [
            ("that is none", "header_row = 1", HEADERLESS),
            ("with a password", "header_row = 1", b"\xd0\xcf\x11\xe0" + HEADERLESS),
            ("that is another zip", "header_row = 1", zipped(CANARY)),
            ("with another sheet", f'sheet = "{PLANTED}"', workbook([CANARY])),
            ("of two sheets", "header_row = 1", workbook([CANARY], sheets=2)),
            ("with formulas alone", "header_row = 1", workbook([CANARY], ["=A1"])),
            ("without a header", "header_row = 9", workbook([CANARY])),
            ("that is too wide", "header_row = 1", workbook([f"{CANARY} {at}" for at in range(5_001)])),
            ("with a name twice", "header_row = 1", workbook([CANARY, CANARY])),
            ("with other columns", "header_row = 1", workbook([CANARY, "b"], [CANARY, 1])),
            ("with a number that is none", "header_row = 1", misnumbered()),
        ]
    },
    **{
        f"customers: Parquet {what}": ("customers", coded("", content, "parquet"))
        for what, content in [
            ("that is none", HEADERLESS),
            ("with other columns", parquet({CANARY: [CANARY]})),
            ("with bytes that are no text", parquet({**PERSONS, "name": NO_TEXT})),
        ]
    },
    "social_media: too large an object": (
        "social_media",
        lambda stage: [
            stage.deliver_by(
                "social_media", 'kind = "json", max_value_mb = 1, paths = ["social_medias/media*{date}.json"]'
            ),
            stage.world.deliver("social_media", json.dumps({CANARY: {"0": CANARY * 200_000}}).encode()),
        ],
    ),
    "customers: sound but for a few, and a column more": (
        "customers",
        lambda stage: stage.customers(CUSTOMERS, of_which_broken=20, more=PLANTED),
    ),
    "customers: a tenth is broken": ("customers", lambda stage: stage.customers(CUSTOMERS, of_which_broken=500)),
    "customers: none": ("customers", lambda _: None),
    **replies(
        {
            "HTML": Reply(200, f"<p>{CANARY}".encode()),
            "a list elsewhere": json_reply({CANARY: [CANARY]}),
            "a text": json_reply(CANARY),
            "NaN": Reply(200, f'{{"data": [{{"{CANARY}": NaN}}]}}'.encode()),
            "too deep": Reply(200, b"[" * 100_000),
            "no total": json_reply({"data": [], "total": CANARY}),
            "moved": Reply(302, b"", {"Location": f"https://{CANARY}@x.example/{SECRET}"}),
            "a teapot": Reply(418, CANARY.encode()),
            "forbidden": Reply(403, CANARY.encode()),
            "no such day": Reply(404, CANARY.encode()),
            "down": Reply(503, CANARY.encode()),
            "cut off": Reply(200, CANARY.encode(), length=99),
            "broken chunks": Reply(200, b"", {"Transfer-Encoding": "chunked", "X": CANARY}, length=99),
        }
    ),
    "outages: pages elsewhere": ("service_outages", link(f"https://x.example/{CANARY}")),
    "outages: no address": ("service_outages", link(f"http://[{CANARY}/")),
    "outages: in circles": ("service_outages", link(f"/v1/outages?{CANARY}")),
    "outages: a link that is none": (
        "service_outages",
        lambda stage: [
            stage.deliver_by("service_outages", f'{OUTAGES}, pages = {{ by = "link" }}'),
            stage.answer(json_reply({"data": [FORM]}, Link=f"<{CANARY}")),
        ],
    ),
    "outages: others when read again": (
        "service_outages",
        lambda stage: [
            stage.deliver_by("service_outages", f"{OUTAGES}, {NUMBERED}"),
            stage.answer(*(json_reply({"data": items}) for items in ([FORM], [], [{**FORM, "x": CANARY}], []))),
        ],
    ),
    "outages: the same page": (
        "service_outages",
        pages(NUMBERED, FORM, FORM),
    ),
    "outages: no end": (
        "service_outages",
        pages(f"max_pages = 2, {NUMBERED}", FORM, {"a": CANARY}),
    ),
    "outages: too long a page": ("service_outages", pages("max_page_bytes = 9", FORM)),
    "outages: a token of two lines": (
        "service_outages",
        lambda stage: stage.secret("services/outages_token", f"{SECRET}\n{SECRET}"),
    ),
    "outages: a token that no header takes": (
        "service_outages",
        lambda stage: stage.secret("services/outages_token", f"{SECRET}\u4711"),
    ),
    "outages: no token": ("service_outages", lambda stage: stage.secret("services/outages_token", " ")),
    "outages: an address with a password": (
        "service_outages",
        lambda stage: stage.secret("services/outages", f"https://reader:{SECRET}@x.example"),
    ),
    "outages: no port": (
        "service_outages",
        lambda stage: stage.secret("services/outages", f"https://x.example:{SECRET}/"),
    ),
    "outages: in clear": (
        "service_outages",
        lambda stage: stage.secret("services/outages", f"http://{SECRET}.example"),
    ),
    **cells(
        {
            "nothing": [],
            "no header": [["", ""], [CANARY, CANARY]],
            "a name twice": [[CANARY, CANARY], ["1", "2"]],
            "cells that are none": [[{CANARY: CANARY}]],  # type: ignore[list-item]
            "other columns": [[CANARY, f"{CANARY} 2"], ["1", "2"]],
        }
    ),
    "agents: moved": (
        "agents",
        lambda stage: stage.answer(Reply(302, b"", {"Location": f"https://{SECRET}@x.example"}), path="/v4"),
    ),
    **{
        f"agents: {status}": ("agents", refused_by_google(status))
        for status in (400, 403, 404, 418, 503)  # worksheet, right, spreadsheet, unknown, down
    },
    "agents: a file that is no sheet": ("agents", refused_by_google(400, "FAILED_PRECONDITION")),
    "agents: another's answer": ("agents", lambda stage: stage.answer(json_reply([CANARY]), path="/v4")),
    "agents: no token now": (
        "agents",
        lambda stage: stage.answer(
            json_reply({"error": "internal_failure", "error_description": CANARY}, 400), path="/token"
        ),
    ),
    "agents: the key is refused": (
        "agents",
        lambda stage: stage.answer(
            json_reply({"error": "invalid_grant", "error_description": SECRET}, 400), path="/token"
        ),
    ),
    "agents: no token endpoint": (
        "agents",
        lambda stage: stage.secret(
            "services/sheets_key.json", stage.web.account_key.replace(stage.web.address, "http://127.0.0.1:9")
        ),
    ),
    "agents: a key that is none": (
        "agents",
        lambda stage: stage.secret(
            "services/sheets_key.json", json.dumps(json.loads(stage.web.account_key) | {"private_key": SECRET})
        ),
    ),
    "agents: a key of others": ("agents", lambda stage: stage.secret("services/sheets_key.json", f'{{"{SECRET}": 1}}')),
    "agents: no JSON": ("agents", lambda stage: stage.secret("services/sheets_key.json", SECRET)),
    "agents: a key in clear": (
        "agents",
        lambda stage: stage.secret(
            "services/sheets_key.json", stage.web.account_key.replace("http://127.0.0.1", f"http://{SECRET}.example")
        ),
    ),
    "agents: no key": ("agents", lambda stage: (stage.world.root / "services/sheets_key.json").unlink()),
    "agents: no id": (
        "agents",
        lambda stage: [
            stage.variables.setenv("AIRFLOW_VAR_CANARY", f"{SECRET}/edit"),
            stage.configure('agents = "demo-agents"', 'agents = "variable:CANARY"'),
        ],
    ),
    "web_forms: a row that is quoted": ("web_forms", both(Stage.forms, raising("22P02"))),
    "web_forms: a row that is quoted by the count": ("web_forms", both(Stage.forms, raising("22P02", "true"))),
    "web_forms: a policy beneath": (
        "web_forms",
        both(Stage.forms, raising("42501", "true", "query would be affected by row-level security policy")),
    ),
    "web_forms: a policy": (
        "web_forms",
        both(
            Stage.forms,
            lambda stage: stage.ask(
                f"alter table {TABLE} enable row level security; "
                f"create policy part on {TABLE} using (request_id <> '{CANARY}')"
            ),
        ),
    ),
    "web_forms: a function that raises": ("web_forms", both(Stage.forms, raising("U0001"))),
    "web_forms: no right": (
        "web_forms",
        both(Stage.forms, lambda stage: stage.ask(f"revoke select on {TABLE} from {READER}")),
    ),
    "web_forms: another's columns": (
        "web_forms",
        lambda stage: stage.ask(f'create table {TABLE} ("{CANARY}" text)'),
    ),
    "web_forms: too slow": (
        "web_forms",
        both(
            Stage.forms,
            lambda stage: stage.configure('sslmode = "disable"', 'sslmode = "disable", statement_timeout = 0.001'),
        ),
    ),
    "web_forms: a wrong password": ("web_forms", lambda stage: stage.secret("secrets/db_password", SECRET)),
    "web_forms: nothing listens": ("web_forms", lambda stage: stage.secret("secrets/db_port", "9")),
    "web_forms: no port": ("web_forms", lambda stage: stage.secret("secrets/db_port", SECRET)),
    "web_forms: no schema": ("web_forms", lambda stage: stage.secret("secrets/table_schema_name", "nowhere")),
    "web_forms: no password": ("web_forms", lambda stage: (stage.world.root / "secrets/db_password").unlink()),
    "web_forms: a reserved letter": (
        "web_forms",
        lambda stage: stage.connection(f"postgresql://r:{SECRET}#1@db:5432/x"),
    ),
    "web_forms: broken JSON": ("web_forms", lambda stage: stage.connection(f'{{"password": "{SECRET}"')),
    "web_forms: a text as extra": (
        "web_forms",
        lambda stage: stage.connection(json.dumps({"password": SECRET, "extra": f'"{SECRET}"'})),
    ),
}

# Places that make an error and are not reached here, each with where it is, or why it holds nothing of a source's.
ELSEWHERE = {
    "clients/credentials.py get_google_credentials": "BigQuery's; tests/unit/test_google.py",
    "clients/credentials.py get_aws_security_credentials": "BigQuery's; says nothing of anybody",
    "clients/postgres.py explain_error DeliveryChangedError": "a table that is dropped meanwhile: its name",
    "landing/raw.py _chain": "counts of bytes; what must not happen",
    "landing/task.py _land": "counts of records; what must not happen",
    "pipeline/execute.py _attempted": "an error that has been described; tests/landing/test_attempts.py",
    "pipeline/execute.py _land": "a path, of what went between plan and run",
    "pipeline/execute.py _refuse_if_superseded": "ids of runs; tests/landing/test_order.py",
    "pipeline/execute.py _process HeldError": "a day, a source and an id of a run; tests/landing/test_held.py",
    "pipeline/ingest.py _odd_volume": "counts; tests/landing/test_landing.py",
    "pipeline/ingest.py _commit": "ids of runs; tests/landing/test_order.py",
    "pipeline/ingest.py check BalanceError": "counts; tests/unit/test_landing.py",
    "pipeline/ingest.py _check_unchanged": "a path; tests/landing/test_landing.py",
    "pipeline/load.py": "counts and ids of runs; tests/unit/test_load.py",
    "pipeline/plan.py": "texts of other errors",
    "pipeline/status.py": "counts, and the name of a run",
    "sources/parquet.py read": "a column's name and type, where all that are required came; tests/unit/test_parquet.py",
    "sources/xlsx.py _require_room": "counts; tests/unit/test_xlsx.py",
    "sources/mysql.py": "a table's name and engine; tests/mysql",
    "sources/packed.py _keep_within": "counts; tests/landing/test_landing.py",
    "sources/csv_split.py _parse_all": "counts; what must not happen",
    "sources/json_learnt.py _make_columns": "a sign to read one by one, never a message",
    "sources/json_structure.py read_item UnfinishedError": "fixed words; its callers have looked for the end before",
    "sources/extent.py _measure_pages": "a table's name; tests/spark/test_postgres.py",
    "sources/extent.py _require_readable": "a table's name and kind; tests/spark/test_postgres.py",
    "sources/postgres.py": "counts and the table's name; tests/spark/test_postgres.py",
    "sources/recount.py": "places and fixed words, of Python's csv and json; tests/landing/test_recounted.py",
    "sources/rest_pages.py _read_body ServiceError": "seconds",
}
FOLDERS = ("sources", "landing", "pipeline")
FILES = ("contracts/mapping.py", "clients/http.py", "clients/postgres.py", "clients/credentials.py")
BASES: tuple[type[Exception], ...] = (PlatformError, StructureError, UnsoundError)


def list_sites() -> dict[tuple[str, int], str]:
    """(file, line) of each call that makes an error of ours -> what it is called in `ELSEWHERE`."""
    names = {one.__name__ for base in BASES for one in (base, *list_kinds(base))}
    paths = [path for folder in FOLDERS for path in (ROOT / "jobs" / folder).glob("*.py")]
    found = {}
    for path in [*paths, *(ROOT / "jobs" / name for name in FILES)]:
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
                        of = f"{path.relative_to(ROOT / 'jobs')} {function.name} {ast.unparse(node.func)}"
                        found[(str(path), node.lineno)] = of
    return found


def list_kinds(base: type) -> Iterator[type]:
    for kind in base.__subclasses__():
        yield kind
        yield from list_kinds(kind)


def watch(patch: pytest.MonkeyPatch, reached: set[tuple[str, int]]) -> None:
    """Notes where each error of ours is made."""

    def make(kind: type[BaseException], *arguments: Any, **_: Any) -> BaseException:
        frame = sys._getframe(1)
        reached.add((frame.f_code.co_filename, frame.f_lineno))
        return BaseException.__new__(kind, *arguments)

    for base in BASES:
        patch.setattr(base, "__new__", make)


@dataclass(frozen=True)
class Told:
    """`texts`: what a run shows or keeps but for the rows themselves, by its place; `reached`: places in the code."""

    texts: dict[str, str]
    rows: dict[str, bytes]
    codes: dict[str, int]
    reached: set[tuple[str, int]]
    secrets: tuple[str, ...]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, postgres: Server) -> Iterator[Told]:
    world, reached = make_world(tmp_path_factory.mktemp("canaries"), agents_from_a_file=False), set[tuple[str, int]]()
    with serving(list) as web, pytest.MonkeyPatch.context() as patch:
        stage = Stage(world, web, postgres, patch)
        watch(patch, reached)
        for name, (source, act) in SCENARIOS.items():
            stage.reset()
            act(stage)
            stage.run(name, source)
        secrets = (SECRET, postgres.reader_password, web.api_token, web.access_token, web.key_id, "PRIVATE KEY")
    kept = [
        path for folder in ("lake", "bronze", "logs") for path in (world.root / folder).rglob("*") if path.is_file()
    ]
    rows = {str(path): path.read_bytes() for path in kept if path.suffix == ".parquet" or "unreadable" in path.parts}
    texts = {str(path): path.read_text() for path in kept if str(path) not in rows}
    yield Told({**stage.told, **texts}, rows, stage.codes, reached, secrets)
    stage.clear()


def test_every_place_that_makes_an_error_is_reached_or_says_why_not(told: Told) -> None:
    sites = list_sites()
    assert len(sites) > 70
    excused = {site for site, name in sites.items() if any(name.startswith(one) for one in ELSEWHERE)}
    missing = sorted(f"{name}, line {site[1]}" for site, name in sites.items() if site not in told.reached | excused)
    assert not missing, "\n".join(missing)
    needless = sorted(f"{sites[site]}, line {site[1]}" for site in excused & told.reached)
    assert not needless, "\n".join(["they are reached, and need no excuse:", *needless])
    assert [one for one in ELSEWHERE if not any(name.startswith(one) for name in sites.values())] == []


def test_each_scenario_ends_as_an_error_but_those_that_reject_a_few(told: Told) -> None:
    assert Counter(told.codes.values())[0] < 12, [name for name, code in told.codes.items() if code == 0]
    assert 70 not in told.codes.values(), [name for name, code in told.codes.items() if code == 70]


def test_no_person_and_no_secret_is_told(told: Told) -> None:
    assert len(told.texts) > 3 * len(SCENARIOS)
    words = (CANARY, *told.secrets)
    assert [(place, word) for place, text in told.texts.items() for word in words if word in text] == []


@pytest.mark.parametrize("place", ["customers: sound", "logs/", "runs/", "attempts/", "_manifest.json"])
def test_the_search_finds_a_column_that_is_told_by_design(told: Told, place: str) -> None:
    assert [name for name, text in told.texts.items() if place in name and PLANTED in text]


@pytest.mark.parametrize("place", ["landed", "rejected", "unreadable"])
def test_the_canaries_were_there(told: Told, place: str) -> None:
    files = [path for path in told.rows if f"/{place}" in path]
    parquet = [str(pq.read_table(path).to_pylist()) for path in files if path.endswith(".parquet")]
    assert CANARY in "".join(parquet) + "".join(told.rows[path].decode(errors="replace") for path in files)
    assert os.environ.get("AIRFLOW_CONN_CANARY") is None
