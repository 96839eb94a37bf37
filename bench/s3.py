"""`run` for one day with sources and lake on an S3 server on loopback, also by a Spark cluster, against folders.

    python -m bench.s3 --calls 100000 --repetitions 5 [--without-cluster]

CPU seconds of our process tree, executors and their workers among them, master and server not; interleaved, ratios
within a repetition. Exit 1: the bound for S3 was missed. The cluster (a master, two workers of one core) has none: its
executors are two JVMs more, without a class archive.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench.cpu import Usage, Watch, measured
from bench.results import MISSED, shown, verdict
from bench.setting import DAYS, ROOT, clean_environment, five_contracts, machine, say, write_environment
from demo.faithful import Counts, generate
from demo.postgres import serving as postgres_serving
from tests.cluster.conftest import executors_of
from tests.cluster.conftest import serving as serving_cluster
from tests.s3.conftest import LAKE_BUCKET, SOURCES_BUCKET, cloud_of
from tests.s3.server import KEYS, Server, serving

BOUND = 1.2
KINDS = ("folder", "s3", "cluster")


def _run(work: Path, file: Path, counts: Counts, *more: str) -> Usage:
    span = ("--from", str(DAYS[0]), "--to", str(DAYS[0]))
    command = [str(ROOT / "spark-submit.sh"), "run", "--json", "--env", str(file), *span, *more]
    usage = measured(command, work / "usage.json", clean_environment() | KEYS, ROOT, work / "log")
    output = (work / "log").read_text(encoding="utf-8", errors="replace")
    outcomes = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    landed = {outcome["source"]: outcome["rows_bronze"] for outcome in outcomes}
    wanted = {source: by_day.get("", by_day.get(str(DAYS[0]))) for source, by_day in counts["rows"].items()}
    if usage.code or landed != wanted:
        raise SystemExit(f"delivered {wanted}, found {landed}, exit {usage.code}:\n{output[-4000:]}")
    return usage


def _on_s3(work: Path, server: Server, counts: Counts, prefix: str, *more: str) -> Usage:
    cloud = cloud_of(work, server, prefix)
    cloud.write(f'contracts = "{work}/contracts-{ROOT.name}"')
    cloud.deliver_all(work / "sources")
    return _run(work, cloud.file, counts, *more)


def _on_cluster(work: Path, server: Server, counts: Counts, prefix: str) -> Usage:
    folder = work / prefix
    folder.mkdir()
    with serving_cluster(folder) as cluster:
        watch = Watch(*(worker.pid for worker in cluster.workers), memory=False)
        watch.start()
        usage = _on_s3(work, server, counts, prefix, "--master", cluster.url)
        while any(map(executors_of, cluster.workers)):
            time.sleep(0.1)
        return replace(usage, cpu=usage.cpu + watch.ended().cpu())


def _on_folders(work: Path, counts: Counts, number: int) -> Usage:
    folder = work / f"folders{number}"
    folder.mkdir()
    for name in ("sources", "secrets"):
        (folder / name).symlink_to(work / name)
    write_environment(folder)
    return _run(work, folder / "bench.toml", counts)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.s3", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000, help="calls a day [100000]")
    parser.add_argument("--customers", type=int, default=20_000, help="customers, once [20000]")
    parser.add_argument("--repetitions", type=int, default=5, help="[5]")
    parser.add_argument("--without-cluster", action="store_true", help="folders and S3 alone: for large days")
    asked = parser.parse_args()
    os.environ.update(KEYS)
    load = os.getloadavg()[0]
    kinds = KINDS[:2] if asked.without_cluster else KINDS
    found: list[dict[str, Usage]] = []
    with tempfile.TemporaryDirectory(prefix="bench-s3-") as name, serving() as server:
        work = Path(name)
        work.chmod(0o755)  # Postgres may run as another user
        for bucket in (SOURCES_BUCKET, LAKE_BUCKET):
            where = {"LocationConstraint": "eu-north-1"}
            server.client.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
        counts = generate(work / "sources", DAYS[:1], asked.calls, asked.customers)
        with postgres_serving(work / "postgres") as postgres:
            postgres.load_web_forms(work / "sources/web_forms")
            postgres.write_secrets(work / "secrets")
            five_contracts(work)
            for number in range(asked.repetitions):
                costs = {}
                turn = number % len(kinds)
                for kind in kinds[turn:] + kinds[:turn]:
                    prefix = f"{kind}{number}"
                    match kind:
                        case "folder":
                            costs[kind] = _on_folders(work, counts, number)
                        case "s3":
                            costs[kind] = _on_s3(work, server, counts, prefix)
                        case _:
                            costs[kind] = _on_cluster(work, server, counts, prefix)
                say(f"repetition {number + 1}, CPU-s: " + ", ".join(f"{k} {u.cpu:.1f}" for k, u in costs.items()))
                found.append(costs)
    for kind in kinds:
        print(f"one day, {kind}: {shown([costs[kind].cpu for costs in found])} CPU-s")
    if "cluster" in kinds:
        print(f"cluster / s3: {shown([costs['cluster'].cpu / costs['s3'].cpu for costs in found])}")
    ratios = [costs["s3"].cpu / costs["folder"].cpu for costs in found]
    found_of_s3 = verdict(ratios, BOUND)
    print(f"s3 / folder: {shown(ratios)}, at most {BOUND:g}: {found_of_s3}")
    print(machine(load))
    return int(found_of_s3 == MISSED)


if __name__ == "__main__":
    sys.exit(main())
