"""What only real BigQuery can prove, in scratch datasets of a project of yours, removed at the end.

    python -m tests.bigquery.verify --project P --key KEY.json [--location EU]

Costs a few cents: some thousand rows, scanned some hundred times, at 10 MB at least a table. Exit 1: a check failed.
What a day's load and build cost is printed too, beside what tests/googlesql/costs.py computes of so few rows.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery

from demo.faithful import generate
from jobs.clients import credentials
from jobs.config.environment import ROOT
from jobs.ledger.ledger import Ledger
from tests.conftest import DAYS, World, make_world

ROWS = {"agents": 100, "call_logs": 1000, "customers": 500, "social_media": 100}  # a day, or once
SOURCES = tuple(ROWS)
MB = 2**20
SCOPE = "https://www.googleapis.com/auth/bigquery"


@dataclass(frozen=True)
class Scratch:
    """A dataset of this run's own, and an environment that loads into it."""

    world: World
    client: bigquery.Client
    bronze: str

    def start(self, step: str, *arguments: str) -> "subprocess.Popen[str]":
        chosen = [option for source in SOURCES for option in ("--source", source)]
        command = [str(ROOT / "spark-submit.sh"), step, *arguments, *chosen, "--env", str(self.world.file)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, step: str, *arguments: str) -> None:
        process = self.start(step, *arguments)
        output = process.communicate()[0]
        if process.returncode:
            raise SystemExit(output)

    def build(self, first: date, last: date) -> None:
        """Silver and Gold, in the same dataset."""
        command = [
            str(ROOT / "dbt.sh"),
            "build",
            "--from",
            str(first),
            "--to",
            str(last),
            "--env",
            str(self.world.file),
        ]
        variables = os.environ | {"DBT_TARGET_PATH": str(self.world.root / "dbt")}
        done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.client.query(sql).result()]

    def calls(self) -> list[tuple[Any, ...]]:
        days = "ingest_date BETWEEN '2025-11-20' AND '2025-11-23'"
        table = f"{self.bronze}.call_logs"
        return self.rows(f"SELECT ingest_date, _run_id, COUNT(*) FROM {table} WHERE {days} GROUP BY 1, 2 ORDER BY 1")


def every_row_is_there(scratch: Scratch) -> bool:
    ledger = Ledger(scratch.world.lake)
    landed = [
        (landing.ingest_date, landing.run_id, landing.rows_landed) for landing in ledger.read_manifests("call_logs")
    ]
    return scratch.calls() == sorted(landed)


def a_replay_replaces_its_day(scratch: Scratch) -> bool:
    before = scratch.calls()
    scratch.run("run", "--date", str(DAYS[0]), "--replay")
    after = scratch.calls()
    return after[1:] == before[1:] and after[0][1] > before[0][1] and after[0][2] == before[0][2]


def of_two_at_once_the_newer_stays(scratch: Scratch) -> bool:
    runs = [scratch.start("run", "--date", str(DAYS[1]), "--replay") for _ in range(2)]
    outputs = [run.communicate()[0] for run in runs]
    codes = {run.returncode for run in runs}
    if 0 not in codes or codes - {0, 75}:  # the older one ends superseded
        raise SystemExit("\n".join(outputs))
    newest = Ledger(scratch.world.lake).find_newest("call_logs", DAYS[1])
    return newest is not None and scratch.calls()[1][1:] == (newest.run_id, newest.rows_landed)


def one_of_two_transactions_is_aborted(scratch: Scratch) -> bool:
    """Both change the guard's row of a day without rows; BigQuery has to let only one of them through at a time."""
    guard = f"{scratch.bronze}._publish_call_logs"
    scratch.rows(f"INSERT INTO {guard} (ingest_date) VALUES (DATE '2000-01-01')")
    script = f"""BEGIN TRANSACTION;
        UPDATE {guard} SET published_at = CURRENT_TIMESTAMP() WHERE ingest_date = DATE '2000-01-01';
        CREATE TEMP TABLE busy AS SELECT COUNT(*) AS n FROM UNNEST(GENERATE_ARRAY(1, 20000)) a,
            UNNEST(GENERATE_ARRAY(1, 20000)) b WHERE MOD(a * b, 7) = 3;
        COMMIT TRANSACTION;"""
    jobs = [scratch.client.query(script) for _ in range(2)]
    errors = []
    for job in jobs:
        try:
            job.result()
        except GoogleAPICallError as error:
            errors.append(str(error))
    return len(errors) == 1 and "concurrent update" in errors[0]


def a_query_without_a_day_is_refused(scratch: Scratch) -> bool:
    try:
        scratch.rows(f"SELECT COUNT(*) FROM {scratch.bronze}.call_logs")
    except GoogleAPICallError as error:
        return "partition" in str(error)
    return False


def a_day_costs_a_day(scratch: Scratch) -> bool:
    table, dry = f"{scratch.bronze}.call_logs", bigquery.QueryJobConfig(dry_run=True)
    one, all_days = (
        scratch.client.query(f"SELECT call_id FROM {table} WHERE ingest_date {which}", job_config=dry)
        for which in ("= '2025-11-20'", "BETWEEN '2025-11-20' AND '2025-11-23'")
    )
    return 0 < int(one.total_bytes_processed) < int(all_days.total_bytes_processed) / 2


def a_tables_expiry_is_kept(scratch: Scratch) -> bool:
    """As a killed load's staging table has it."""
    table = bigquery.Table(
        f"{scratch.client.project}.{scratch.bronze}._stage_verify", schema=[bigquery.SchemaField("a", "STRING")]
    )
    table.expires = datetime.now(UTC) + timedelta(hours=24)
    scratch.client.create_table(table)
    return scratch.client.get_table(table).expires is not None


def nothing_is_left_of_staging(scratch: Scratch) -> bool:
    return not [
        table for table in scratch.client.list_tables(scratch.bronze) if table.table_id.startswith("_stage_call")
    ]


CHECKS: tuple[Callable[[Scratch], bool], ...] = (
    every_row_is_there,
    a_replay_replaces_its_day,
    of_two_at_once_the_newer_stays,
    nothing_is_left_of_staging,
    one_of_two_transactions_is_aborted,
    a_query_without_a_day_is_refused,
    a_day_costs_a_day,
    a_tables_expiry_is_kept,
)


def costs(scratch: Scratch) -> list[str]:
    """A line each of a day's load, of what is built of it, of the tests: what BigQuery says, and what is computed."""
    scratch.build(DAYS[0], DAYS[-1])  # from here on its tables are there
    begun = datetime.now(UTC)
    scratch.run("run", "--date", str(DAYS[-1]), "--replay")
    scratch.build(DAYS[-1], DAYS[-1])
    said: dict[str, list[Any]] = {group: [] for group in ("load", "models", "tests")}
    for job in scratch.client.list_jobs(min_creation_time=begun):
        if (group := _group(job.labels)) and job.job_type == "query":
            said[group].append(job)
    computed = _computed()
    return [_cost(group, jobs, *computed[group]) for group, jobs in said.items()]


def _cost(group: str, jobs: list[Any], statements: float, read: float, billed: float) -> str:
    """In BigQuery's MB; a job that was a script counts its statements."""
    sent = sum(job.num_child_jobs or 1 for job in jobs)
    processed = sum(job.total_bytes_processed or 0 for job in jobs) / MB
    paid = sum(job.total_bytes_billed or 0 for job in jobs) / MB
    said = f"{len(jobs)} jobs, {sent} statements (computed {statements:.0f})"
    read, billed = read / MB, billed / MB
    return f"{group}: {said}; {processed:,.1f} MB read ({read:,.1f}), {paid:,.0f} MB billed ({billed:,.0f})"


def _group(labels: dict[str, str]) -> str:
    """Of a job, by what it was labelled with; "" of others."""
    if "dbt_invocation_id" in labels:
        return "tests" if labels.get("node_id", "").startswith("test_") else "models"
    return "load" if labels.get("step") in ("load", "held") else ""


def _computed() -> dict[str, list[float]]:
    lock = "requirements/googlesql.txt"
    python = subprocess.run([ROOT / "setup.sh", lock], check=True, capture_output=True, text=True).stdout.strip()
    rows = ",".join(f"{source}={count}" for source, count in ROWS.items())
    command = [python, "-m", "tests.googlesql.costs", "--of", rows]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


def verify(scratch: Scratch) -> dict[str, bool]:
    """Load four days, then check; every check is printed."""
    scratch.run("run", "--from", str(DAYS[0]), "--to", str(DAYS[-1]))
    found = {}
    for check in CHECKS:
        found[check.__name__] = check(scratch)
        print(f"{'ok    ' if found[check.__name__] else 'FAILED'}  {check.__name__.replace('_', ' ')}", flush=True)
    for line in costs(scratch):
        print(f"cost    {line}", flush=True)
    return found


def main(given: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bigquery.verify", description=__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--key", type=Path, required=True, help="a service account's key, or a federation's JSON")
    parser.add_argument("--location", default="EU", help="[EU]")
    parser.add_argument("--endpoint", help=argparse.SUPPRESS)  # the tests' stand-in
    parser.add_argument("--storage-endpoint", help=argparse.SUPPRESS)
    asked = parser.parse_args(given)
    bronze = f"coretelecoms_verify_{secrets.token_hex(4)}"
    # Bronze, Silver and Gold; what of Gold is granted apart; Gold before it is published.
    datasets = (bronze, f"{bronze}_private", f"{bronze}_build")
    reference = f"file:{asked.key.absolute()}"
    options = {"api_endpoint": asked.endpoint} if asked.endpoint else None
    client = bigquery.Client(
        project=asked.project,
        location=asked.location,
        credentials=credentials.get_google_credentials(reference, SCOPE),
        client_options=options,
    )
    more = {"endpoint": asked.endpoint, "storage_endpoint": asked.storage_endpoint}
    settings = {"kind": "bigquery", "project": asked.project, "location": asked.location, **more}
    settings |= dict.fromkeys(("bronze", "silver", "gold"), bronze)
    warehouse = ", ".join(f"{name} = {json.dumps(value)}" for name, value in settings.items() if value)
    with tempfile.TemporaryDirectory(prefix="verify-bigquery-") as folder:
        world = make_world(Path(folder), warehouse=f"{{ {warehouse} }}")
        text = world.file.read_text().replace("[secrets]\n", f'[secrets]\nbigquery = "{reference}"\n')
        world.file.write_text(text)
        generate(world.root / "sources", DAYS, calls=ROWS["call_logs"], customers=ROWS["customers"])
        try:
            for name in datasets:
                dataset = bigquery.Dataset(f"{asked.project}.{name}")
                dataset.location = asked.location
                client.create_dataset(dataset)
            found = verify(Scratch(world, client, bronze))
        finally:
            for name in datasets:
                client.delete_dataset(name, delete_contents=True, not_found_ok=True)
    return 0 if all(found.values()) else 1


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
