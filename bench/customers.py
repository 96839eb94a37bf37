"""The customers file at its real size, sources and lake on an S3 server: rows counted, memory sampled, CPU compared.

    python -m bench.customers [--rows 2500000] [--repetitions 3]

Memory: the sum of the proportional set size (PSS) of all processes of ours, sampled; the server runs in this process
and is not among them. CPU: of the whole tree, against a bare Spark read-and-write of the same object, as Spark comes
and with our JVM flags; ratios within a repetition, as in bench.day. 1.5 GB of heap. Exit 1: a bound was missed.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from bench.cpu import Usage, measured
from bench.day import DAYS, ROOT, _clean_environment, _interval, _row, _say, _spark_environment, stock_environment
from demo.faithful import generate
from tests.s3.conftest import LAKE_BUCKET, SOURCES_BUCKET, Cloud, cloud_of
from tests.s3.server import KEYS, Server, serving

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


def _measured(work: Path, command: list[str], environment: dict[str, str]) -> Usage:
    usage = measured(command, work / "usage.json", environment, ROOT, work / "log")
    if usage.code:
        raise SystemExit((work / "log").read_text(errors="replace")[-4000:])
    return usage


def _ours(work: Path, server: Server, number: int) -> Usage:
    cloud = _cloud(work, server, number)
    run = ["run", "--date", str(DAYS[0]), "--source", "customers", "--env", str(cloud.file)]
    environment = _clean_environment() | KEYS | {"CORETELECOMS_DRIVER_MEMORY": HEAP}
    found = _measured(work, [str(ROOT / "spark-submit.sh"), *run], environment)
    (manifest,) = cloud.manifests("customers")
    assert manifest.rows_delivered == manifest.rows_landed, manifest
    return found


def _bare(work: Path, server: Server, number: int, variant: str, spark: dict[str, str]) -> Usage:
    from jobs.session import configuration

    cloud = _cloud(work, server, number)
    (work / "bare.py").write_text(BARE)
    options = [f"--conf={name}={value}" for name, value in configuration(cloud.environment).items()]
    submit = [f"{spark['SPARK_HOME']}/bin/spark-submit", "--driver-memory", HEAP, "--driver-class-path", spark["JARS"]]
    places = [f"s3a://{SOURCES_BUCKET}/{cloud.prefix}/{KEY}", f"s3a://{LAKE_BUCKET}/{cloud.prefix}/{variant}"]
    return _measured(work, [*submit, *options, str(work / "bare.py"), *places], _clean_environment() | spark | KEYS)


def _cloud(work: Path, server: Server, number: int) -> Cloud:
    return cloud_of(work, server, f"customers_{number}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.customers", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_500_000)
    parser.add_argument("--repetitions", type=int, default=3, help="[3]")
    asked = parser.parse_args()
    os.environ.update(KEYS)
    same = _spark_environment()
    same["SPARK_SUBMIT_OPTS"] += f" {same['LARGE']}"
    by_hand = {"stock": stock_environment(same), "same": same}
    found: dict[str, list[Usage]] = {name: [] for name in ("ours", *by_hand)}
    with tempfile.TemporaryDirectory(prefix="bench-customers-") as name, serving() as server:
        work = Path(name)
        for bucket in (SOURCES_BUCKET, LAKE_BUCKET):
            where = {"LocationConstraint": "eu-north-1"}
            server.client.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
        generate(work / "sources", DAYS[:1], calls=1, customers=asked.rows)
        for number in range(asked.repetitions):
            cloud = _cloud(work, server, number)
            server.client.upload_file(str(work / "sources" / KEY), SOURCES_BUCKET, f"{cloud.prefix}/{KEY}")
            for variant, usages in found.items():
                by_whom = by_hand.get(variant)
                usages.append(_bare(work, server, number, variant, by_whom) if by_whom else _ours(work, server, number))
            shown = ", ".join(f"{variant} {usages[-1].cpu:.1f}" for variant, usages in found.items())
            _say(f"repetition {number + 1}, CPU-s: {shown}")
    print(f"{asked.rows:,} rows delivered = landed")
    peak = {variant: max(usage.pss for usage in usages) for variant, usages in found.items()}
    print(f"memory, all processes: {peak['ours']:.0f} MB (bare Spark {peak['same']:.0f}), allowed {MEMORY}")
    cpu = {name: [usage.cpu for usage in usages] for name, usages in found.items()}
    ratios = {name: [ours / bare for ours, bare in zip(cpu["ours"], cpu[name], strict=True)] for name in by_hand}
    _row("ours / bare Spark, as it comes", ratios["stock"], f"allowed {CPU}")
    _row("ours / bare Spark, our JVM flags", ratios["same"], "")
    return int(peak["ours"] > MEMORY or _interval(ratios["stock"])[0] > CPU)


if __name__ == "__main__":
    sys.exit(main())
