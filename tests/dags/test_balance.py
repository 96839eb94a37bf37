"""The message at the end of a run: its own days' numbers, and of days before what was late and has come."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time import context as running

from dags.support import alerts, here
from dags.support.balance import tell_numbers
from dags.support.params import Scope
from demo.complaints import HEADERS
from demo.web import Reply, Request, answering
from tests.conftest import DAY, make_world
from tests.dags.test_support import connect
from tests.landing.test_retired import own_contract


def test_numbers_are_of_the_days_asked_for_and_what_came_late_before_them_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laptop, before = make_world(tmp_path), DAY - timedelta(days=1)
    connect(monkeypatch, "CORE_TELECOMS_SPARK_CONN", extra={"environment": str(laptop.file)})
    own_contract(laptop, 'due = "06:00 Africa/Lagos"')
    content = "\n".join([",".join(HEADERS["call_logs"]), *(",".join([f"{at}"] * 9) for at in range(20)), ""]).encode()
    assert here.answer("run", "--date", str(before)).returncode == 75
    assert [one.notice for one in here.status("--tell", "--date", str(before))] == ["late"]
    for day in (before, DAY):
        laptop.deliver("call_logs", content, day)
    assert here.answer("run", "--date", str(DAY)).returncode == 0

    heard: list[bytes] = []

    def hear(request: Request) -> Reply:
        heard.append(request.body)
        return Reply(200)

    ti: Any = SimpleNamespace(dag_id="d", log_url="http://link", xcom_pull=lambda **_: None)
    scope = Scope(str(DAY), str(DAY), ["call_logs"], replay=False).by_source()
    with answering(hear) as address, running.set_current_context({"ti": ti}):
        connect(monkeypatch, alerts.SLACK, host=f"{address}/slack", password="T00/B00")  # pragma: allowlist secret
        tell_numbers.function(scope)
        tell_numbers.function(scope)
    come, numbers, again = (one.decode() for one in heard)
    assert f"call_logs {before} was late, and has come" in come
    assert numbers == again
    assert f"d {DAY}: all loaded" in numbers
    assert str(before) not in numbers
