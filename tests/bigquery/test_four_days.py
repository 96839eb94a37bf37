"""The four-day demo with Bronze, Silver and Gold in BigQuery's stand-in, against the same on this machine.

Both load the same landings, so that every column has to be equal, the run's too.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from demo import services
from demo.faithful import Counts, generate
from demo.postgres import serving as postgres_serving
from jobs.config.environment import ROOT, load_environment
from jobs.contracts.silver import NOBODY
from jobs.contracts.source import load_contracts
from tests.bigquery.analyst import CONTROL, Read, Verdict
from tests.bigquery.conftest import TAGGED, TAGS, Cloud, write
from tests.bigquery.stand_in import DATASETS, StandIn
from tests.conftest import DAYS, World, make_world
from tests.parity.days import CALLS, CHANGED, CORRECTED, CUSTOMERS, FOUR_DAYS, correction
from tests.parity.export import differences, from_bigquery, from_duckdb, save
from tests.parity.pages import pages_read_the_same
from tests.readers import IDENTIFYING, identifying_columns

# By the analyzer's names: a kind that comes new is looked at once by a human.
ANALYSED = {
    "query",
    "alter_table",
    "alter_table_set_options",
    "insert",
    "update",
    "delete",
    "merge",
    "begin",
    "commit",
    "create_table_as_select",
    "create_view",
    "create_table",
}
OFFLINE = ROOT / "tests/bigquery/offline"


# What a build asks its own small tables: which days changed, and whether a look at history is needed.
ASKED = r"(?s)select distinct cast\(.+? as one_day|select 1 from .+ limit 1"
MOST_ASKED = 60
GOLD = {path.stem for path in (ROOT / "dbt/models/gold").rglob("*.sql")}
MAY_LOOK_AT_HISTORY = ("changed_deliveries", "customer_360")


@dataclass(frozen=True)
class Both:
    """One lake; Bronze, Silver and Gold in BigQuery and on this machine."""

    cloud: Cloud
    local: Path
    counts: Counts
    one_day: list[tuple[str, list[Verdict]]] = field(default_factory=list)  # what two loads and a build of it sent

    @property
    def root(self) -> Path:
        return self.cloud.world.root

    def call(self, script: str, *arguments: str, env: Path) -> str:
        """As users do, but without any network."""
        variables = os.environ | {
            "PYTHONPATH": str(OFFLINE),
            "OFFLINE_RECORD": str(self.root / "refused"),
            "CORETELECOMS_WAREHOUSE": str(self.root / "warehouse.duckdb"),
            "DBT_TARGET_PATH": str(self.root / f"dbt-{env.stem}"),
        }
        command = [str(ROOT / script), *arguments, "--env", str(env)]
        done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def differences(self, first: date, last: date, when: str) -> object:
        """Between Silver and Gold here and there, once the days' landings are loaded and built; both are exported."""
        span = ("--from", str(first), "--to", str(last))
        self.call("spark-submit.sh", "load", *span, env=self.local)
        for env in (self.local, self.cloud.world.file):
            self.call("dbt.sh", "build", *span, env=env)
        here, there = from_duckdb(self.root / "warehouse.duckdb"), from_bigquery(self.cloud.stand_in.client)
        assert len(here["coretelecoms_gold.fact_complaints"]) > 1000
        save(here, "local", when)
        save(there, "bigquery", when)
        return differences(there, here)


@pytest.fixture(scope="module")
def both(stand_in: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    root = tmp_path_factory.mktemp("days")
    make_world(root, agents_from_a_file=False)
    local = (root / "env.toml").rename(root / "local.toml")
    cloud = Cloud(World(root), stand_in, None)
    write(cloud, agents_from_a_file=False, policy_tags=TAGGED)
    cloud.world.file.write_text(cloud.world.file.read_text() + _event_log(root / "events"))
    stand_in.reset()
    counts = generate(root / "sources", DAYS, CALLS, CUSTOMERS)
    sheet = partial(services.agents_of, root / "sources")
    with postgres_serving(tmp_path_factory.mktemp("postgres")) as server, services.serving(sheet) as web:
        web.write_secrets(root / "services")
        server.load_web_forms(root / "sources/web_forms")
        server.write_secrets(root / "secrets")
        both = Both(cloud, local, counts)
        both.call("spark-submit.sh", "run", "--from", str(DAYS[0]), "--to", str(DAYS[-1]), env=cloud.world.file)
        yield both


def _event_log(folder: Path) -> str:
    folder.mkdir()
    return (
        f'[spark]\n"spark.eventLog.enabled" = "true"\n"spark.eventLog.dir" = "file://{folder}"\n'
        '"spark.eventLog.compress" = "false"\n'
    )


def test_every_delivered_row_is_in_bronze(both: Both) -> None:
    for source, by_day in both.counts["rows"].items():
        expected = {day or str(DAYS[0]): rows for day, rows in by_day.items()}
        assert {str(day): rows for day, _, rows in both.cloud.bronze(source)} == expected, source
    assert not [table for table in both.cloud.tables() if table.startswith("_stage_")]


def test_silver_and_gold_are_the_local_ones_row_by_row(both: Both) -> None:
    assert both.differences(DAYS[0], DAYS[-1], FOUR_DAYS) == []


def test_a_recount_finds_the_four_days_adding_up_there_and_here(both: Both) -> None:
    asked = ("status", "--recount", "--from", str(DAYS[0]), "--to", str(DAYS[-1]), "--json")
    for env in (both.cloud.world.file, both.local):
        places = [json.loads(line) for line in both.call("spark-submit.sh", *asked, env=env).splitlines()]
        assert Counter(one["place"] for one in places if one["counted"] == one["ledger"])["silver"] > 4 * len(DAYS)
        assert [one for one in places if one["wrong"]] == []


def test_the_pages_read_the_same_there_and_here(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORETELECOMS_WAREHOUSE", str(both.root / "warehouse.duckdb"))
    pages_read_the_same(both.cloud.world.environment, load_environment(str(both.local)))


def test_so_they_are_after_a_replay_and_a_corrected_day_built_on_their_own(both: Both) -> None:
    changed = both.root / "sources" / CHANGED
    changed.write_bytes(correction(changed.read_bytes()))
    sources, before = ("--source", "call_logs", "--source", "social_media"), len(both.cloud.stand_in.analyst.said)
    both.call("spark-submit.sh", "run", "--date", str(DAYS[1]), *sources, "--replay", env=both.cloud.world.file)
    assert both.differences(DAYS[1], DAYS[1], CORRECTED) == []
    both.one_day.extend(both.cloud.stand_in.analyst.said[before:])


def test_what_a_day_costs_is_computed_from_what_it_sends(both: Both) -> None:
    """Each statement, its kind, and by table the columns and days that it reads or changes."""
    lock = "requirements/googlesql.txt"
    python = subprocess.run([ROOT / "setup.sh", lock], check=True, capture_output=True, text=True).stdout.strip()
    command = [python, "-m", "tests.googlesql.costs", "--sent"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    not_loaded = ("customers", "agents", "web_forms", "service_outages")
    computed = [
        json.dumps(one, sort_keys=True)
        for one in json.loads(done.stdout)
        if one[0] not in {*not_loaded, *MAY_LOOK_AT_HISTORY}
    ]
    sent = [
        json.dumps([_what(text), verdict.kind, _by_table(_what(text), verdict)], sort_keys=True)
        for text, verdicts in both.one_day
        if not re.search(ASKED, text)
        for verdict in verdicts
        if _what(text) not in MAY_LOOK_AT_HISTORY
    ]
    assert sorted(set(sent) ^ set(computed)) == []
    assert Counter(sent) == Counter(computed)
    assert len(sent) > 150
    assert 10 < sum(bool(re.search(ASKED, text)) for text, _ in both.one_day) < MOST_ASKED


def _what(text: str) -> str:
    """A node of dbt's, the source that is loaded, or what is published."""
    if "newest_build" in text:
        return "newest_build"
    found = re.search(r'"node_id": "[^.]+[.][^.]+[.]([^."]+)', text) or re.search(r"_publish_(\w+)`", text)
    found = found or re.search(r"`_stage_([a-z_]+)_\d", text)
    return found[1] if found else text


def _by_table(what: str, verdict: Verdict) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for read in verdict.reads:
        columns, days = found.get(_table(read), [[], read.days])
        columns = sorted({*columns, *read.columns})
        found[_table(read)] = [columns, read.days and days and [min(days[0], read.days[0]), max(days[1], read.days[1])]]
    if changed := verdict.changed:
        found[f"changed {_table(changed)}"] = [changed.columns, changed.days]
    if what in GOLD or any(".coretelecoms_gold" in table for table in found):  # as tests/googlesql/costs.py does
        return {table: [columns, days and "some days"] for table, (columns, days) in found.items()}
    return found


def _table(read: Read) -> str:
    """Without what is of one run only."""
    name = re.sub(r"(__dbt_tmp)_\w+", r"\1", read.table).replace("coretelecoms-test.", "p.")
    return re.sub(r"(_stage_[a-z_]+)_\d\w+", r"\1", name)


def test_x7_what_readers_are_given_holds_no_column_that_identifies_a_person(both: Both) -> None:
    client, found = both.cloud.stand_in.client, {}
    for dataset in (DATASETS["gold"], DATASETS["gold_private"]):
        tables = [client.get_table(table) for table in client.list_tables(dataset)]
        found[dataset] = identifying_columns(column.name for table in tables for column in table.schema)

    assert found[DATASETS["gold"]] == set()
    assert found[DATASETS["gold_private"]] == IDENTIFYING - {"name", "address"}


def test_columns_that_tell_of_persons_have_the_policy_tag_of_their_kind_and_no_other_has_one(both: Both) -> None:
    client, found = both.cloud.stand_in.through_the_front(), {}
    for dataset in ("bronze", "silver", "gold", "gold_private"):
        for table in map(client.get_table, client.list_tables(DATASETS[dataset])):
            kinds = {one.name: one.policy_tags.names[0].rpartition("/")[2] for one in table.schema if one.policy_tags}
            found.update({f"{dataset}.{table.table_id}": kinds} if kinds else {})

    contracts = load_contracts(both.cloud.world.environment)
    wanted = {f"bronze.{name}": contract.personal_columns for name, contract in contracts.items()}
    nodes = json.loads((both.root / f"dbt-{both.cloud.world.file.stem}/manifest.json").read_text())["nodes"].values()
    for node in (node for node in nodes if node["config"].get("materialized") not in (None, "view", "test")):
        said = {name: column["meta"].get("personal", NOBODY) for name, column in node["columns"].items()}
        kinds = {name: kind for name, kind in said.items() if kind != NOBODY}
        schema = node["config"]["meta"].get("published_in") or node["schema"].removeprefix("coretelecoms_")
        wanted.update({f"{schema}.{node['name']}": kinds} if kinds else {})
    assert found == wanted
    assert len(wanted) > 14
    assert {kind for kinds in found.values() for kind in kinds.values()} == {*TAGS} - {"free_text"}
    assert wanted["gold_private.dim_agent_private"] == {"agent_name": "identity"}


def test_the_comparison_sees_one_changed_value(both: Both) -> None:
    client, name = both.cloud.stand_in.client, "coretelecoms_gold.dim_agent"
    key = both.cloud.stand_in.rows(f"SELECT MIN(agent_key) FROM {name}")[0][0]
    both.cloud.stand_in.rows(f"UPDATE {name} SET experience = 'x' WHERE agent_key = '{key}'")
    (line,) = differences(from_bigquery(client), from_duckdb(both.root / "warehouse.duckdb"))
    assert line.startswith(f"{name}, ")
    assert f"agent_key {key}" in line
    assert "experience: 'x', expected '" in line


def test_each_job_of_dbts_is_labelled_and_limited(both: Both) -> None:
    jobs = [job for job in both.cloud.stand_in.configurations() if "query" in job]
    of_dbt = [job for job in jobs if "dbt_invocation_id" in job.get("labels", {})]
    assert len(of_dbt) > 200
    labels = [job["labels"] for job in of_dbt]
    assert [of for of in labels if not all(re.fullmatch("[a-z0-9_-]{1,63}", text) for text in of.values())] == []
    assert {of["day"] for of in labels} == {f"{DAYS[0]}_{DAYS[-1]}", str(DAYS[1])}
    assert {of.get("source", "") for of in labels} == {"", "service_outages", *both.counts["rows"]}
    assert {of["node_id"].partition("_")[0] for of in labels if "node_id" in of} >= {"model", "test", "seed"}
    assert {job["query"]["maximumBytesBilled"] for job in of_dbt} == {str(300 * 2**30)}


def test_everything_is_built_anew_there_too(both: Both) -> None:
    """Without a comparison: what it sends is analysed below, as all the rest."""
    both.call("dbt.sh", "build", "--full", env=both.cloud.world.file)


def test_every_statement_sent_was_analysed_and_taken(both: Both) -> None:
    sent, analyst = both.cloud.stand_in.sent(), both.cloud.stand_in.analyst
    mentioned = [asked for asked in both.cloud.stand_in.asked if b'"query":' in asked.body]  # whatever its path
    assert len(sent) == len(mentioned) == len(analyst.said) > 350
    assert Counter(sent) == Counter(script for script, _ in analyst.said)
    assert [script[:500] for script, verdicts in analyst.said if not verdicts] == []
    assert analyst.refused() == []
    kinds = {verdict.kind for verdict in analyst.verdicts() if not verdict.refused}
    assert kinds & CONTROL == CONTROL
    assert kinds - CONTROL <= ANALYSED
    assert kinds >= {"query", "create_table_as_select", "begin", "delete", "insert", "commit"}


def test_bronze_is_only_read_by_day(both: Both) -> None:
    bronze = f"`{DATASETS['bronze']}`.`"
    asked = [text for text in both.cloud.stand_in.sent() if "`stg_" in text or "_are_in_silver" in text]
    reads = [text for text in asked if bronze in text]
    assert reads
    assert [text[:500] for text in reads if "ingest_date between date" not in text] == []


def test_gold_lies_in_partitions_and_clusters(both: Both) -> None:
    (made,) = {
        " ".join(text.partition("*/")[2].split())[:2000]
        for text in both.cloud.stand_in.sent()
        if "create table" in text and "`fact_complaints`" in text.partition("(")[0]
    }
    assert "partition by reported_date cluster by channel, customer_key" in made


def test_no_request_left_loopback(both: Both) -> None:
    assert not (both.root / "refused").exists(), (both.root / "refused").read_text()
    control = [sys.executable, "-c", "import socket; socket.create_connection(('192.0.2.1', 443), 1)"]
    variables = os.environ | {"PYTHONPATH": str(OFFLINE), "OFFLINE_RECORD": str(both.root / "control")}
    done = subprocess.run(control, capture_output=True, text=True, env=variables, check=False)
    assert "only loopback in tests" in done.stderr
    assert (both.root / "control").read_text().startswith("192.0.2.1")


def test_key_and_token_show_nowhere(both: Both) -> None:
    token, key = both.cloud.stand_in.services.access_token, both.cloud.stand_in.services.key_id
    files = [path for folder in ("logs", "events", "lake/runs", "dbt-env") for path in (both.root / folder).rglob("*")]
    texts = {path: path.read_text(errors="replace") for path in files if path.is_file()}
    assert any(
        "bigQueryStorageGrpcEndpoint" in text or "SparkListenerSQLExecutionStart" in text for text in texts.values()
    )
    assert [path for path, text in texts.items() if token in text or key in text] == []
