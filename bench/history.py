"""`status` of a day over a lake of three years against one of ten days: CPU, interleaved, fresh processes.

    python -m bench.history --repetitions 15

Both lakes are made of manifests, attempts and run reports by the ledger's own functions, and of Bronze tables with a
file a day, of which only that of the day that is asked for is there. Exit 1: the bound was missed.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from bench.cpu import measured
from bench.results import MISSED, shown, verdict
from jobs.bronze.delta import table
from jobs.ledger.ledger import Ledger
from jobs.ledger.outcome import Outcome, RunReport
from tests.conftest import World, make_world
from tests.manifests import manifest_of, table_of

ROOT = Path(__file__).resolve().parents[1]
DAY = date(2025, 11, 21)
SOURCES = ("agents", "call_logs", "customers", "service_outages", "social_media", "web_forms")
FEW, MANY = 10, 3 * 365  # days
LATE = 99  # commits since Bronze's last checkpoint: at most
BOUND = 1.2


def make_run_id(day: date) -> str:
    return f"{day:%Y%m%d}T230000000000Z-made"


def make_lake(root: Path, days: int) -> World:
    """The last of its days is DAY."""
    root.mkdir()
    world = make_world(root)
    ledger = Ledger(world.lake)
    for ago in range(days - 1, -1, -1):
        day = DAY - timedelta(ago)
        at, run_id = datetime(day.year, day.month, day.day, 23, tzinfo=UTC), make_run_id(day)
        known = {"ingest_date": day, "state": "loaded", "run_id": run_id, "attempt": "loaded"}
        when = {"attempted_at": at, "attempt_run_id": run_id}
        outcomes = [Outcome.model_validate({"source": source, **known, **when}) for source in SOURCES]
        for outcome in outcomes:
            ledger.put_manifest(manifest_of(run_id, 20, day, ("agent_id",), outcome.source))
            ledger.put_attempt(outcome)
        of_run = {"run_id": run_id, "step": "run", "started_at": at, "finished_at": at, "exit_code": 0}
        ledger.put_report(RunReport.model_validate({**of_run, "outcomes": outcomes, "puts_attempts": True}))
    make_bronze(world.bronze, days)
    return world


def make_bronze(bronze: Path, days: int) -> None:
    """A checkpoint, and of late a commit a day, as a log expires; one table is like the other."""
    first = bronze / SOURCES[0]
    delta_table = table.opened_or_made(first, ["agent_id"])
    folder = first / f"ingest_date={DAY}"
    folder.mkdir()
    pq.write_table(table_of(make_run_id(DAY), 20, DAY), folder / f"{make_run_id(DAY)}.part-00000.parquet")
    files = [make_file(DAY - timedelta(ago)) for ago in range(days - 1, -1, -1)]
    for commit in filter(None, [files[:-LATE], *([file] for file in files[-LATE:])]):
        delta_table.create_write_transaction(commit, "append", delta_table.schema(), ["ingest_date"])
        if len(commit) > 1:
            delta_table.create_checkpoint()
    for source in SOURCES[1:]:
        shutil.copytree(first, bronze / source)


def make_file(day: date) -> AddAction:
    name = f"ingest_date={day}/{make_run_id(day)}.part-00000.parquet"
    return AddAction(name, 1000, {"ingest_date": str(day)}, 0, True, json.dumps({"numRecords": 20}))


def seconds(world: World, work: Path) -> float:
    """CPU of one answer, which has to be right."""
    command = [str(ROOT / "spark-submit.sh"), "status", "--date", str(DAY), "--env", str(world.file), "--json"]
    usage = measured(command, work / "usage.json", dict(os.environ), ROOT, work / "log")
    states = [json.loads(line)["state"] for line in (work / "log").read_text().splitlines()]
    if usage.code or states != ["loaded"] * len(SOURCES):
        raise SystemExit((work / "log").read_text()[-4000:])
    return usage.cpu


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.history", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=15, help="[15]")
    repetitions = parser.parse_args().repetitions
    with tempfile.TemporaryDirectory(prefix="bench-history-") as name:
        work, os.fsync = Path(name), lambda _: None  # of 20,000 small files, which nobody keeps
        few, many = make_lake(work / "few", FEW), make_lake(work / "many", MANY)
        pairs = [(seconds(few, work), seconds(many, work)) for _ in range(repetitions)]
    ratios = [after / before for before, after in pairs]
    found = verdict(ratios, BOUND)
    least = ", ".join(
        f"{days:,} days {min(cpu):.2f}" for days, cpu in zip((FEW, MANY), zip(*pairs, strict=True), strict=True)
    )
    print(
        f"status of a day, CPU-s at best: {least}; {MANY:,} days / {FEW}: {shown(ratios)}, at most {BOUND:g}: {found}"
    )
    return int(found == MISSED)


if __name__ == "__main__":
    sys.exit(main())
