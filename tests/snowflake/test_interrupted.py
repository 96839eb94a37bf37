"""A COPY that ends in its middle: the load killed, an error of Snowflake's own, a connection lost.

The stand-in inserts a file at a time and keeps what it has inserted, where Snowflake's COPY is all or nothing: what a
load finds half staged here is the harder case.
"""

import gzip
import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from demo.server import HOST
from demo.web import Reply, Request, answering
from jobs.bronze.snowflake import table
from jobs.errors import PlatformError, ServiceError
from tests.conftest import DAY
from tests.e2e.conftest import PATIENCE, kill, wait_for
from tests.snowflake.conftest import Platform
from tests.snowflake.test_load import load

MORE = ("name", "experience", "state")  # beside agent_id, as the source contract of agents has them
BEFORE, AFTER = {DAY: ("R1", 10)}, {DAY: ("R2", 20)}


@pytest.fixture
def corrected(platform: Platform) -> Platform:
    """A day in Bronze, and a newer landing of it, in two files, that is not loaded yet."""
    load(platform, platform.land("R1", 10, DAY, MORE), *MORE)
    platform.land("R2", 20, DAY, MORE, parts=2)
    return platform


def load_newest(platform: Platform) -> tuple[str, int]:
    return load(platform, platform.cloud.manifests("agents")[-1], *MORE)


def staged(platform: Platform, table: str) -> int:
    ((rows,),) = platform.snowflake.ask(f"select count(*) from {platform.schema}.{table}")
    return int(rows)


def is_transient(platform: Platform, table: str) -> bool:
    made = f"create or replace transient table {platform.schema}.{table} ".lower()
    return any(statement.lower().startswith(made) for _, statement in platform.snowflake.requests)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_killed_while_the_copy_is_executed_bronze_is_as_before_and_the_next_load_converges(
    corrected: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = corrected.bronze("agents")
    arguments = ("load", "--date", str(DAY), "--source", "agents")
    with corrected.snowflake.fault("hold") as held:
        process = corrected.cloud.start(*arguments, hold_at="never", folder=tmp_path / "hold")
        wait_for(held.exists, "the COPY's middle", process)
        kill(process)
        (left,) = corrected.staging()
        assert staged(corrected, left) == 10
        assert (corrected.held(), corrected.bronze("agents")) == (BEFORE, rows)
    eventually(lambda: staged(corrected, left) == 20)  # a statement goes on without its session's client
    assert (corrected.held(), corrected.bronze("agents")) == (BEFORE, rows)
    done = corrected.cloud.submit(*arguments)
    assert done.returncode == 0, done.stderr
    assert corrected.held() == AFTER
    assert corrected.staging() == [left]
    assert is_transient(corrected, left)
    monkeypatch.setattr(table, "STAGING_AGE", timedelta(0))  # a day later
    load_newest(corrected)
    assert corrected.staging() == []


def test_the_next_load_does_not_mind_that_the_killed_ones_copy_is_still_executed(
    corrected: Platform, tmp_path: Path
) -> None:
    with corrected.snowflake.fault("hold") as held:
        arguments = ("load", "--date", str(DAY), "--source", "agents")
        process = corrected.cloud.start(*arguments, hold_at="never", folder=tmp_path / "hold")
        wait_for(held.exists, "the COPY's middle", process)
        kill(process)
        (left,) = corrected.staging()
        single = corrected.land("R3", 30, DAY, MORE)  # not held: it has no second file
        assert load(corrected, single, *MORE) == ("R3", 30)
    eventually(lambda: staged(corrected, left) == 20)
    assert corrected.held() == {DAY: ("R3", 30)}
    assert len(corrected.bronze("agents")) == 30


def test_a_copy_that_breaks_off_changes_nothing_and_a_retry_helps(corrected: Platform) -> None:
    rows = corrected.bronze("agents")
    with corrected.snowflake.fault("fail"), pytest.raises(ServiceError, match="Processing aborted by error 300010"):
        load_newest(corrected)
    assert (corrected.held(), corrected.bronze("agents")) == (BEFORE, rows)
    assert corrected.staging() == []
    assert load_newest(corrected) == AFTER[DAY]
    assert corrected.staging() == []


def test_whichever_statement_of_a_load_fails_the_day_is_old_or_new_and_the_next_load_mends_it(
    corrected: Platform,
) -> None:
    """Each but those that open and close the session."""
    failed: list[str] = []
    while True:
        number = len(failed) + 1
        before, new = corrected.held(), (f"R2{number:03}", 20 + number)
        corrected.land(*new, DAY, MORE)
        with corrected.snowflake.failing(number=number) as which, suppress(PlatformError):
            load_newest(corrected)
        if not which.exists():
            break
        failed.append(which.read_text())
        held = corrected.held()
        assert held in (before, {DAY: new}), failed[-1]
        assert len(corrected.bronze("agents")) == held[DAY][1], failed[-1]
        assert load_newest(corrected) == new
    verbs = [statement.split()[0].lower() for statement in failed]
    for verb in ("copy", "begin", "update", "delete", "insert", "commit", "drop"):
        assert verb in verbs


def test_where_the_rollback_fails_too_nothing_more_is_sent_in_that_session(corrected: Platform) -> None:
    """Dropping the staging table would commit the DELETE."""
    with (
        corrected.snowflake.failing(like=r"^(insert into \S+\.agents |rollback)", times=2),
        pytest.raises(ServiceError),
    ):
        load_newest(corrected)
    _, last = corrected.snowflake.requests[-1]
    assert last == "rollback"
    assert corrected.held() == BEFORE
    assert len(corrected.bronze("agents")) == 10
    assert load_newest(corrected) == AFTER[DAY]


def broken_off() -> Reply:
    """In the middle of the answer."""
    return Reply(200, b"", length=1)


def never_sent() -> Reply:
    raise ConnectionAbortedError


@pytest.mark.parametrize("lost", [broken_off, never_sent])
def test_a_connection_lost_while_the_copy_is_executed_changes_nothing_and_a_retry_helps(
    corrected: Platform, lost: Callable[[], Reply]
) -> None:
    rows, environment = corrected.bronze("agents"), corrected.cloud.file.read_text()
    with losing_answers(corrected, "copy into", lost) as (port, statements):
        elsewhere = environment.replace(f"port = {corrected.snowflake.port}", f"port = {port}")
        corrected.cloud.file.write_text(elsewhere.replace("login_timeout = 20", "statement_timeout = 2"))
        with pytest.raises(ServiceError, match="Snowflake fakesnow: "):
            load_newest(corrected)
        assert statements
    corrected.cloud.file.write_text(environment)
    (left,) = corrected.staging()
    assert is_transient(corrected, left)
    assert (corrected.held(), corrected.bronze("agents")) == (BEFORE, rows)
    assert load_newest(corrected) == AFTER[DAY]
    assert corrected.staging() == [left]


@contextmanager
def losing_answers(platform: Platform, to: str, lost: Callable[[], Reply]) -> Iterator[tuple[int, list[str]]]:
    """A port before the stand-in's, and the statements with `to` in them: executed, but `lost` is what is answered."""
    statements: list[str] = []

    def answer(asked: Request) -> Reply:
        body = gzip.decompress(asked.body) if asked.headers.get("content-encoding") == "gzip" else asked.body
        statement = json.loads(body or b"{}").get("sqlText", "")
        reply = _passed_on(asked, platform.snowflake.port)
        if to not in statement or not asked.path.endswith("/query-request"):
            return reply
        statements.append(statement)
        return lost()

    with answering(answer) as address:
        yield urlsplit(address).port or 0, statements


def _passed_on(asked: Request, port: int) -> Reply:
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    headers = {name: value for name, value in asked.headers.items() if name != "accept-encoding"}
    try:
        connection.request(asked.method, f"{asked.path}?{urlencode(asked.query)}", asked.body, headers)
        found = connection.getresponse()
        return Reply(found.status, found.read(), {"Content-Type": found.headers["Content-Type"]})
    finally:
        connection.close()
