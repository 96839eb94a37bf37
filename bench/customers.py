"""The customers file at its real size, sources and lake on an S3 server: rows counted, memory sampled, CPU compared.

    python -m bench.customers [--rows 2500000]

Memory: the sum of the proportional set size (PSS) of all processes of ours, sampled; the server runs in this process
and is not among them. CPU: of the whole tree, against a bare Spark read-and-write of the same object. 1.5 GB of heap.
"""

import argparse
import os
import sys
import tempfile
import threading
from pathlib import Path

from bench.cpu import Usage, measured
from bench.day import DAYS, ROOT, _clean_environment, _say, _spark_environment
from demo.faithful import generate
from tests.s3.conftest import LAKE_BUCKET, SOURCES_BUCKET, Cloud, cloud_of
from tests.s3.server import KEYS, serving

MEMORY, CPU = 1300, 1.2
HEAP = "1536m"
KEY = "customers/customers_dataset.csv"
BARE = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.config("spark.ui.enabled", "false").getOrCreate()
names = "customer_id name gender date_of_birth signup_date email address".split()
schema = ", ".join(f"{name} string" for name in names)
rows = spark.read.csv(sys.argv[1], schema, header=True, quote='"', escape='"', multiLine=True)
rows.write.option("compression", "zstd").parquet(sys.argv[2])
spark.stop()
"""


class Memory(threading.Thread):
    """Samples the PSS of all descendants of this process, in MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.done = 0.0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.25):
            self.peak = max(self.peak, sum(map(_pss, _descendants(os.getpid()))) / 1024)


def _descendants(pid: int) -> list[int]:
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            own = [int(child) for child in children.read_text().split()]
        except OSError:
            continue
        found += own + [one for child in own for one in _descendants(child)]
    return found


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _measured(work: Path, command: list[str], environment: dict[str, str]) -> tuple[Usage, float]:
    memory = Memory()
    memory.start()
    usage = measured(command, work / "usage.json", environment, ROOT, work / "log")
    memory.done.set()
    memory.join()
    if usage.code:
        raise SystemExit((work / "log").read_text(errors="replace")[-4000:])
    return usage, memory.peak


def _bare(work: Path, cloud: Cloud, spark: dict[str, str]) -> tuple[Usage, float]:
    from jobs.session import configuration

    (work / "bare.py").write_text(BARE)
    options = [f"--conf={name}={value}" for name, value in configuration(cloud.environment).items()]
    submit = [f"{spark['SPARK_HOME']}/bin/spark-submit", "--driver-memory", HEAP, "--driver-class-path", spark["JARS"]]
    places = [f"s3a://{SOURCES_BUCKET}/{cloud.prefix}/{KEY}", f"s3a://{LAKE_BUCKET}/{cloud.prefix}/bare"]
    return _measured(work, [*submit, *options, str(work / "bare.py"), *places], _clean_environment() | spark | KEYS)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.customers", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_500_000)
    asked = parser.parse_args()
    os.environ.update(KEYS)
    with tempfile.TemporaryDirectory(prefix="bench-customers-") as name, serving() as server:
        work = Path(name)
        for bucket in (SOURCES_BUCKET, LAKE_BUCKET):
            where = {"LocationConstraint": "eu-north-1"}
            server.client.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
        generate(work / "sources", DAYS[:1], calls=1, customers=asked.rows)
        cloud = cloud_of(work, server, "customers")
        server.client.upload_file(str(work / "sources" / KEY), SOURCES_BUCKET, f"{cloud.prefix}/{KEY}")
        _say(f"{(work / 'sources' / KEY).stat().st_size / 2**20:.0f} MB on the server")
        run = ["run", "--date", str(DAYS[0]), "--source", "customers", "--env", str(cloud.file)]
        environment = _clean_environment() | KEYS | {"CORETELECOMS_DRIVER_MEMORY": HEAP}
        ours, peak = _measured(work, [str(ROOT / "spark-submit.sh"), *run], environment)
        (manifest,) = cloud.manifests("customers")
        assert manifest.rows_delivered == manifest.rows_landed == asked.rows, manifest
        bare, bare_peak = _bare(work, cloud, _spark_environment())
    ratio = ours.cpu / bare.cpu
    print(f"{asked.rows:,} rows delivered = landed")
    print(f"memory, all processes: {peak:.0f} MB (bare Spark {bare_peak:.0f}), allowed {MEMORY}")
    print(
        f"CPU: {ours.cpu:.1f} s, bare Spark {bare.cpu:.1f} s, ratio {ratio:.2f}, allowed {CPU}; wall {ours.wall:.0f} s"
    )
    return int(peak > MEMORY or ratio > CPU)


if __name__ == "__main__":
    sys.exit(main())
