"""What a message may hold: nothing of a delivery's content, wherever in the code it is raised."""

import ast
import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.services import Services, serving
from demo.web import Reply, json_reply
from jobs.__main__ import main
from jobs.commands.table import show
from jobs.config.environment import ROOT
from jobs.engines.session import Session
from jobs.errors import ContractError
from tests.conftest import AGENTS_FROM_A_FILE, DAY, World
from tests.runner import Runner

CANARY = "Xanthippe Quill"
KEYED_BY_NAME = f'{{"{CANARY}": {{"iD": "1"}}, "Ada": {{"iD": "2", "state": "Ohio"}}}}'.encode()

# What messages of jobs/sources and jobs/contracts are made of. Whoever adds an expression says here that it holds
# nothing of a delivery: a place, a position, a count, a status, a name of the configuration's, a library's fixed words.
TOLD = {
    # places, positions, names of the configuration's
    *("at", "container", "contract.name", "dataset", "day", "environment.name", "error.at", "file.uri", "folder"),
    *(
        "kept",
        "line",
        "text",
        "found[2]",
        "self.since",
        "self.until",
        "name",
        "near",
        "needed",
        "number",
        "number - 1",
        "page.number",
        "channel",
        "shown(reference)",
        "schema",
    ),
    *("selection.uri", "see_all_rows(selection.secret)", "secret.table_schema_name", "secret.db_name"),
    *("secret", "self.delivery.items", "self.delivery.pages.parameter", "self.uri", "table", "tally.uri", "uri"),
    *("delivery.total", "where", "gone", "account", "key['client_email']", "key['token_uri']", "unknown"),
    *(
        "sorted(paths)",
        "sorted(wrong)",
        "sorted(tags)",
        "sorted(there_are)",
        "untagged",
        "left_out",
        "landed",
        "reserved",
        "twice",
        "undated",
        "', '.join(twice)",
    ),
    *("' nor '.join(allowed.decode())", "' nor '.join(may_follow.decode())"),
    # counts, sizes, limits
    *(
        "file.size",
        "found",
        "len(members)",
        "len(tables)",
        "engine",
        "self.describe_place(request.day)",
        "VERSION",
        "toml.show_path(environment.contracts)",
        "len(header)",
        "len(sheets)",
        "size",
        "header_row",
        "wanted",
        "facts.uncomputed",
        "facts.first_uncomputed",
        "len(body)",
        "len(raw)",
        "len(names)",
        "MAX_COLUMNS",
        "len(records)",
        "limit",
        "max_value_mb",
        "others",
        "still_open",
    ),
    *("retries.http + 1", "self.environment.retries.http + 1", "self.delivery.max_pages", "_SLOWEST", "tally.rows"),
    *("delivery.settle", "delivery.settle_limit", "before.rows", "now.rows", "kind"),
    *("said", "again.rows", "grammar.encoding", "encoding", "others[0]", "marked or 'no byte order mark'"),
    *(
        "beginning",
        "self.encoding",
        "self._uri",
        "self._name",
        "self.at",
        "compression",
    ),  # of a footer, as the source contract has it
    *("untagged", "sorted(tags)"),  # kinds of personal columns, by our own names
    # statuses, reasons and hosts
    *(
        "error",
        "fault",
        "phrase",
        "reason",
        "describe_refusal(error)",
        "status",
        "to",
        "type(error).__name__",
        "host_of(link)",
    ),
    *("headers", "_show_key(contract, absent)"),  # spellings of names that the source contract has
}


def raised(path: Path) -> Iterator[tuple[str, str]]:
    """(place, expression) of everything that stands in the messages of a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        is_error = isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("Error", "reject", "unreachable"))
        if is_error:
            for part in ast.walk(node):
                if isinstance(part, ast.FormattedValue):
                    yield f"{path.relative_to(ROOT)}:{part.lineno}", ast.unparse(part.value)


def test_every_message_of_a_source_is_made_of_what_may_be_told() -> None:
    modules = [path for name in ("sources", "contracts") for path in (ROOT / "jobs" / name).glob("*.py")]
    found = [one for path in modules for one in raised(path)]
    assert len(found) > 80
    assert [one for one in found if one[1] not in TOLD] == []


def told(run: Runner, source: str) -> str:
    """What one landing that is refused, or rejects records, says anywhere but in the landing itself."""
    (outcome,) = run(sources=(source,))
    places = [path for name in ("logs", "lake/runs") for path in (run.world.root / name).rglob("*") if path.is_file()]
    assert any(path.parts[-2] == "runs" for path in places)
    return "\n".join([outcome.model_dump_json(), *(path.read_text() for path in places)])


@pytest.fixture
def run(world: World) -> Runner:
    return Runner(world, Session("tests", {}))


@pytest.mark.parametrize(
    ("source", "content", "said"),
    [
        ("call_logs", f"1,{CANARY},2\n2,Ada,3\n".encode(), "other columns that came: 3"),
        ("call_logs", f'"{CANARY}\n'.encode(), "cannot be read"),
        ("call_logs", f"{CANARY},\xe9\n".encode("latin-1"), "not UTF-8"),
        ("call_logs", CANARY.encode() + b"\0,a\n", "cannot be read"),
        ("call_logs", f"call ID,Call_Id,{CANARY}\n".encode(), "all fall on column"),
        ("call_logs", f"{CANARY}\ra\r".encode(), "end with CR alone"),
        ("social_media", CANARY.encode(), "bytes of something else"),
        ("social_media", f"<p>{CANARY}</p>".encode(), "bytes of HTML or XML"),
        ("social_media", f'["{CANARY}", {{]'.encode(), "near byte"),
        ("social_media", f'{{"{CANARY}": "{CANARY}'.encode(), "never closed"),
        ("social_media", f'[{{"{CANARY}": "{CANARY}"}}]'.encode(), "other columns that came: 1"),
        ("social_media", KEYED_BY_NAME, "other columns that came: 2"),
    ],
)
def test_x4_a_delivery_that_is_refused_shows_nothing_of_its_content(
    run: Runner, source: str, content: bytes, said: str
) -> None:
    file = run.world.deliver(source, content)
    assert CANARY.encode() in file.read_bytes()
    text = told(run, source)
    assert said in text
    assert CANARY not in text


def test_the_search_finds_a_name_that_is_told_by_design(run: Runner) -> None:
    """An unknown column of a file that has all others is drift, named in report and manifest."""
    content = f'[{{"agent ID": "1", "{CANARY}": "x", {COLUMNS}}}]'
    run.world.deliver("social_media", content.encode())
    assert CANARY in told(run, "social_media")


COLUMNS = ", ".join(
    f'"{header}": "1"'
    for header in (
        *("", "complaint_id", "customeR iD", "COMPLAINT_catego ry", "resolutionstatus", "request_date"),
        *("resolution_date", "media_channel", "MediaComplaintGenerationDate"),
    )
)


@pytest.fixture
def services(world: World) -> Iterator[Services]:
    world.file.write_text(world.file.read_text().replace(AGENTS_FROM_A_FILE, ""))
    with serving(lambda: [[CANARY, CANARY], ["1", "2"]]) as found:
        found.write_secrets(world.root / "services")
        yield found


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(200, f"<p>{CANARY}".encode()), "bytes; kept as"),
        (json_reply({CANARY: [CANARY]}), "found an object of 1 keys"),
        (json_reply(CANARY), "found a str"),
        (json_reply({"data": [], "total": CANARY}), "says no number of items"),
        (Reply(302, b"", {"Location": f"https://{CANARY[:9]}@x.example/{CANARY}"}), "moved to x.example;"),
        (Reply(418, CANARY.encode()), "15 bytes of explanation"),
        (Reply(200, b"", {"Transfer-Encoding": "chunked", "X": CANARY}, length=99), "tries"),
    ],
)
def test_x4_an_answer_that_is_refused_shows_nothing_of_its_content(
    run: Runner, services: Services, reply: Reply, said: str
) -> None:
    services.faults = {"/v1": deque([reply] * 20)}
    text = told(run, "service_outages")
    assert said in text
    assert not any(word in text for word in CANARY.split())


def test_x4_a_sheet_that_is_refused_shows_nothing_of_its_content(run: Runner, services: Services) -> None:
    text = told(run, "agents")
    assert "in columns A, B" in text
    assert CANARY not in text


HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202e\x9b1m\r"


def test_x11_a_suppliers_control_characters_do_nothing_in_a_terminal(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither in drift, which names a column, nor in an error, nor in a table."""
    content = f'[{{"agent ID": "1", "queue{HOSTILE}": "x", {COLUMNS}}}]'
    world.deliver("social_media", content.encode().replace(HOSTILE.encode(), json.dumps(HOSTILE)[1:-1].encode()))
    assert main(["run", "--date", str(DAY), "--source", "social_media", "--env", str(world.file)]) == 0
    show([("why",), (HOSTILE,)], numbers=())
    print(ContractError(f"it says {HOSTILE}"))
    shown = capsys.readouterr()
    assert "queue\\x1b[2J" in shown.err
    assert shown.out.count("\\x1b[2J\\x1b]0;owned\\x07\\u202e\\x9b1m\\r") == 2
    assert not set(HOSTILE) - set("[2J]0;owned1m") & set(shown.err + shown.out)
