"""What tasks do, without the stack: Params, connections, messages."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import requests
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from moto.server import ThreadedMotoServer

from dags.support import alerts, here
from dags.support.corrections import AskAboutCorrection, Correction, list_held
from dags.support.credentials import child_environment, require_in_parameter_store
from dags.support.params import Scope, scope_of
from dags.support.report import check_report, describe, read_looked_back
from dags.support.sensor import gives_up_at
from dags.support.spark_connection import spark_connection
from dags.support.steps import Recount
from demo.complaints import HEADERS
from demo.web import Reply, Request, answering
from jobs.ledger.ledger import Ledger
from jobs.ledger.outcome import Outcome, RunReport
from tests.conftest import DAY, World, make_world
from tests.landing.test_retired import own_contract

NOTHING = {"from": None, "to": None, "sources": [], "replay": False}
MANIFEST = {
    "source": "call_logs",
    "ingest_date": str(DAY),
    "run_id": "20251121T000000000000Z-aaaa",
    "started_at": "2025-11-22T00:00:00Z",
    "finished_at": "2025-11-22T00:00:01Z",
    "code_version": "0",
    "contract_fingerprint": "0",
    "inputs": [],
    "rows_delivered": 10,
    "rows_landed": 10,
    "rows_rejected": 0,
    "bytes": 9,
    "files": [{"path": "landed/part-0.parquet", "rows": 10, "bytes": 9}],
    "columns_delivered": [],
    "columns_landed": [],
}
CANARY = "Xanthippe"
TODAY = datetime.now(UTC).date()
POSTGRES = "CORE_TELECOMS_POSTGRES_CONN"


def connect(monkeypatch: pytest.MonkeyPatch, name: str, **fields: object) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps({"conn_type": "generic", **fields}))


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """An environment whose database is Airflow's connection, and where Spark runs on this machine."""
    world = make_world(tmp_path)
    text = world.file.read_text().replace(f"file:{tmp_path}/secrets", f"connection:{POSTGRES}")
    world.file.write_text(text)
    connect(monkeypatch, "CORE_TELECOMS_SPARK_CONN", extra={"environment": str(world.file)})
    return world


@pytest.fixture
def ssm(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    address = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    connection = {"login": "nobody", "password": "nothing"}  # pragma: allowlist secret
    extra = {"region_name": "eu-north-1", "endpoint_url": address}
    connect(monkeypatch, "CDE_CAPSTONE_AWS_CONN", **{**connection, "conn_type": "aws", "extra": extra})
    yield address
    server.stop()


def test_on_schedule_the_day_is_the_runs_own_and_by_hand_that_of_params(laptop: World) -> None:
    scheduled = scope_of(NOTHING, "2025-11-20")
    assert scheduled.day_arguments() == ["--from", "2025-11-20", "--to", "2025-11-20"]
    assert (
        scope_of(NOTHING, "2025-11-20", days=7).day_arguments()
        == scope_of({"from": "2025-11-20", "to": "2025-11-26", "sources": []}, None, days=7).day_arguments()
    )
    scope = scope_of(NOTHING | {"from": "2025-11-01", "to": "2025-11-03", "sources": ["agents"]}, None)
    assert scope == Scope("2025-11-01", "2025-11-03", ["agents"], False)
    assert Scope.from_xcom(scope.by_source()) == scope


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "which days?"),
        ({"from": "2025-11-03", "to": "2025-11-01"}, "`to` 2025-11-01 is before `from` 2025-11-03"),
        ({"from": "2025-11-03", "sources": ["calls"]}, r"--source \['calls'\]: not in"),
    ],
)
def test_params_that_make_no_sense_are_refused(params: dict[str, object], message: str, laptop: World) -> None:
    with pytest.raises(AirflowFailException, match=message):
        scope_of(NOTHING | params, None)


def test_a_recount_that_finds_a_fault_fails_for_good_and_names_it(laptop: World) -> None:
    scope = scope_of(NOTHING | {"from": str(DAY), "sources": ["call_logs"]}, None)
    step = Recount(task_id="recount", scope=scope.by_source())
    step.execute({})
    at = laptop.lake / f"raw/call_logs/ingest_date={DAY}/run_id=20251121T000000000000Z-aaaa/_manifest.json"
    at.parent.mkdir(parents=True)
    at.write_text(json.dumps(MANIFEST))
    found = "exit 65: error: 2 of 5 counts do not add up: call_logs 2025-11-21 landed: the landed files: off by 10; "
    with pytest.raises(AirflowFailException, match=f"{found}call_logs 2025-11-21 bronze: Bronze: off by 10"):
        step.execute({})


def test_a_job_run_is_told_where_its_logs_go(monkeypatch: pytest.MonkeyPatch) -> None:
    serverless = {
        "environment": "s3",
        "application_id": "00a",
        "execution_role_arn": "arn:aws:iam::123456789012:role/x",
    }
    connect(monkeypatch, "CORE_TELECOMS_SPARK_CONN", extra=serverless)
    assert spark_connection().monitoring == {}
    connect(monkeypatch, "CORE_TELECOMS_SPARK_CONN", extra=serverless | {"log_group": "/coretelecoms/spark"})
    assert spark_connection().monitoring == {
        "cloudWatchLoggingConfiguration": {"enabled": True, "logGroupName": "/coretelecoms/spark"}
    }


def test_a_delivery_is_waited_for_until_six_hours_after_its_days_end() -> None:
    assert gives_up_at(date(2025, 11, 20)) == datetime(2025, 11, 21, 6, tzinfo=UTC)


def test_a_connection_in_airflow_alone_serves_this_machine_through_the_childs_environment(
    laptop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "heron-77-fernet")
    connect(monkeypatch, POSTGRES, host="127.0.0.1", port=9, login="reader", password="heron-77", schema="complaints")
    given = child_environment()
    assert json.loads(given[f"AIRFLOW_CONN_{POSTGRES}"])["password"] == "heron-77"
    assert not [name for name in given if name.startswith("AIRFLOW__")]
    [outcome] = here.status("--check", "--date", str(DAY), "--source", "web_forms")
    assert outcome.state == "failed"  # found, and used: nothing listens at that port
    assert "127.0.0.1" in (outcome.error or "")
    assert "9" in (outcome.error or "")


def test_a_connection_in_airflow_alone_is_refused_for_emr_with_how_to_move_it(laptop: World, ssm: str) -> None:
    keys = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing", "region_name": "eu-north-1"}
    client = boto3.client("ssm", endpoint_url=ssm, **keys)
    client.delete_parameters(Names=[f"/airflow/connections/{POSTGRES}"])  # the stand-in's store is the process's
    with pytest.raises(
        AirflowFailException, match=rf"/airflow/connections/{POSTGRES}: not in the parameter store.*aws ssm put"
    ):
        require_in_parameter_store(str(laptop.file))
    client.put_parameter(Name=f"/airflow/connections/{POSTGRES}", Value="{}", Type="SecureString")
    require_in_parameter_store(str(laptop.file))


def test_a_wrong_configuration_is_no_retry_and_a_failed_command_is_one(laptop: World) -> None:
    with pytest.raises(AirflowFailException, match=r"exit 78.*no such source|exit 78.*not in"):
        here.status("--date", str(DAY), "--source", "calls")
    assert not isinstance(here.command_error(70, "x"), AirflowFailException)
    assert isinstance(here.command_error(70, "x"), AirflowException)


def test_days_that_nobody_asked_for_are_told_with_the_numbers_and_fail_no_step(laptop: World) -> None:
    day, tried = date(2025, 11, 18), {"call_logs": DAY, "social_media": DAY}
    outcomes = [
        {"source": "call_logs", "ingest_date": day, "state": "loaded", "delivery": "gone", "looked_back": True},
        {"source": "web_forms", "ingest_date": day, "state": "loaded", "attempt": "failed", "exit_code": 69,
         "attempt_error": "Postgres is down", "error": "Postgres is down", "looked_back": True},
        *({"source": name, "ingest_date": of, "state": "loaded"} for name, of in tried.items()),
    ]  # fmt: skip
    at = datetime(2025, 11, 22, tzinfo=UTC)
    report = {"run_id": "20251122T000000000000Z-abcd", "step": "ingest", "started_at": at, "finished_at": at}
    Ledger(laptop.lake).put_report(RunReport.model_validate({**report, "exit_code": 0, "outcomes": outcomes}))
    ti: Any = SimpleNamespace(xcom_pull=lambda task_ids, key: "abcd" if task_ids == "ingest" else None, xcom_push=print)
    check_report({"ti": ti}, "abcd", "exit 0")
    gone, failed = read_looked_back(ti)
    assert describe(gone) == f"call_logs {day} loaded; its delivery is gone from the source"
    assert (failed.source, failed.code_of_run) == ("web_forms", 0)


def test_a_loaded_day_whose_attempt_failed_is_told_with_its_reason_and_the_next_step() -> None:
    known = {"source": "web_forms", "ingest_date": DAY, "state": "loaded", "rows_bronze": 3}
    outcome = Outcome.model_validate({**known, "attempt": "failed", "attempt_error": "Postgres is down"})
    assert describe(outcome) == f"web_forms {DAY} loaded; 3 in Bronze; last attempt failed: Postgres is down"
    assert alerts.next_step([outcome]) == "read the task's log; then clear `ingest`"


def test_x11_a_suppliers_text_calls_nobody_and_is_no_link() -> None:
    message = alerts.Message("t", ["<!channel> <https://x|y> ``` *b* [z](https://x)"], "http://link", "<@U1>")
    text = message.slack()["text"]
    assert (text.count("<"), text.count("```")) == (1, 2)
    assert "&lt;!channel&gt;" in text
    (line,) = [block for block in message.teams()["attachments"][0]["content"]["body"] if "inlines" in block]
    assert line["inlines"][0]["type"] == "TextRun"


def test_a_message_that_cannot_be_sent_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    message = alerts.Message("title", ["a line"], "http://link", "nothing")
    alerts.send(message)  # no connection at all
    connect(monkeypatch, alerts.SLACK, host="http://127.0.0.1:9", password="T00")  # pragma: allowlist secret
    connect(monkeypatch, alerts.TEAMS, host="no address", password="T00")  # pragma: allowlist secret
    alerts.send(message)


def test_one_that_is_refused_does_not_keep_the_other_from_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Request] = []

    def answer(request: Request) -> Reply:
        heard.append(request)
        return Reply(500 if "slack" in request.path else 200)

    with answering(answer) as address:
        connect(monkeypatch, alerts.SLACK, host=f"{address}/slack", password="T00/B00")  # pragma: allowlist secret
        connect(monkeypatch, alerts.TEAMS, host=f"{address}/teams/", password="x/y?sig=z")  # pragma: allowlist secret
        alerts.send(alerts.Message("title", ["a line"], "http://link", "do it"))
        assert requests.get(address, timeout=5).ok
    assert [request.path for request in heard[:2]] == ["/slack/T00/B00", "/teams/x/y"]


def test_an_alert_tells_what_a_command_said_and_of_a_librarys_error_only_what_quotes_nothing(
    laptop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command's output has passed the filter before; a library's error in a task has not."""
    heard: list[bytes] = []

    def answer(request: Request) -> Reply:
        heard.append(request.body)
        return Reply(200)

    laptop.deliver("call_logs", f"1,{CANARY},2\n{CANARY},Ada,3\n".encode())
    said = subprocess.run(
        [str(here.ROOT / "spark-submit.sh"), "run", "--date", str(DAY), "--source", "call_logs", "--env", laptop.file],
        capture_output=True,
        text=True,
        check=False,
    )
    errors = (
        here.command_error(said.returncode, said.stderr),
        AirflowException("planted: pelican_12"),
        ValueError(f"no number: {CANARY}"),
        KeyError(CANARY),
    )
    with answering(answer) as address:
        connect(monkeypatch, alerts.SLACK, host=f"{address}/slack", password="T00/B00")  # pragma: allowlist secret
        connect(monkeypatch, alerts.TEAMS, host=f"{address}/teams/", password="x/y")  # pragma: allowlist secret
        for error in errors:
            task: Any = SimpleNamespace(dag_id="d", task_id="ingest", run_id="r", log_url="http://link")
            alerts.alert_failure({"exception": error, "ti": task})
    told = b"\n".join(heard).decode()
    assert len(heard) == 2 * len(errors)
    assert (
        told.count("other columns that came: 3") == told.count("pelican_12") == told.count("ValueError: its text") == 2
    )
    assert CANARY not in told


def hold_a_correction(laptop: World, day: date) -> None:
    """Of the only source, by one more row."""
    own_contract(laptop, 'on_correction = "hold"')
    for rows, code in ((20, 0), (21, 75)):
        lines = [",".join(HEADERS["call_logs"]), *(",".join([f"{at}"] * 9) for at in range(rows))]
        laptop.deliver("call_logs", ("\n".join(lines) + "\n").encode(), day)
        assert here.answer("run", "--date", str(day)).returncode == code


def test_a_correction_is_asked_about_with_what_it_changes_and_decided_by_who_answers(laptop: World) -> None:
    hold_a_correction(laptop, TODAY)
    [held] = list_held.function()
    assert (held["source"], held["day"]) == ("call_logs", str(TODAY))
    ask = AskAboutCorrection(task_id="ask", correction=held)
    ti: Any = SimpleNamespace(run_id="scheduled__1")
    said = {"responded_at": datetime.now(UTC), "params_input": {}}
    with pytest.raises(AirflowSkipException, match="nobody decided"):
        ask.execute_complete({"ti": ti}, {**said, "chosen_options": ["leave"], "responded_by_user": None})
    event = {**said, "chosen_options": ["approve"], "responded_by_user": {"id": "1", "name": "ops"}}
    ask.execute_complete({"ti": ti}, event)
    assert list_held.function() == []
    with pytest.raises(AirflowSkipException, match="waits no more"):
        ask.execute_complete({"ti": ti}, event)
    assert here.answer("run", "--date", str(TODAY)).returncode == 0
    [loaded] = here.status("--date", str(TODAY))
    assert (loaded.state, loaded.rows_bronze, loaded.amendment) == ("loaded", 21, "amendment-0001")


def test_what_is_asked_shows_the_difference(laptop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hold_a_correction(laptop, DAY)
    [waiting] = here.status("--date", str(DAY))
    held = Correction(source="call_logs", day=str(DAY), run=str(waiting.waits))
    ask = AskAboutCorrection(task_id="ask", correction=held)
    monkeypatch.setattr(HITLOperator, "execute", lambda self, _: (self.subject, self.body))
    subject, body = ask.execute({})
    assert subject == f"call_logs {DAY}: approve of the correction of {waiting.waits}?"
    assert "20 rows before, 21 after: 1 added, 0 removed, 0 changed" in body
    with pytest.raises(AirflowSkipException, match="R waits no more"):
        AskAboutCorrection(task_id="ask", correction=Correction(**held | {"run": "R"})).execute({})
