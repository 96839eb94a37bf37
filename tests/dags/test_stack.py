"""The whole stack: three days on schedule, and then what a person does. One stack for all, in this order."""

import json
import re
import shutil
import subprocess
from collections import deque
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2

from dags.support.spark_connection import IMAGE_PARAMETERS
from demo.faithful import delivery_path, generate
from jobs.config.emr_sizes import sizes_for, spark_parameters
from tests.conftest import DAYS
from tests.dags.conftest import CATCH_UP, PAGES, ROOT, SOURCES, Platform
from tests.dags.stack import DAG, eventually

FIRST, LAST = str(CATCH_UP[0]), str(CATCH_UP[-1])
FAULTY = DAYS[3]


def test_three_days_are_caught_up_with(caught_up: Platform) -> None:
    runs = caught_up.stack.runs()
    assert [(run["logical_date"][:10], run["state"]) for run in runs] == [(str(day), "success") for day in CATCH_UP]
    ledger = caught_up.ledger("--from", FIRST, "--to", LAST)
    assert {row["state"] for row in ledger} == {"loaded", "unchanged"}


def test_the_states_of_all_sources_show_in_the_ui(caught_up: Platform) -> None:
    tasks = tasks_of(caught_up, FIRST)
    assert {one["state"] for one in tasks.values()} == {"success"}
    assert {name for name in tasks if name.startswith("wait_for")} == {f"wait_for[{one}: arrived]" for one in SOURCES}
    assert "ledger_balances[agents: loaded 100]" in tasks


def test_gold_equals_that_of_one_run_on_one_machine(caught_up: Platform, tmp_path: Path) -> None:
    """As `make demo` builds it: all days in one run, then one dbt build."""
    text = caught_up.world.file.read_text()
    for folder in ("lake", "bronze", "logs"):
        text = text.replace(f'"{caught_up.world.root}/{folder}"', f'"{tmp_path}/{folder}"')
    (tmp_path / "env.toml").write_text(text)
    places = {"CORETELECOMS_WAREHOUSE": f"{tmp_path}/warehouse.duckdb", "CORETELECOMS_BRONZE": f"{tmp_path}/bronze"}
    environment = caught_up.environment | places
    for command in (["spark-submit.sh", "run", "--env", f"{tmp_path}/env.toml"], ["dbt.sh", "build"]):
        done = subprocess.run(
            [ROOT / command[0], *command[1:], "--from", FIRST, "--to", LAST],
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    ours, theirs = (
        caught_up.gold(caught_up.world.root / "warehouse.duckdb"),
        caught_up.gold(tmp_path / "warehouse.duckdb"),
    )
    assert len(theirs["fact_complaints"]) > 1000
    assert {name: len(rows) for name, rows in ours.items()} == {name: len(rows) for name, rows in theirs.items()}
    assert ours == theirs


def test_each_job_run_is_given_sizes_for_what_its_day_delivers(caught_up: Platform) -> None:
    smallest = spark_parameters(sizes_for(1))
    for run in caught_up.emr.runs.values():
        assert run.asked["jobDriver"]["sparkSubmit"]["sparkSubmitParameters"] == f"{IMAGE_PARAMETERS} {smallest}"


def test_a_lost_response_starts_nothing_twice(caught_up: Platform) -> None:
    assert jobs(caught_up, FIRST, "ingest") == ["SUCCESS"]


def test_a_job_run_that_fails_is_tried_again_as_a_new_one(caught_up: Platform) -> None:
    assert jobs(caught_up, str(CATCH_UP[1]), "ingest") == ["FAILED", "SUCCESS"]
    assert tasks_of(caught_up, str(CATCH_UP[1]))["ingest"]["try_number"] == 2


def test_a_killed_workers_job_run_is_attached_to(caught_up: Platform) -> None:
    """Worker and scheduler were killed while StartJobRun's answer was on its way."""
    assert jobs(caught_up, LAST, "ingest") == ["SUCCESS"]
    assert tasks_of(caught_up, LAST)["ingest"]["try_number"] == 2


def test_at_most_one_job_run_of_a_task_was_live_and_bronze_holds_one_run_a_day(caught_up: Platform) -> None:
    assert set(caught_up.emr.most_live.values()) == {1}
    for row in caught_up.ledger("--from", FIRST, "--to", LAST):
        assert row["state"] == "unchanged" or row["rows_bronze"] == row["rows_landed"] == row["rows_delivered"]


def test_each_day_sent_one_message_with_its_numbers_to_slack_and_teams(caught_up: Platform) -> None:
    for day in CATCH_UP:
        [text] = caught_up.messages(f"{DAG} {day}: all loaded")
        assert re.search(rf"call_logs {day} loaded; (\d+) delivered, \1 landed, 0 rejected, \1 in Bronze", text)
    teams = [json.loads(asked.body) for asked in caught_up.told if asked.path.startswith("/teams")]
    cards = [message["attachments"][0]["content"] for message in teams]
    assert [card["body"][0]["text"] for card in cards] == [f"{DAG} {day}: all loaded" for day in CATCH_UP]
    assert cards[0]["actions"][0]["url"].startswith(f"http://127.0.0.1:{caught_up.stack.port}/dags/{DAG}/runs/")


def test_the_pages_are_published_anew_after_each_day(caught_up: Platform) -> None:
    bucket, _, prefix = PAGES.removeprefix("s3://").partition("/")
    for name, part in (("runs", "call_logs"), ("complaints", '"days":["')):
        found = caught_up.s3.get_object(Bucket=bucket, Key=f"{prefix}/{name}.html")
        page = found["Body"].read().decode()
        assert found["ContentType"].startswith("text/html")
        assert part in page
        assert LAST in page
        assert 'href="../' not in page  # nobody's browser reaches this machine's logs


def test_driver_log_and_spark_ui_are_linked(caught_up: Platform) -> None:
    run = caught_up.stack.run_of(FIRST)
    assert run
    links = caught_up.stack.ask("GET", f"dags/{DAG}/dagRuns/{run['dag_run_id']}/taskInstances/ingest/links")
    found = {name for name, address in links["extra_links"].items() if address}
    assert found >= {"EMR Serverless Dashboard", "S3 Logs", "Spark Driver stdout"}


def test_a_broken_source_contract_is_not_retried_and_a_missing_delivery_does_not_block(caught_up: Platform) -> None:
    calls = delivery_path(caught_up.world.root / "sources", ("call_logs", str(FAULTY)))
    text = calls.read_bytes()
    calls.write_bytes(text.replace(b"agent ID", b"agent", 1))
    with caught_up.forms.transaction() as cursor:
        cursor.execute(f"DROP TABLE customer_complaints.web_form_request_{FAULTY:%Y_%m_%d}")
    run = caught_up.stack.trigger(**{"from": str(FAULTY), "to": str(FAULTY)})
    assert caught_up.stack.ended(lambda: run_named(caught_up, run))["state"] == "failed"
    tasks = caught_up.stack.tasks(run)
    assert tasks["wait_for[web_forms: not arrived]"]["state"] == "skipped"
    assert (tasks["ingest"]["state"], tasks["ingest"]["try_number"]) == ("failed", 1)
    for name in ("load_bronze", "dbt_silver", "dbt_gold", "pages", "tell_numbers"):
        assert tasks[name]["state"] == "success"
    assert tasks["ledger_balances[call_logs: refused]"]["state"] == "failed"
    assert tasks["ledger_balances[web_forms: not_arrived]"]["state"] == "failed"
    assert [one["state"] for name, one in tasks.items() if name.startswith("ledger_balances[social")] == ["success"]
    loaded = {row["source"]: row["state"] for row in caught_up.ledger("--date", str(FAULTY))}
    assert loaded["social_media"] == loaded["service_outages"] == "loaded"
    [refused] = caught_up.messages("ingest failed")
    assert f"call_logs {FAULTY} refused" in refused
    assert "agent ID" in refused
    assert "Next: ask the supplier for a right file" in refused
    [missing] = caught_up.messages("ledger_balances failed")
    assert f"web_forms {FAULTY} not_arrived" in missing
    [numbers] = caught_up.messages(f"{DAG} {FAULTY}: 2 of 6 open")
    assert f"social_media {FAULTY} loaded" in numbers
    calls.write_bytes(text)


def test_a_delivery_of_a_day_that_is_not_over_is_waited_for(caught_up: Platform) -> None:
    today = datetime.now(UTC).date()
    run = caught_up.stack.trigger(**{"from": str(today), "to": str(today), "sources": ["social_media"]})

    def waits() -> bool:
        return "up_for_reschedule" in {one["state"] for one in caught_up.stack.tasks(run).values()}

    eventually(waits, "the sensor gave its worker back")
    miss_the_deadline(caught_up, run)
    [late] = eventually(lambda: caught_up.messages("not finished in time"), "the deadline's message")
    assert f"run {run} is running" in late
    deliver(caught_up, today)
    assert caught_up.stack.ended(lambda: run_named(caught_up, run))["state"] == "success"
    assert f"ledger_balances[social_media: loaded {30}]" in caught_up.stack.tasks(run)


def test_a_range_is_replayed_by_one_job_run_and_replaces_exactly_those_days(caught_up: Platform) -> None:
    before = runs_by_day(caught_up)
    asked = {"from": FIRST, "to": str(CATCH_UP[1]), "sources": ["call_logs"], "replay": True}
    run = caught_up.stack.trigger(**asked)
    assert caught_up.stack.ended(lambda: run_named(caught_up, run))["state"] == "success"
    assert [one.state for one in caught_up.emr.of_name(f"{run}.ingest")] == ["SUCCESS"]
    after = runs_by_day(caught_up)
    replaced = {day for day in before if before[day] != after[day]}
    assert replaced == {FIRST, str(CATCH_UP[1])}
    assert len({after[day] for day in replaced}) == 1


def test_on_the_workers_machine_the_whole_dag_runs_too_and_an_odd_volume_is_told(caught_up: Platform) -> None:
    """With the connection that a laptop has: no application, so no EMR."""
    day, jobs_before = FAULTY + timedelta(1), len(caught_up.emr.runs)
    deliver(caught_up, day, calls=3000)
    given = caught_up.stack.ask("GET", "connections/CORE_TELECOMS_SPARK_CONN")["extra"]
    here = {"environment": str(caught_up.world.file), "pages": str(caught_up.world.root / "pages")}
    set_spark(caught_up, json.dumps(here))
    run = caught_up.stack.trigger(**{"from": str(day), "to": str(day), "sources": ["social_media"]})
    state = caught_up.stack.ended(lambda: run_named(caught_up, run))["state"]
    set_spark(caught_up, given)
    assert (state, len(caught_up.emr.runs)) == ("success", jobs_before)
    [text] = caught_up.messages(f"{DAG} {day}: 1 of odd volume")
    assert re.search(rf"social_media {day} loaded; .* odd volume: \d+ rows; the median of the last \d landings", text)
    assert "Next: look at the odd volume" in text
    assert "odd volume" in (caught_up.world.root / "pages/runs.html").read_text()


def test_params_that_make_no_sense_end_the_run_before_anything_is_submitted(caught_up: Platform) -> None:
    jobs_before = len(caught_up.emr.runs)
    run = caught_up.stack.trigger(**{"from": LAST, "to": FIRST})
    assert caught_up.stack.ended(lambda: run_named(caught_up, run))["state"] == "failed"
    states = {name: one["state"] for name, one in caught_up.stack.tasks(run).items()}
    assert states["asked"] == "failed"
    assert not {"failed", "success"} & {state for name, state in states.items() if name != "asked"}
    assert len(caught_up.emr.runs) == jobs_before
    [message] = caught_up.messages("asked failed")
    assert f"`to` {FIRST} is before `from` {LAST}" in message


def test_cancelling_the_task_cancels_the_job_run(caught_up: Platform) -> None:
    caught_up.emr.released.clear()
    caught_up.emr.faults = deque(["waits"])
    run = caught_up.stack.trigger(**{"from": FIRST, "to": FIRST, "sources": ["social_media"], "replay": True})
    # Until the triggerer has taken it over, and asks again and again, there is nobody who could cancel.
    eventually(lambda: any(one.looks > 3 for one in caught_up.emr.of_name(f"{run}.ingest")), "it is waited for")
    caught_up.stack.ask("PATCH", f"dags/{DAG}/dagRuns/{run}/taskInstances/ingest", new_state="failed")
    eventually(lambda: caught_up.emr.of_name(f"{run}.ingest")[0].state == "CANCELLED", "cancelled", 120)
    caught_up.emr.released.set()
    caught_up.stack.ended(lambda: run_named(caught_up, run))


def test_no_connections_value_is_in_any_log_xcom_template_argument_or_file(caught_up: Platform) -> None:
    """Each canary, however it may be written; and the place where it belongs, to see that the search finds it."""
    canaries = caught_up.canaries
    held = "\n".join(json.dumps([json.loads(a.body), a.path]) for a in caught_up.told)
    for name in ("CORE_TELECOMS_SLACK_CONN", "CORE_TELECOMS_TEAMS_CONN"):
        assert canaries[name] in held
    searched = searchable(caught_up)
    assert FIRST in searched["logs"]
    assert "call_logs" in searched["xcom"]
    assert f'"--from", "{FIRST}"' in searched["arguments"]
    assert f"call_logs {FIRST}" in searched["Spark's event logs"]
    for place, text in searched.items():
        found = [name for name, value in canaries.items() if value in text]
        assert not found, f"{found} in {place}"


def searchable(platform: Platform) -> dict[str, str]:
    """All that a run leaves behind, by place."""
    stack = platform.stack
    files = [path for path in stack.root.rglob("*.log") if "postgres" not in path.parts]
    files += [
        path
        for folder in ("logs", "lake/runs", "dbt")
        for path in (platform.world.root / folder).rglob("*")
        if path.is_file()
    ]
    found = {"logs": "\n".join(path.read_text(errors="replace") for path in files)}
    events = (platform.world.root / "events").iterdir()
    found["Spark's event logs"] = "\n".join(path.read_text() for path in events)
    found["arguments"] = json.dumps([[run.asked, run.output] for run in platform.emr.runs.values()])
    tables = {"xcom": "xcom", "templates": "rendered_task_instance_fields", "dag runs": "dag_run", "events": "log"}
    tables |= {"triggers": "trigger", "tasks": "task_instance"}
    with psycopg2.connect(database(platform)) as connection, connection.cursor() as cursor:
        for place, table in tables.items():
            cursor.execute(f"SELECT t::text FROM {table} t")
            found[place] = "\n".join(row[0] for row in cursor.fetchall())
    return found


def miss_the_deadline(platform: Platform, run: str) -> None:
    """Ten hours in a moment: the deadline that the scheduler has noted is put into the past."""
    with psycopg2.connect(database(platform)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE deadline SET deadline_time = now() WHERE dagrun_id = (SELECT id FROM dag_run WHERE run_id = %s)",
            (run,),
        )
        assert cursor.rowcount == 1


def database(platform: Platform) -> str:
    return platform.stack.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")


def run_named(platform: Platform, run_id: str) -> dict[str, Any] | None:
    found: dict[str, Any] = platform.stack.ask("GET", f"dags/{DAG}/dagRuns/{run_id}")
    return found


def tasks_of(platform: Platform, day: str) -> dict[str, dict[str, Any]]:
    run = platform.stack.run_of(day)
    assert run
    return platform.stack.tasks(run["dag_run_id"])


def jobs(platform: Platform, day: str, task: str) -> list[str]:
    """How the job runs of a day's task ended, in their order."""
    run = platform.stack.run_of(day)
    assert run
    return [one.state for one in platform.emr.of_name(f"{run['dag_run_id']}.{task}")]


def runs_by_day(platform: Platform) -> dict[str, str]:
    """Which run Bronze holds of the calls' days."""
    return {
        row["ingest_date"]: row["run_id"]
        for row in platform.ledger("--source", "call_logs")
        if row["state"] == "loaded"
    }


def set_spark(platform: Platform, extra: str) -> None:
    """Where Spark runs, as somebody changes it in Airflow's UI."""
    name = "CORE_TELECOMS_SPARK_CONN"
    platform.stack.ask("PATCH", f"connections/{name}", connection_id=name, conn_type="generic", extra=extra)


def deliver(platform: Platform, day: date, calls: int = 300) -> None:
    """The day's social media, made as the demo makes it."""
    made = platform.world.root / f"made-{calls}"
    generate(made, [day], calls=calls, customers=200)
    one = ("social_media", str(day))
    shutil.copy(delivery_path(made, one), delivery_path(platform.world.root / "sources", one))
