"""Web forms from a real server that is written to, locked, cut off, killed and dressed in TLS."""

import json
import logging
import os
import shutil
import signal
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from demo.complaints import HEADERS
from demo.postgres import READER, SCHEMA, Server, serving
from demo.server import SUPERUSER, running
from demo.tls import Authority, authority, in_front_of
from jobs.contracts.source import load_contracts
from jobs.engines.in_process import InProcess
from jobs.engines.spark import TableSplit
from jobs.landing.split import Counts
from jobs.ledger.outcome import Outcome
from jobs.logs import JsonLines
from jobs.masking import HIDDEN
from jobs.sources import extent as reader
from jobs.sources import table
from jobs.sources.reading import Request
from jobs.sources.source import make_source
from tests.conftest import DAY, World
from tests.runner import Runner

TABLE = f"{SCHEMA}.web_form_request_2025_11_21"
COLUMNS = HEADERS["web_forms"]
ENGINES = ("in-process", "spark")
ROWS = 9_000


def fill(server: Server, rows: int = ROWS) -> None:
    columns = ", ".join(f'"{name}" text' for name in COLUMNS)
    values = ", ".join(f"'{position}-' || n || repeat('x', 20)" for position in range(len(COLUMNS)))
    with server.transaction() as cursor:
        cursor.execute(f"drop table if exists {TABLE}; create table {TABLE} ({columns})")
        cursor.execute(f"insert into {TABLE} select {values} from generate_series(1, {rows}) n")
        cursor.execute(f"create index on {TABLE} (request_id)")


class On(logging.Handler):
    """Does something when a run logs an event, the first time it does; keeps all that it logs, and as it is written."""

    def __init__(self, event: str, action: Callable[[], object]) -> None:
        super().__init__()
        self._event, self._action = event, action
        self.facts: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        known = {fact["event"] for fact in self.facts}
        self.lines.append(self.format(record))
        self.facts.append({"event": record.getMessage(), **getattr(record, "facts", {})})
        if record.getMessage() == self._event and self._event not in known:
            self._action()

    def of(self, event: str) -> list[dict[str, Any]]:
        return [fact for fact in self.facts if fact["event"] == event]


@contextmanager
def on(event: str, action: Callable[[], object] = lambda: None) -> Iterator[On]:
    logger, handler = logging.getLogger("jobs"), On(event, action)
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)


@pytest.fixture
def filled(world: World, postgres: Server) -> Server:
    postgres.write_secrets(world.root / "secrets")
    fill(postgres)
    return postgres


@pytest.fixture(params=ENGINES)
def either(run: Runner, request: pytest.FixtureRequest) -> Runner:
    """The same run on each engine."""
    return replace(run, engine=request.param)


def land(run: Runner) -> Outcome:
    (outcome,) = run(sources=("web_forms",))
    return outcome


def why(run: Runner, retry: dict[str, Any]) -> str:
    """What the reader that failed first said: a task of Spark's, where it was one."""
    assert not (retry["first_task_failure"] and run.engine == "in-process")
    return str(retry["first_task_failure"] or retry["error"])


def configure(world: World, instead: str, postgres: str = 'postgres = { sslmode = "disable" }') -> None:
    text = world.file.read_text()
    assert postgres in text
    world.file.write_text(text.replace(postgres, instead))


def exported_rows(server: Server, folder: Path) -> list[tuple[Any, ...]]:
    """What another repeatable-read session sees in the snapshot that the run holds."""
    (snapshot,) = [path.name for path in (folder / "data/pg_snapshots").iterdir()]
    connection = server.address.connect("coretelecoms")
    with connection, connection.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read, read only")
        cursor.execute("set transaction snapshot %s", [snapshot])
        cursor.execute(f"select * from {TABLE}")
        found = cursor.fetchall()
    connection.close()
    return found


def form(number: int) -> str:
    """The request_id of one of the rows that `fill` makes."""
    return f"1-{number}{'x' * 20}"


def write_until(stop: threading.Event, server: Server, seed: int, written: list[int]) -> None:
    """Inserts, updates and deletes, a transaction each, as fast as they go."""
    connection = server.address.connect("coretelecoms")
    connection.autocommit = True
    with connection.cursor() as cursor:
        while not stop.is_set():
            n = seed + 7 * len(written)
            new = "insert into {0} (request_id) select 'new-{1}-{2}-' || i from generate_series(1, 5) i"
            cursor.execute(new.format(TABLE, seed, n))
            cursor.execute(f"update {TABLE} set resolutionstatus = 'changed' where request_id = %s", [form(n % ROWS)])
            cursor.execute(f"delete from {TABLE} where request_id = %s", [form(n * 13 % ROWS)])
            stop.wait(0.01)
            written.append(n)
    connection.close()


def test_while_others_insert_update_and_delete_one_consistent_snapshot_lands(
    either: Runner, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("written-to")
    monkeypatch.setattr(reader, "RANGE", 512 * 1024)
    stop, written, seen = threading.Event(), [], []
    with serving(folder) as server:
        server.write_secrets(either.world.root / "secrets")
        fill(server)
        writers = [threading.Thread(target=write_until, args=(stop, server, seed, written)) for seed in (1, 2)]
        for writer in writers:
            writer.start()
        try:
            with on("read", lambda: seen.extend(exported_rows(server, home_of(folder)))):
                outcome = land(either)
            at_the_end = len(written)
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        with server.transaction() as cursor:
            cursor.execute(f"select count(*) from {TABLE}")
            after = cursor.fetchone()
    landed = [tuple(row[name] for name in landed_names(either)) for row in either.bronze("web_forms")]
    assert outcome.state == "loaded", outcome.error
    assert at_the_end > 10
    assert after != (outcome.rows_landed,)
    assert sorted(landed, key=repr) == sorted(seen, key=repr)
    assert "still_growing" in outcome.drift


def landed_names(run: Runner) -> list[str]:
    contract = load_contracts(run.world.environment, ("web_forms",))["web_forms"]
    return [contract.columns[name] for name in COLUMNS]


def home_of(folder: Path) -> Path:
    from demo.server import _account, _home

    return _home(folder.absolute(), _account())


def test_data_outside_of_their_folder_are_forgotten_with_it_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from demo import server

    monkeypatch.setattr(server.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(server, "_made_reachable", lambda home, _: home.mkdir(exist_ok=True) or home.parent == tmp_path)
    (tmp_path / "demos").mkdir()
    kept, gone, next_one = (tmp_path / "demos" / name for name in ("kept", "gone", "next"))
    elsewhere = {folder: home_of(folder) for folder in (kept, gone)}
    assert all(home.is_dir() and home.parent == tmp_path for home in elsewhere.values())
    gone.rmdir()
    assert home_of(next_one).is_dir()
    assert (elsewhere[kept].is_dir(), elsewhere[gone].exists()) == (True, False)
    assert home_of(kept) == elsewhere[kept]


def test_a_server_killed_and_restarted_during_the_read_is_read_again_in_a_new_snapshot(
    either: Runner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    secrets = either.world.root / "secrets"
    with ExitStack() as stack:
        server = stack.enter_context(serving(folder))
        server.write_secrets(secrets)
        fill(server)
        with server.transaction() as cursor:
            cursor.execute("checkpoint")

        def kill_and_restart() -> None:
            postmaster = int((home_of(folder) / "data/postmaster.pid").read_text().split()[0])
            os.kill(postmaster, signal.SIGKILL)
            stack.enter_context(serving(folder)).write_secrets(secrets)

        with on("read", kill_and_restart) as log:
            outcome = land(either)
    assert (outcome.state, outcome.rows_bronze) == ("loaded", ROWS), outcome.error
    (retry,) = log.of("retry")
    assert "Postgres" in why(either, retry)
    assert len({row["request_id"] for row in either.bronze("web_forms")}) == ROWS


class Relay(socketserver.ThreadingTCPServer):
    """Between a run and its server; once `limit` bytes of one answer went by, `act` is called and that answer ends."""

    daemon_threads = True

    def __init__(self, backend: int, limit: int, act: Callable[[], None]) -> None:
        super().__init__(("127.0.0.1", 0), Relayed)
        self.backend, self.limit, self.act = backend, limit, act
        self.passed: list[int] = []  # bytes of the answers that were cut


class Relayed(socketserver.BaseRequestHandler):
    server: Relay

    def handle(self) -> None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.server.backend)) as there:
            threading.Thread(target=_hand_on, args=(self.request, there), daemon=True).start()
            passed = 0
            while data := there.recv(1 << 16):
                self.request.sendall(data)
                passed += len(data)
                if passed > self.server.limit and not self.server.passed:
                    self.server.passed.append(passed)
                    self.server.act()
                    return


def _hand_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)


def kill_all_of(folder: Path) -> None:
    """The postmaster and every back end, as when the machine goes down."""
    postmaster = (home_of(folder) / "data/postmaster.pid").read_text().split()[0]
    backends = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for process in (postmaster, *backends):
        os.kill(int(process), signal.SIGKILL)


def test_a_server_killed_with_half_of_the_rows_fetched_is_read_again_from_the_beginning(
    either: Runner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, rows = tmp_path_factory.mktemp("killed-in-between"), 4 * ROWS
    with ExitStack() as stack:
        server = stack.enter_context(serving(folder))
        fill(server, rows)
        with server.transaction() as cursor:
            cursor.execute("checkpoint")

        def be_reached_by_way_of_the_relay(server: Server) -> None:
            server.write_secrets(either.world.root / "secrets")
            (either.world.root / "secrets/db_port").write_text(str(relay.server_address[1]))
            relay.backend = server.address.port

        size = rows * len("".join(f"{position}-{rows}" + "x" * 20 for position in range(len(COLUMNS))))
        relay = stack.enter_context(Relay(server.address.port, size // 2, lambda: kill_all_of(folder)))
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        stack.callback(relay.shutdown)
        be_reached_by_way_of_the_relay(server)
        with on("retry", lambda: be_reached_by_way_of_the_relay(stack.enter_context(serving(folder)))) as log:
            outcome = land(either)
    assert size // 2 < relay.passed[0] < size
    assert (outcome.state, outcome.rows_bronze) == ("loaded", rows), outcome.error
    assert [fact["tried"] for fact in log.of("retry")] == [1]
    assert "postgres" in why(either, log.of("retry")[0]).lower()
    assert len({row["request_id"] for row in either.bronze("web_forms")}) == rows


def test_connections_dropped_during_the_read_converge(either: Runner, filled: Server) -> None:
    def drop() -> None:
        with filled.transaction() as cursor:
            cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", [READER])
            assert cursor.rowcount
        wait_until_gone(filled)

    with on("read", drop) as log:
        outcome = land(either)
    assert (outcome.state, outcome.rows_bronze) == ("loaded", ROWS), outcome.error
    assert [fact["tried"] for fact in log.of("retry")] == [1]
    # What ended the holder of the snapshot, not that the readers found none any more.
    assert "Postgres: terminating connection due to administrator command" in why(either, log.of("retry")[0])


def test_a_statement_that_takes_too_long_is_tried_again_and_then_a_service_error(
    either: Runner, filled: Server
) -> None:
    configure(either.world, 'postgres = { sslmode = "disable", statement_timeout = 0.001 }')
    with on("retry") as log:
        outcome = land(either)
    assert (outcome.state, outcome.exit_code, outcome.retry_helps) == ("failed", 69, True)
    assert "canceling statement due to statement timeout" in (outcome.error or "")
    assert [fact["tried"] for fact in log.of("retry")] == [1, 2, 3]
    assert not list((either.world.lake / "raw").rglob("_manifest.json"))


def test_a_table_locked_by_somebody_is_waited_for_and_not_for_ever(run: Runner, filled: Server) -> None:
    configure(run.world, 'postgres = { sslmode = "disable", lock_timeout = 0.2 }')
    connection = filled.address.connect("coretelecoms")
    with connection.cursor() as cursor:
        cursor.execute(f"lock table {TABLE} in access exclusive mode")
    with on("retry", connection.close) as log:
        outcome = land(run)
    assert "lock timeout" in log.of("retry")[0]["error"]
    assert (outcome.state, outcome.rows_bronze) == ("loaded", ROWS), outcome.error


def read_rows(world: World, tmp_path: Path, while_begun: Callable[[], object] = lambda: None) -> tuple[int, int]:
    """Rows of the day's table as they are counted in the snapshot, and as its splits read them."""
    contract = load_contracts(world.environment, ("web_forms",))["web_forms"]
    request = Request(contract, world.environment, DAY, "read", InProcess(1), tmp_path, tmp_path)
    with make_source(contract, world.environment).read(request, ()) as reading:
        while_begun()
        found = sum(len(batch) for split in reading.splits for batch in split.read_batches(Counts()))
        return reading.records or 0, found


def wait_for_lock(server: Server) -> None:
    waiting = False
    while not waiting:
        with server.transaction() as cursor:
            cursor.execute(
                "select count(*) from pg_stat_activity where usename = %s and wait_event_type = 'Lock'", [READER]
            )
            waiting = cursor.fetchone() == (1,)


REWRITES = {  # of PostgreSQL's manual, MVCC, Caveats: what leaves an older snapshot an empty table
    "truncated and filled": "truncate {0}; insert into {0} select * from kept",
    "dropped and made": "drop table {0} cascade; create table {0} as select * from kept",
    "renamed": "alter table {0} rename to gone; create table {0} as select * from kept",
    "rewritten": "alter table {0} add volatile text default random()::text",
}


@pytest.mark.parametrize("rewrite", REWRITES.values(), ids=REWRITES)
def test_a_table_that_is_emptied_and_filled_as_the_snapshot_begins_is_read_as_it_is_then(
    world: World, filled: Server, tmp_path: Path, rewrite: str
) -> None:
    with filled.transaction() as cursor:
        cursor.execute(f"drop table if exists kept, gone; create table kept as select * from {TABLE}")
    writer = filled.address.connect("coretelecoms")
    with writer.cursor() as cursor:
        cursor.execute(f"set search_path to {SCHEMA}, public; {rewrite.format(TABLE.partition('.')[2])}")

    def let_go() -> None:
        wait_for_lock(filled)
        writer.commit()
        writer.close()

    letting = threading.Thread(target=let_go)
    letting.start()
    try:
        assert read_rows(world, tmp_path) == (ROWS, ROWS)
    finally:
        letting.join()
        with filled.transaction() as cursor:
            cursor.execute(f"drop table if exists kept, {SCHEMA}.gone")


def test_nobody_empties_a_table_while_it_is_read(world: World, filled: Server, tmp_path: Path) -> None:
    def empty() -> None:
        with pytest.raises(psycopg2.errors.LockNotAvailable), filled.transaction() as cursor:
            cursor.execute(f"set lock_timeout = 50; truncate {TABLE}")

    assert read_rows(world, tmp_path, empty) == (ROWS, ROWS)


@pytest.mark.parametrize("behind_a_view", [False, True])
def test_rows_that_a_policy_hides_are_an_error_and_no_smaller_table(
    either: Runner, filled: Server, behind_a_view: bool
) -> None:
    with filled.transaction() as cursor:
        cursor.execute(f"create policy few on {TABLE} using (request_id like '1-1%')")
        cursor.execute(f"alter table {TABLE} enable row level security")
        if behind_a_view:
            cursor.execute(f"alter table {TABLE} rename to hidden; alter table {SCHEMA}.hidden owner to {READER}")
            cursor.execute(f"alter table {SCHEMA}.hidden force row level security")
            cursor.execute(f"create view {TABLE} as select * from {SCHEMA}.hidden")
            cursor.execute(f"alter view {TABLE} owner to {READER}")
    try:
        outcome = land(either)
        assert (outcome.exit_code, outcome.retry_helps) == (78, False), outcome.error
        assert f"ALTER ROLE {READER} BYPASSRLS" in (outcome.error or "")
        assert "GRANT" not in (outcome.error or "")
        with filled.transaction() as cursor:
            cursor.execute(f"alter role {READER} bypassrls")
        assert (land(either).rows_bronze) == ROWS
    finally:
        with filled.transaction() as cursor:
            cursor.execute(f"alter role {READER} nobypassrls")
            cursor.execute(f"drop view if exists {TABLE}" if behind_a_view else "select 1")
            cursor.execute(f"drop table if exists {SCHEMA}.hidden")


def wait_until_gone(server: Server) -> None:
    gone = False
    while not gone:
        with server.transaction() as cursor:
            cursor.execute("select count(*) from pg_stat_activity where usename = %s", [READER])
            gone = cursor.fetchone() == (0,)


def test_what_ended_the_holder_of_the_snapshot_is_told(either: Runner, filled: Server) -> None:
    with filled.transaction() as cursor:
        cursor.execute(f"alter role {READER} set transaction_timeout = '2s'")
    try:
        with on("read", lambda: wait_until_gone(filled)) as log:
            outcome = land(either)
    finally:
        with filled.transaction() as cursor:
            cursor.execute(f"alter role {READER} reset all")
    assert (outcome.state, outcome.rows_bronze) == ("loaded", ROWS), outcome.error
    assert [fact["error"] for fact in log.of("retry")] == [
        "Postgres: terminating connection due to transaction timeout"
    ]


def replaced_by(server: Server, statements: str) -> None:
    """Something else under the table's name, made of its rows, which `kept` holds; `{0}` and `{1}` are their names."""
    with server.transaction() as cursor:
        cursor.execute(f"create table {SCHEMA}.kept as select * from {TABLE}; drop table {TABLE}")
        cursor.execute(statements.format(TABLE, f"{SCHEMA}.kept"))
        cursor.execute(f"grant select on {TABLE} to {READER}")


@pytest.fixture
def made(filled: Server) -> Iterator[Server]:
    """A server whose table may become something else, that goes afterwards."""
    yield filled
    with filled.transaction() as cursor:
        cursor.execute("select relkind from pg_class where oid = to_regclass(%s)", [TABLE])
        (kind,) = cursor.fetchone() or ("r",)
        what = {"v": "view", "m": "materialized view", "f": "foreign table", "S": "sequence"}.get(kind, "table")
        cursor.execute(f"drop {what} if exists {TABLE} cascade; drop table if exists {SCHEMA}.kept cascade")


PARTITIONED = """create table {0} (like {1}) partition by hash (request_id);
create table {0}_a partition of {0} for values with (modulus 2, remainder 0);
create table {0}_b partition of {0} for values with (modulus 2, remainder 1) partition by hash (request_id);
create table {0}_c partition of {0}_b for values with (modulus 1, remainder 0);
insert into {0} select * from {1}"""
RELATIONS = {
    "a view": "create view {0} as select * from {1}",
    "a view with a column that is called ctid": "create view {0} as select *, 1 as ctid from {1}",
    "a materialized view": "create materialized view {0} as select * from {1}",
    "a partitioned table": PARTITIONED,
    "a table with heirs": "create table {0} (like {1}); create table {0}_a () inherits ({0}); "
    "insert into {0} select * from {1} limit 3000; insert into {0}_a select * from {1} offset 3000",
}


@pytest.mark.parametrize("statements", RELATIONS.values(), ids=RELATIONS)
def test_views_and_partitioned_tables_land_whole(
    either: Runner, made: Server, statements: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "RANGE", 512 * 1024)
    replaced_by(made, statements)
    outcome = land(either)
    assert (outcome.state, outcome.rows_bronze, "still_growing" in outcome.drift) == ("loaded", ROWS, False)
    assert len({row["request_id"] for row in either.bronze("web_forms")}) == ROWS
    assert land(either).attempt == "unchanged"


def test_a_view_of_which_a_value_changed_is_seen(run: Runner, made: Server) -> None:
    replaced_by(made, RELATIONS["a view"])
    land(run)
    with made.transaction() as cursor:
        cursor.execute(f"update {SCHEMA}.kept set resolutionstatus = 'other' where request_id = %s", [form(7)])
    outcome = land(run)
    assert (outcome.corrected, outcome.rows_bronze) == (True, ROWS)


def test_the_tables_of_a_view_are_not_emptied_unseen(world: World, made: Server, tmp_path: Path) -> None:
    replaced_by(made, RELATIONS["a view"])
    writer = made.address.connect("coretelecoms")
    with writer.cursor() as cursor:
        cursor.execute(f"create temp table again as select * from {SCHEMA}.kept; truncate {SCHEMA}.kept")
        cursor.execute(f"insert into {SCHEMA}.kept select * from again")
    letting = threading.Thread(target=lambda: (wait_for_lock(made), writer.commit(), writer.close()))
    letting.start()
    try:
        assert read_rows(world, tmp_path) == (ROWS, ROWS)
    finally:
        letting.join()


UNREADABLE = {
    "create materialized view {0} as select * from {1} with no data": "REFRESH MATERIALIZED VIEW fills it",
    "create sequence {0}": "neither a table nor a view",
    "create view {0} as select *, request_id::int as number from {1}": "cannot be read as it is defined",
    "create foreign data wrapper none; create server far foreign data wrapper none; "
    "create foreign table {0} (a text) server far": "a foreign table, which no snapshot holds",
    "create foreign data wrapper none; create server far foreign data wrapper none; "
    "create table {0} (a int) partition by list (a); create foreign table {0}_a partition of {0} default server far": (
        "a partition is a foreign table"
    ),
}


@pytest.mark.parametrize("statements", UNREADABLE)
def test_what_cannot_be_read_whole_is_named_at_once(run: Runner, made: Server, statements: str) -> None:
    replaced_by(made, statements)
    try:
        with on("retry") as log:
            outcome = land(run)
    finally:
        with made.transaction() as cursor:
            cursor.execute("drop foreign data wrapper if exists none cascade")
    assert (outcome.exit_code, outcome.retry_helps, log.of("retry")) == (78, False, []), outcome.error
    assert UNREADABLE[statements] in (outcome.error or "")
    assert form(1) not in (outcome.error or "")


def test_a_schema_that_is_missing_and_a_role_that_may_not_log_in_need_a_person(run: Runner, filled: Server) -> None:
    (run.world.root / "secrets/table_schema_name").write_text("elsewhere")
    outcome = land(run)
    assert (outcome.exit_code, outcome.retry_helps) == (78, False), outcome.error
    assert "no schema elsewhere in coretelecoms" in (outcome.error or "")
    with filled.transaction() as cursor:
        cursor.execute(f"alter role {READER} nologin")
    try:
        outcome = land(run)
    finally:
        with filled.transaction() as cursor:
            cursor.execute(f"alter role {READER} login")
    assert (outcome.exit_code, outcome.retry_helps) == (78, False), outcome.error
    assert "ALTER ROLE ... LOGIN" in (outcome.error or "")


def slicing(world: World, where: str, more: str = "") -> None:
    text = world.file.read_text()
    delivery = f'{{ kind = "postgres", table = "grows", secret = "database", where = "{where}"{more} }}'
    world.file.write_text(f"{text}web_forms = {delivery}\n")


@pytest.fixture
def growing(filled: Server) -> Iterator[Server]:
    """A table of three days' rows, in the order of the days, around midnight in UTC."""
    with filled.transaction() as cursor:
        cursor.execute(
            f"create table {SCHEMA}.grows as"
            f" select *, timestamptz '2025-11-20 00:00Z' + n * interval '1 day' / {ROWS} as updated_at"
            f" from (select *, 3 * (row_number() over () - 1) as n from {TABLE}) as numbered"
        )
    yield filled
    with filled.transaction() as cursor:
        cursor.execute(f"drop table {SCHEMA}.grows cascade; alter role {READER} reset all")


def change(server: Server, statement: str) -> None:
    with server.transaction() as cursor:
        cursor.execute(statement.format(f"{SCHEMA}.grows"))


@pytest.mark.parametrize("partitioned", [False, True])
def test_a_days_rows_of_a_table_that_grows_land_and_again_only_when_they_change(
    either: Runner, growing: Server, monkeypatch: pytest.MonkeyPatch, partitioned: bool
) -> None:
    monkeypatch.setattr(reader, "RANGE", 64 * 1024)
    slicing(either.world, "updated_at::date = {date}")
    if partitioned:
        change(
            growing,
            "create table {0}_p (like {0}) partition by hash (request_id); "
            "create table {0}_a partition of {0}_p for values with (modulus 2, remainder 0); "
            "create table {0}_b partition of {0}_p for values with (modulus 2, remainder 1); "
            "insert into {0}_p select * from {0}; drop table {0}; alter table {0}_p rename to grows",
        )
    change(growing, f"alter role {READER} set timezone = 'Asia/Tokyo'")
    outcome = land(either)
    assert (outcome.state, outcome.rows_bronze, outcome.drift) == (
        "loaded",
        ROWS // 3,
        {"unknown_columns": ["n", "updated_at"]},
    )
    days = {json.loads(str(row["_rescued"]))["updated_at"][:10] for row in either.bronze("web_forms")}
    assert days == {str(DAY)}
    change(
        growing,
        "insert into {0} select * from {0} where updated_at::date <> '2025-11-21'; vacuum_later".replace(
            "; vacuum_later", ""
        ),
    )
    assert land(either).attempt == "unchanged"
    change(
        growing,
        "update {0} set resolutionstatus = 'other' where request_id ="
        " (select min(request_id) from {0} where updated_at::date = '2025-11-21')",
    )
    outcome = land(either)
    assert (outcome.corrected, outcome.rows_bronze) == (True, ROWS // 3), outcome.error
    assert len({row["request_id"] for row in either.bronze("web_forms")}) == ROWS // 3


def test_only_the_pages_that_hold_a_slice_are_read(
    world: World, growing: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "RANGE", 128 * 1024)
    slicing(world, "updated_at >= {date} and updated_at < {date}::date + 1")
    contract = load_contracts(world.environment, ("web_forms",))["web_forms"]
    request = Request(contract, world.environment, DAY, "read", InProcess(1), tmp_path, tmp_path)
    with make_source(contract, world.environment).read(request, ()) as reading:
        predicates = [split.predicate for split in reading.splits if isinstance(split, TableSplit)]
    with growing.transaction() as cursor:
        found = []
        for predicate in predicates:
            cursor.execute(
                f"select count(*) filter (where updated_at::date = %s), count(*) from {SCHEMA}.grows where {predicate}",
                [DAY],
            )
            found.append(cursor.fetchone() or (0, 0))
    assert len(predicates) > 3
    assert sum(of_day for of_day, _ in found) == reading.records == ROWS // 3
    assert max(read for _, read in found[:-1]) < ROWS // 6  # only the last, which is open, goes beyond the day


def test_a_day_without_rows_has_not_arrived(run: Runner, growing: Server) -> None:
    slicing(run.world, "updated_at::date = {date}")
    change(growing, "delete from {0} where updated_at::date = '2025-11-21'")
    outcome = land(run)
    assert (outcome.state, outcome.exit_code) == ("not_arrived", 75)
    assert "no table grows with rows where updated_at::date = '2025-11-21'" in (outcome.error or "")


def test_a_day_of_a_view_lands_too(either: Runner, growing: Server) -> None:
    change(growing, "alter table {0} rename to kept")
    change(growing, f"create view {{0}} as select * from {SCHEMA}.kept")
    try:
        slicing(either.world, "to_char(updated_at, 'YYYYMMDD') = {date:%Y%m%d}")
        assert land(either).rows_bronze == ROWS // 3
    finally:
        change(growing, f"drop view {{0}}; alter table {SCHEMA}.kept rename to grows")


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("changed_at = {date}", 'column "changed_at" does not exist'),
        ("request_id::date = {date}", f"SQLSTATE 22007; {HIDDEN}"),
        ("updated_at::date = {date} and", "syntax error"),
        ("{date}", f"SQLSTATE 22P02; {HIDDEN}"),
    ],
)
def test_a_condition_that_cannot_be_run_is_named_at_once(run: Runner, growing: Server, where: str, why: str) -> None:
    slicing(run.world, where)
    with on("retry") as log:
        outcome = land(run)
    assert (outcome.exit_code, outcome.retry_helps, log.of("retry")) == (78, False, []), outcome.error
    assert why.lower() in (outcome.error or "").lower()
    assert form(1) not in (outcome.error or "")


@contextmanager
def replicated(primary: Path, standby: Path) -> Iterator[tuple[Server, Server]]:
    """A filled server and one that follows it and cancels at once what stands in the way of that."""
    followed = {"wal_level": "replica", "max_wal_senders": "4"}
    with running(primary, settings=followed) as address:
        fresh = Server(address)
        fresh.prepare()
        fill(fresh)
    there, data = home_of(primary), home_of(standby) / "data"
    shutil.copytree(there / "data", data)
    shutil.copy(there / "superuser_password", data.parent)
    (data / "standby.signal").touch()
    owner = (there / "data").stat()
    for path in (data, *data.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    with running(primary, settings=followed) as address:
        whom = f"host=127.0.0.1 port={address.port} user={SUPERUSER} password={address.password}"
        follows = {**followed, "primary_conninfo": whom, "max_standby_streaming_delay": "0"}
        with running(standby, settings=follows) as other:
            yield replace(fresh, address=address), replace(fresh, address=other)


def test_a_replicas_conflict_with_what_it_follows_is_tried_again(
    either: Runner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folders = tmp_path_factory.mktemp("primary"), tmp_path_factory.mktemp("standby")
    with replicated(*folders) as (primary, standby):
        standby.write_secrets(either.world.root / "secrets")

        def clean_up() -> None:
            """On the one that is followed, of rows that the snapshot on the other still sees."""
            with closing(primary.address.connect("coretelecoms")) as connection, connection.cursor() as cursor:
                connection.autocommit = True
                cursor.execute(f"update {TABLE} set resolutionstatus = 'other'")
                cursor.execute(f"vacuum {TABLE}")
            wait_until_gone(standby)

        with on("read", clean_up) as log:
            outcome = land(either)
    assert (outcome.state, outcome.rows_bronze) == ("loaded", ROWS), outcome.error
    assert {row["resolution_status"] for row in either.bronze("web_forms")} == {"other"}
    (retry,) = log.of("retry")
    assert retry["error"] == "Postgres: terminating connection due to conflict with recovery"


def test_a_role_with_only_select_suffices_and_one_without_is_told_what_to_grant(run: Runner, filled: Server) -> None:
    with filled.transaction() as cursor:
        cursor.execute("select privilege_type from information_schema.role_table_grants where grantee = %s", [READER])
        assert {kind for (kind,) in cursor.fetchall()} == {"SELECT"}
    assert land(run).state == "loaded"
    with filled.transaction() as cursor:
        cursor.execute(f"revoke select on {TABLE} from {READER}")
    outcome = land(run)
    assert (outcome.exit_code, outcome.retry_helps) == (78, False)
    assert f"GRANT USAGE ON SCHEMA {SCHEMA} and SELECT on its tables to {READER}" in (outcome.error or "")


def test_a_connection_cut_off_in_between_is_made_anew_in_the_same_snapshot_by_spark_and_else_in_a_new_one(
    either: Runner, filled: Server
) -> None:
    rows = 4 * ROWS
    fill(filled, rows)
    with Relay(filled.address.port, 2**20, lambda: None) as relay:
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        (either.world.root / "secrets/db_port").write_text(str(relay.server_address[1]))
        with on("retry") as log:
            outcome = land(either)
        relay.shutdown()
    assert relay.passed
    assert (outcome.state, outcome.rows_bronze) == ("loaded", rows), outcome.error
    assert len(log.of("retry")) == {"in-process": 1, "spark": 0}[either.engine]
    assert len({row["request_id"] for row in either.bronze("web_forms")}) == rows


def test_a_password_changed_before_the_rows_are_read_needs_a_person_and_shows_nowhere(
    either: Runner, filled: Server, caplog: pytest.LogCaptureFixture
) -> None:
    def change(password: str) -> None:
        with filled.transaction() as cursor:
            cursor.execute(f"alter role {READER} password %s", [password])

    change("heron-77-quartz")
    (either.world.root / "secrets/db_password").write_text("heron-77-quartz")
    try:
        with on("read", lambda: change("another")) as log:
            outcome = land(either)
    finally:
        change(filled.reader_password)
    assert (outcome.exit_code, outcome.retry_helps) == (78, False), outcome.error
    assert "check db_username and db_password" in (outcome.error or "")
    assert "heron" not in f"{outcome.model_dump_json()}{log.facts}{caplog.text}"


SENTENCES = {  # code of what a server says of a row -> its words
    "22P02": "bad value: Xanthippe Quill",
    "P0001": "Xanthippe Quill",
    "U7777": "no such form: Xanthippe Quill",
}


@pytest.fixture
def guarded(made: Server) -> Callable[[str, str], None]:
    """A view whose every row is looked at by a function, which can be made to raise when its rows are read."""

    def guard(code: str, message: str) -> None:
        """All rows but the last come first: batches are on their way by then."""
        raising = (
            f"raise exception using errcode = '{code}', message = '{message}', detail = 'Failing row: Quill, Ohio'"
        )
        last = "position('8999x' in form::text) > 0 and current_query() ~ 'as \"c0\"'"
        function = (
            f"create or replace function {SCHEMA}.seen(form text) returns boolean language plpgsql stable as "
            f"$$begin if {last} then {raising}; end if; return true; end$$"
        )
        replaced_by(made, f"{function}; create view {{0}} as select * from {{1}} where {SCHEMA}.seen(request_id)")

    return guard


@pytest.mark.parametrize("code", SENTENCES)
def test_what_a_server_quotes_of_a_row_is_told_by_neither_engine(
    either: Runner, guarded: Callable[[str, str], None], code: str
) -> None:
    guarded(code, SENTENCES[code])
    with on("retry") as log:
        outcome = land(either)
    assert outcome.attempt == "failed"
    assert HIDDEN in (outcome.error or "")
    assert "traceback" in log.lines[-1]
    assert [text for text in (outcome.model_dump_json(), *log.lines) if "Quill" in text] == []


HOSTILE = {  # to whoever takes a role's own settings for granted
    "DateStyle": "German",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Asia/Tokyo",
    "extra_float_digits": "-9",
    "bytea_output": "escape",
    "client_encoding": "LATIN1",
    "quote_all_identifiers": "on",
}
TYPES = [  # type, what is put in, its text where it is another one
    ("boolean", "t", "true"),
    ("smallint", "-32768", ""),
    ("bigint", "9223372036854775807", ""),
    ("numeric", "12345678901234567890123456789012345678901234567890.10", ""),
    ("numeric", "NaN", ""),
    ("real", "1.1", ""),
    ("double precision", "0.30000000000000004", ""),
    ("double precision", "-Infinity", ""),
    ("bytea", r"\x00ff5c", ""),
    ("date", "0044-03-15 BC", ""),
    ("date", "infinity", ""),
    ("timestamp", "2025-11-21 10:11:12.123456", ""),
    ("timestamptz", "2025-11-21 10:11:12+05", "2025-11-21 05:11:12+00"),
    ("timetz", "10:11:12.5+02", ""),
    ("interval", "-1 years -2 mons +3 days -04:05:06.7", ""),
    ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", ""),
    ("json", '{"a":  1.0,\n "a": 1e400}', ""),
    ("jsonb", '{"b":19.90}', '{"b": 19.90}'),
    ("text[]", r'{a,"b,c",NULL,"q\"x",""}', ""),
    ("int[]", "[0:1]={1,2}", ""),
    ("timestamptz[]", '{"2025-11-21 00:00:00+00"}', ""),
    ("inet", "10.0.0.1/8", ""),
    ("bit varying", "10101", ""),
    ("character(5)", "ab", ""),
    ("character varying(9)", "a  ", ""),
    ("name", "n", ""),
    ('"char"', "c", ""),
    ("int4range", "[1,5)", ""),
    ("tsvector", "'a':1 'b':2", ""),
    ("point", "(1.5,-2)", ""),
    ("regclass", "pg_class", ""),
    ("oid", "4294967295", ""),
]
TEXTS = ["", " ", "\r\n", 'a"b', "it's, \\N \t|", "\\.", "é \u2028 😀", "NULL", "null", "{}", "x" * 3000, None]


def test_every_type_lands_as_the_same_text_on_both_engines_whatever_the_roles_settings(
    run: Runner, filled: Server
) -> None:
    names = [f"v{position} {kind}" for position, (kind, *_) in enumerate(TYPES)]
    with filled.transaction() as cursor:
        columns = [f'"{name}" text' for name in COLUMNS]
        columns += [
            f'"{name.replace(chr(34), chr(34) * 2)}" {kind}' for name, (kind, *_) in zip(names, TYPES, strict=True)
        ]
        cursor.execute(f"drop table {TABLE}; create table {TABLE} ({', '.join(columns)})")
        values = ", ".join(["%s"] * len(columns))
        nothing = [None] * len(TYPES)
        cursor.execute(
            f"insert into {TABLE} values ({values})", ["typed"] * len(COLUMNS) + [put for _, put, _ in TYPES]
        )
        for text in TEXTS:
            cursor.execute(f"insert into {TABLE} values ({values})", [text] * len(COLUMNS) + nothing)
        for name, setting in HOSTILE.items():
            cursor.execute(f"alter role {READER} set {name} = '{setting}'")
    try:
        found = []
        for engine in ENGINES:
            (outcome,) = replace(run, engine=engine)(sources=("web_forms",), replay=True)
            assert outcome.state == "loaded", outcome.error
            found.append(run.bronze("web_forms"))
    finally:
        with filled.transaction() as cursor:
            cursor.execute(f"alter role {READER} reset all")
    wanted = {name: text or put for name, (_, put, text) in zip(names, TYPES, strict=True)}
    landed = [(*[text] * len(COLUMNS), {}) for text in TEXTS]
    for rows in found:
        by_text = [
            (*[row[name] for name in landed_names(run)], json.loads(str(row["_rescued"] or "{}"))) for row in rows
        ]
        assert by_text == [(*["typed"] * len(COLUMNS), wanted), *landed]


def wide(server: Server, rows: int, width: int) -> None:
    """Rows that are small on disk, for Postgres packs a long value."""
    with server.transaction() as cursor:
        cursor.execute(f"alter table {TABLE} alter request_id type text; truncate {TABLE}")
        cursor.execute(
            f'insert into {TABLE} ("request_id", "agent ID") select n, repeat(n::text, {width} / length(n::text)) '
            f"from generate_series(1, {rows}) n"
        )


def test_wide_rows_are_fetched_by_their_bytes(either: Runner, filled: Server, tmp_path: Path) -> None:
    wide(filled, 300, 250_000)
    assert land(either).rows_bronze == 300
    lengths = [len(str(row["agent_id"])) for row in either.bronze("web_forms")]
    assert (len(lengths), min(lengths) > 249_000) == (300, True)
    environment = either.world.environment
    contract = load_contracts(environment, ("web_forms",))["web_forms"]
    request = Request(contract, environment, DAY, "wide", InProcess(1), tmp_path, tmp_path)
    with make_source(contract, environment).read(request, ()) as reading:
        (split,) = reading.splits
        assert isinstance(split, TableSplit)
        assert split.make_relation().rows == table.FETCH // (250_000 + 3)
        assert next(len(batch) for batch in split.read_batches(Counts())) <= table.BATCH // 249_000 + 1


def test_a_table_without_rows_lands_empty(either: Runner, filled: Server) -> None:
    fill(filled, 0)
    outcome = land(either)
    assert (outcome.state, outcome.empty, outcome.rows_bronze) == ("loaded", True, 0), outcome.error


def grow(server: Server) -> None:
    with server.transaction() as cursor:
        cursor.execute(f"insert into {TABLE} select * from {TABLE} limit 3000")


def settling(world: World, limit: float) -> None:
    text = world.file.read_text()
    table = "web_form_request_{date:%Y_%m_%d}"
    delivery = f'{{ kind = "postgres", table = "{table}", secret = "database", settle = 0.2, settle_limit = {limit} }}'
    world.file.write_text(f"{text}web_forms = {delivery}\n")


def test_a_table_that_grows_while_it_is_read_is_reported(run: Runner, filled: Server) -> None:
    with on("read", lambda: grow(filled)):
        outcome = land(run)
    assert (outcome.state, outcome.rows_bronze) == ("loaded", ROWS), outcome.error
    assert "bytes when read" in outcome.drift["still_growing"][0]
    again = land(run)
    assert (again.corrected, again.rows_bronze, again.drift) == (True, ROWS + 3000, {})


def test_a_table_that_grows_is_waited_for_where_the_source_contract_says_so(run: Runner, filled: Server) -> None:
    settling(run.world, limit=30)
    timer = threading.Timer(0.1, grow, [filled])
    timer.start()
    outcome = land(run)
    timer.join()
    assert (outcome.state, outcome.rows_bronze, outcome.drift) == ("loaded", ROWS + 3000, {}), outcome.error


def test_a_table_that_never_stands_still_is_left_for_later(run: Runner, filled: Server) -> None:
    settling(run.world, limit=0.5)
    stop, written = threading.Event(), []
    writer = threading.Thread(target=write_until, args=(stop, filled, 1, written))
    writer.start()
    while len(written) < 3:
        stop.wait(0.01)
    outcome = land(run)
    stop.set()
    writer.join()
    assert (outcome.exit_code, outcome.retry_helps) == (75, True)
    assert "still grows" in (outcome.error or "")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("certificates"))


def test_a_table_lands_over_tls_with_the_servers_name_and_authority_checked(
    either: Runner, filled: Server, certificates: Authority
) -> None:
    configure(either.world, f'postgres = {{ sslrootcert = "{certificates.certificate}" }}')
    with in_front_of(filled.address.port, certificates) as front, on("weak_tls") as log:
        (either.world.root / "secrets/db_port").write_text(str(front.port))
        outcome = land(either)
        assert (outcome.state, outcome.rows_bronze) == ("loaded", ROWS), outcome.error
        assert front.encrypted >= 3  # the look, the snapshot's holder, the reader's
        assert (front.plain, log.of("weak_tls")) == (0, [])


@pytest.mark.parametrize(
    ("host", "ca", "why", "what_to_do"),
    [
        ("127.0.0.1", "other", "certificate verify failed", "not of the authority in postgres.sslrootcert"),
        ("localhost", "same", "does not match host name", "the name in the server's certificate as db_host"),
        ("127.0.0.1", "missing", "root certificate file", "names the authority's certificate (PEM)"),
    ],
)
def test_a_server_that_cannot_prove_who_it_is_is_not_spoken_to(
    run: Runner, filled: Server, certificates: Authority, tmp_path: Path, host: str, ca: str, why: str, what_to_do: str
) -> None:
    other = authority(tmp_path / "other").certificate
    path = {"other": other, "same": certificates.certificate, "missing": tmp_path / "none.pem"}[ca]
    configure(run.world, f'postgres = {{ sslrootcert = "{path}" }}')
    with in_front_of(filled.address.port, certificates) as front:
        (run.world.root / "secrets/db_port").write_text(str(front.port))
        (run.world.root / "secrets/db_host").write_text(host)
        outcome = land(run)
    assert (outcome.exit_code, outcome.retry_helps) == (78, False)
    assert why in (outcome.error or "")
    assert what_to_do in (outcome.error or "")


def test_a_server_without_tls_is_refused_by_default_and_weaker_is_warned_of(run: Runner, filled: Server) -> None:
    with on("weak_tls") as log:
        assert land(run).state == "loaded"
    assert "go over the network unencrypted" in log.of("weak_tls")[0]["text"]
    configure(run.world, "")
    outcome = land(run)
    assert (outcome.state, outcome.attempt, outcome.exit_code) == ("loaded", "failed", 78)


def test_a_wrong_password_needs_a_person_and_shows_nothing(run: Runner, filled: Server) -> None:
    (run.world.root / "secrets/db_password").write_text("heron-77-quartz")
    outcome = land(run)
    assert (outcome.exit_code, outcome.retry_helps) == (78, False)
    assert "check db_username and db_password" in (outcome.error or "")
    assert "heron" not in json.dumps(outcome.model_dump(mode="json"))


def test_a_missing_table_has_not_arrived(world: World, postgres: Server) -> None:
    postgres.write_secrets(world.root / "secrets")
    with postgres.transaction() as cursor:
        cursor.execute(f"drop table if exists {TABLE}")
    contract = load_contracts(world.environment, ("web_forms",))["web_forms"]
    assert make_source(contract, world.environment).look(DAY) == ()
