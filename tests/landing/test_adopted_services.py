"""`adopt` of a table, a sheet and a REST API, by a real Postgres and doubles on loopback."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.postgres import READER, SCHEMA, Server
from demo.services import SPREADSHEET, Services, serving
from demo.web import Reply, Request, answering, json_reply
from jobs.contracts.source import load_contracts
from jobs.engines.session import Session
from tests.conftest import DAY, World
from tests.landing.test_adopted import NAMES, adopt, effect_of
from tests.runner import Runner


@pytest.fixture
def web() -> Iterator[Services]:
    cells = [["iD", "NamE", "experience", "state"], *([str(n), f"Ada {n}", "Senior", "Ohio"] for n in range(30))]
    with serving(lambda: cells) as services:
        yield services


@pytest.fixture
def served(adopting: World, web: Services) -> World:
    """The demo's services, whose addresses and keys the environment has."""
    web.write_secrets(adopting.root / "services")
    text = adopting.file.read_text()
    text = text.replace('spreadsheets = { agents = "demo-agents" }\n', "")
    others = "\n".join(line for line in text.splitlines() if not line.startswith("services = "))
    adopting.file.write_text(
        f'{others}\n[services]  # ours\nsheets = "file:{adopting.root}/services/sheets"\n'
        f'outages = "file:{adopting.root}/services/outages"\n'
    )
    return adopting


def ask(postgres: Server, sql: str) -> None:
    with postgres.transaction() as cursor:
        cursor.execute(sql)


def shipped(source: str) -> dict[str, object]:
    from jobs.config.environment import load_environment

    return effect_of(load_contracts(load_environment("local"), (source,))[source])


def land(world: World) -> list[tuple[str, int]]:
    return [(outcome.state, outcome.rows_landed or 0) for outcome in Runner(world, Session("tests", {}))()]


def test_of_the_demos_table_it_writes_what_its_source_contract_says(
    adopting: World,
    postgres: Server,
    tmp_path: Path,
) -> None:
    postgres.write_secrets(adopting.root / "secrets")
    path = adopting.root / f"sources/web_forms/web_form_request_{DAY:%Y_%m_%d}.csv"
    postgres.replace_day(path)
    names = [f"column.{name}={NAMES[name]}" for name in ("complaint_catego_ry", "resolutionstatus")]
    more = ["column.column1=source_row_id", "column.web_form_generation_date=generation_date"]
    table = f"table:web_form_request_{DAY:%Y_%m_%d}"
    assert adopt(adopting, "web_forms", table, answers=[*names, *more]) == 0
    assert effect_of(load_contracts(adopting.environment)["web_forms"]) == shipped("web_forms")
    ((state, rows),) = land(adopting)
    assert (state, rows > 100) == ("loaded", True)


def test_a_table_that_grows_is_asked_for_the_days_rows(
    adopting: World,
    postgres: Server,
    capsys: pytest.CaptureFixture[str],
) -> None:
    postgres.write_secrets(adopting.root / "secrets")
    condition = "changed_at::date = {date}"
    moment = f"timestamp '{DAY} 10:00' - n * interval '1 h'"
    rows = f"select 'r' || n as id, {moment} as changed_at from generate_series(1, 30) n"
    ask(postgres, f"create table {SCHEMA}.refunds as {rows}; grant select on {SCHEMA}.refunds to {READER}")
    assert adopt(adopting, "refunds", "table:refunds") == 78
    assert "--answer where: no day in the name refunds" in capsys.readouterr().err
    assert adopt(adopting, "refunds", "table:refunds", answers=[f"where={condition}"]) == 0
    assert land(adopting) == [("loaded", 10)]
    assert adopt(adopting, "gone", "table:gone", answers=["where=none"]) == 78
    assert "gone: no such table" in capsys.readouterr().err


def test_of_the_demos_sheet_it_writes_what_its_source_contract_says(served: World) -> None:
    answers = ["column.id=agent_id", "personal.name=identity"]
    assert adopt(served, "agents", f"sheet:{SPREADSHEET}/agents", answers=answers) == 0
    assert effect_of(load_contracts(served.environment)["agents"]) == shipped("agents")
    assert '[spreadsheets]\nagents = "demo-agents"\n' in served.file.read_text()
    assert land(served) == [("loaded", 30)]


def test_of_the_demos_api_it_writes_what_its_source_contract_says(served: World, web: Services) -> None:
    assert adopt(served, "service_outages", f"{web.address}/v1/outages?day={DAY}") == 0
    assert effect_of(load_contracts(served.environment)["service_outages"]) == shipped("service_outages")
    ((state, rows),) = land(served)
    assert (state, rows > 25) == ("loaded", True)


@pytest.mark.parametrize(("shape", "pages", "items"), [
    ("link", {"by": "link"}, ""), ("field", {"by": "link", "field": "links.next"}, "result.rows"),
    ("page", {"by": "number", "parameter": "page"}, "items"), ("one", None, "items"),
])  # fmt: skip
def test_pages_are_turned_as_the_first_one_shows(
    shape: str, pages: dict[str, str] | None, items: str, served: World
) -> None:
    rows = [{"id": f"t{n}", "at": f"{DAY}T10:00:00Z"} for n in range(30)]

    def answer(request: Request) -> Reply:
        assert request.query.get("day") == str(DAY)
        number = int(request.query.get("page", 1))
        part = rows if shape == "one" else rows[number * 10 - 10 : number * 10]
        following = f"/v2/tickets?day={DAY}&page={number + 1}" if number < 3 else None
        match shape:
            case "link":
                return json_reply(part, Link=f'<{following}>; rel="next"') if following else json_reply(part)
            case "field":
                return json_reply({"result": {"rows": part}, "links": {"next": following}})
            case _:
                return json_reply({"items": part, "total": 30})

    with answering(answer) as address:
        extra = "&page=1" if shape == "page" else ""
        assert adopt(served, "tickets", f"{address}/v2/tickets?day={DAY}{extra}") == 0
        delivery = json.loads(
            load_contracts(served.environment)["tickets"].delivery.model_dump_json(exclude_defaults=True)
        )
        assert (delivery.get("pages"), delivery.get("items", "")) == (pages, items)
        assert land(served) == [("loaded", 30)]
    assert f'[services]  # ours\ntickets = "{address}"\n' in served.file.read_text()


def test_an_api_without_its_secret_is_refused_and_the_message_says_so(
    served: World, web: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    assert adopt(served, "outages", f"{web.address}/v1/outages?day={DAY}", answers=["secret=none"]) == 78
    assert "401" in capsys.readouterr().err
    assert adopt(served, "outages", "http://example.com/x") == 78
    assert "allowed is https://" in capsys.readouterr().err
