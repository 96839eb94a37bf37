"""The same call logs by a standalone Spark cluster (a master, two workers of one core) and by threads of one process.

    python -m bench.cluster [--calls 10000000] [--repetitions 3]

First both lakes are compared: Bronze has to be equal, rows and their order, in all columns but _run_id and
_ingested_at. CPU of the executors' Python (it does what the threads do) against that of the whole run in process;
reported besides: the executors' JVMs, and the driver. Exit 1: the bound was missed, by the whole interval.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import duckdb

from bench.cpu import Usage, Watch
from bench.results import MISSED, shown, verdict
from bench.setting import DAYS, ROOT, clean_environment, machine, run, say, spark_environment, write_environment
from demo.faithful import generate
from tests.cluster.conftest import Cluster, executors_of, serving

BOUND = 1.3
_ASIDE = ("_run_id", "_ingested_at")


def in_process(work: Path, folder: str) -> Usage:
    """The day into a lake of its own."""
    return run([*_command(work, folder), "--engine", "in-process"], work, clean_environment())


def on_cluster(work: Path, folder: str, cluster: Cluster) -> tuple[Usage, Watch]:
    """The same by the cluster: the driver's usage, and what its executors took."""
    watch = Watch(*(worker.pid for worker in cluster.workers), memory=False)
    watch.start()
    usage = run([*_command(work, folder), "--master", cluster.url], work, clean_environment())
    while any(map(executors_of, cluster.workers)):
        time.sleep(0.1)
    return usage, watch.ended()


def _command(work: Path, folder: str) -> list[str]:
    shutil.rmtree(work / folder, ignore_errors=True)
    given = (work / "bench.toml").read_text(encoding="utf-8")
    environment = work / f"{folder}.toml"
    environment.write_text(given.replace(f"{work}/lake", f"{work}/{folder}"), encoding="utf-8")
    day = ["--date", str(DAYS[0]), "--source", "call_logs"]
    return [str(ROOT / "spark-submit.sh"), "run", "--env", str(environment), *day]


def in_order(lake: Path) -> list[tuple[int, str]]:
    """Of each file of Bronze, in order: rows, and a sum of hashes of each row with its place."""
    query = f"""SELECT count(*), sum(hash(found))::VARCHAR
        FROM (SELECT * EXCLUDE ({", ".join(_ASIDE)}) FROM read_parquet(?, file_row_number = true)) found"""
    files = sorted((lake / "bronze/call_logs").rglob("*.parquet"))
    return [duckdb.execute(query, [str(file)]).fetchone() or (0, "") for file in files]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.cluster", description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000_000, help="[10000000]")
    parser.add_argument("--repetitions", type=int, default=3, help="[3]")
    asked = parser.parse_args()
    java, load = spark_environment()["JAVA_HOME"], os.getloadavg()[0]
    python, ratios, jvms, drivers = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="bench-cluster-") as name:
        work = Path(name)
        generate(work / "sources", DAYS[:1], asked.calls, 1, sources=("call_logs",))
        write_environment(work)
        with serving(work) as cluster:
            for number in range(asked.repetitions):
                threads = in_process(work, "threads")
                driver, executors = on_cluster(work, "cluster", cluster)
                if not number and in_order(work / "threads") != in_order(work / "cluster"):
                    raise SystemExit("Bronze differs, in rows or in their order")
                python.append(executors.cpu("python"))
                jvms.append(executors.cpu("java"))
                drivers.append(driver.cpu)
                ratios.append(python[-1] / threads.cpu)
                say(f"repetition {number + 1}, CPU-s: in process {threads.cpu:.1f}, executors' Python {python[-1]:.1f}")
    found = verdict(ratios, BOUND)
    print(f"{asked.calls:,} call logs: Bronze is equal, in rows and order, but for {', '.join(_ASIDE)}")
    print(f"executors' Python / the run in process, CPU: {shown(ratios)}, at most {BOUND:g}: {found}")
    print(f"besides, CPU-s: executors' JVMs {median(jvms):.1f}, the driver {median(drivers):.1f}")
    print(machine(load, java))
    return int(found == MISSED)


if __name__ == "__main__":
    sys.exit(main())
