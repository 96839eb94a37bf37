"""A real MariaDB, read by both engines: make test-nightly."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from demo.complaints import HEADERS
from jobs.contracts.source import load_contracts
from jobs.engines.session import Session
from jobs.ledger.ledger import Ledger
from jobs.sources import mysql
from jobs.sources.recount import count_delivered
from tests.conftest import DAY, NIGHTLY, World, make_world
from tests.mysql.server import Server, running
from tests.runner import Runner

pytestmark = pytest.mark.skipif(not NIGHTLY, reason="142 MB of MariaDB to fetch: make test-nightly")
TABLE = f"forms_{DAY:%Y_%m_%d}"
COLUMNS = HEADERS["web_forms"]
# SQL of a type and of a value -> the text that lands.
TYPES = [
    ("bigint unsigned", "18446744073709551615", "18446744073709551615"),
    ("decimal(30, 4)", "12345678901234567890.1", "12345678901234567890.1000"),
    ("double", "0.1e0 + 0.2e0", "0.30000000000000004"),
    ("float", "0.1", "0.1"),
    ("float", "16777217", "16777216"),
    ("date", "'2025-11-20'", "2025-11-20"),
    ("datetime(6)", "'2025-11-20 10:00:00.12'", "2025-11-20 10:00:00.120000"),
    ("timestamp", "'2025-11-20 10:00:00'", "2025-11-20 10:00:00"),
    ("time", "'26:03:00'", "26:03:00"),
    ("boolean", "true", "1"),
    ("bit(9)", "b'100000001'", "0101"),
    ("blob", "x'00ff'", "00ff"),
    ("char(5)", "'a '", "a"),
    ("text character set latin1", "'é\\n\\\"'", 'é\n"'),
    ("enum('x', 'y')", "'y'", "y"),
    ("json", "'[1, 1.10]'", "[1, 1.10]"),
    ("year", "2025", "2025"),
    ("text", "''", ""),
    ("text", "null", None),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("mariadb")) as found:
        yield found


@pytest.fixture
def run(tmp_path: Path, server: Server, session: Session) -> Runner:
    world = make_world(tmp_path)
    delivery = 'web_forms = { kind = "mysql", table = "forms_{date:%Y_%m_%d}", secret = "database" }\n'
    world.file.write_text('mysql = { sslmode = "disable" }\n' + world.file.read_text() + delivery)
    server.write_secrets(world.root / "secrets")
    server.ask(f"drop table if exists forms.{TABLE}", f"drop view if exists forms.{TABLE}")
    return Runner(world, session)


def create(server: Server, rows: int, engine: str = "InnoDB") -> None:
    columns = ", ".join(f"`{name}` text" for name in COLUMNS)
    more = "".join(f", t{at} {kind}" for at, (kind, _, _) in enumerate(TYPES))
    values = ", ".join("concat('v', seq)" for _ in COLUMNS) + "".join(f", {value}" for _, value, _ in TYPES)
    server.ask(
        "use forms",
        f"create table forms.{TABLE} ({columns}{more}) engine = {engine} default charset utf8mb4",
        f"insert into forms.{TABLE} select {values} from seq_1_to_{rows}",
    )


def bronze(run: Runner) -> list[dict[str, Any]]:
    rows = run.bronze("web_forms")
    return sorted(({k: row[k] for k in row if k not in ("_run_id", "_ingested_at")} for row in rows), key=str)


def test_each_value_lands_as_the_text_of_the_server_on_threads_and_on_spark(run: Runner, server: Server) -> None:
    create(server, 300)
    (outcome,) = run(sources=("web_forms",))
    assert (outcome.state, outcome.rows_delivered, outcome.rows_bronze) == ("loaded", 300, 300), outcome.error
    rows = bronze(run)
    rescued = {text: json.loads(str(row["_rescued"])) for row in rows for text in [row["request_id"]]}
    expected = {f"t{at}": text for at, (_, _, text) in enumerate(TYPES) if text is not None}
    assert rescued["v7"] == expected
    (outcome,) = replace(run, engine="spark")(sources=("web_forms",), replay=True)
    assert (outcome.state, outcome.rows_bronze) == ("loaded", 300), outcome.error
    assert bronze(run) == rows
    environment, manifest = run.world.environment, Ledger(run.world.lake).read_manifests("web_forms")[-1]
    assert count_delivered(load_contracts(environment)["web_forms"], environment, DAY, manifest.inputs) == 300


def test_an_update_is_seen_and_a_day_without_rows_has_not_arrived(run: Runner, server: Server) -> None:
    assert [one.state for one in run(sources=("web_forms",))] == ["not_arrived"]
    create(server, 3)
    assert [one.attempt for one in run(sources=("web_forms",))] == ["loaded"]
    assert [one.attempt for one in run(sources=("web_forms",))] == ["unchanged"]
    server.ask(f"update forms.{TABLE} set t2 = t2 + 0.0001 where request_id = 'v2'")
    (outcome,) = run(sources=("web_forms",))
    assert (outcome.attempt, outcome.corrected) == ("loaded", True)
    text = run.world.file.read_text()
    run.world.file.write_text(text.replace('secret = "database" }', """secret = "database", where = "t5 = {date}" }"""))
    server.ask(f"update forms.{TABLE} set t5 = '{DAY}' where request_id <> 'v2'")
    (outcome,) = run(sources=("web_forms",))
    assert (outcome.attempt, outcome.rows_landed) == ("loaded", 2), outcome.attempt_error


def test_what_others_write_meanwhile_is_not_of_the_moment_that_is_read(
    run: Runner, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(server, 30)
    write = mysql._Snapshot.write

    def write_late(snapshot: Any, out: Any) -> None:
        server.ask(f"delete from forms.{TABLE} where request_id < 'v2'", f"update forms.{TABLE} set t0 = 7")
        write(snapshot, out)

    monkeypatch.setattr(mysql._Snapshot, "write", write_late)
    (outcome,) = run(sources=("web_forms",))
    assert (outcome.state, outcome.rows_landed) == ("loaded", 30), outcome.error
    assert all('"t0":"18446744073709551615"' in str(row["_rescued"]) for row in run.bronze("web_forms"))
    monkeypatch.undo()
    (outcome,) = run(sources=("web_forms",))
    assert (outcome.corrected, outcome.rows_landed) == (True, 19)


@pytest.mark.parametrize(
    ("act", "code", "why"),
    [
        (lambda world, server: server.write_secrets(world.root / "secrets", db_password="wrong-7"), 78, "error 1045"),
        (lambda world, server: server.write_secrets(world.root / "secrets", db_name="other"), 78, "error 1044"),
        (lambda world, server: server.write_secrets(world.root / "secrets", db_port="9"), 69, "cannot be reached"),
        (lambda world, server: create(server, 3, "MyISAM"), 78, "its engine is MyISAM, which has no snapshots"),
        (lambda world, server: tls(world), 78, "certificate"),
        (lambda world, server: [create(server, 3), condition(world, "nothing = 1")], 78, "error 1054"),
    ],
    ids=["password", "database", "down", "MyISAM", "TLS", "condition"],
)
def test_what_is_wrong_is_told_with_what_to_do(run: Runner, server: Server, act: Any, code: int, why: str) -> None:
    act(run.world, server)
    (outcome,) = run(sources=("web_forms",))
    assert (outcome.exit_code, why in (outcome.error or "")) == (code, True), outcome.error
    assert server.password not in str(outcome)
    assert "wrong-7" not in str(outcome)


def tls(world: World) -> None:
    world.file.write_text(world.file.read_text().replace('mysql = { sslmode = "disable" }\n', ""))


def condition(world: World, where: str) -> None:
    text = world.file.read_text()
    world.file.write_text(text.replace('secret = "database" }', f'secret = "database", where = "{where}" }}'))
