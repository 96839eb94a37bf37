"""Landing a Postgres table against bare Spark, and against draining it by COPY: client CPU a row, from the slope.

    python -m bench.sources --repetitions 3 --sizes 500000 2000000

The slope between two sizes, so that start-up cancels: below 500,000 rows Java's compiler is still at work. All JVMs
have the flags of large days. The server's CPU is not counted. Bare Spark reads over JDBC, one connection, and writes
Parquet. Exit 1: a bound was missed, by the whole interval.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from bench.results import MISSED, shown, verdict
from bench.setting import ROOT, clean_environment, machine, run, spark_environment
from demo.complaints import HEADERS
from demo.postgres import DATABASE, SCHEMA, Server, serving

SIZES = (500_000, 2_000_000)
WHOSE = ("in process", "by Spark", "bare Spark", "COPY drain")
BOUNDS = (("in process", "COPY drain", 8.0), ("by Spark", "bare Spark", 2.0))
DAY = "2025-11-20"
TABLE = f"{SCHEMA}.web_form_request_2025_11_20"
_DRAIN = """
import os, psycopg2
with psycopg2.connect(os.environ["DRAIN"]) as connection, connection.cursor() as cursor, open(os.devnull, "wb") as null:
    cursor.copy_expert("copy (select * from {table}) to stdout (format binary)", null)
"""
_BARE = """
import sys
from pyspark.sql import SparkSession
url, table, password, out = sys.argv[1:]
spark = SparkSession.builder.config("spark.ui.enabled", "false").getOrCreate()
access = {"user": "postgres", "password": password, "fetchsize": "10000", "driver": "org.postgresql.Driver"}
rows = spark.read.jdbc(url, table, properties=access)
rows.write.mode("overwrite").option("compression", "zstd").parquet(out)
spark.stop()
"""


def fill(server: Server, rows: int) -> None:
    """Rows as wide as the supplier's, about 250 bytes."""
    columns = ", ".join(f'"{name}" text' for name in HEADERS["web_forms"])
    texts = ("n::text", "md5(n::text) || md5((n + 1)::text)", "md5(n::text)::uuid::text", "'Network Failure'", "'1042'")
    rest = ("'In-Progress'", "'2025-11-20 10:11:12'", "''", "'2025-11-20'")
    with server.transaction() as cursor:
        cursor.execute(f"drop table if exists {TABLE}; create table {TABLE} ({columns})")
        cursor.execute(f"insert into {TABLE} select {', '.join(texts + rest)} from generate_series(1, {rows}) n")
        cursor.execute(f"select count(*) from {TABLE}")


def seconds(work: Path, server: Server, spark: dict[str, str], whose: str) -> float:
    """CPU of one run, all its processes."""
    shutil.rmtree(work / "lake", ignore_errors=True)
    password = server.address.password
    address = f"host=127.0.0.1 port={server.address.port} dbname={DATABASE} user=postgres password={password}"
    environment = clean_environment() | {"DRAIN": address}
    match whose:
        case "in process" | "by Spark":
            engine = "spark" if whose == "by Spark" else "in-process"
            command = [str(ROOT / "spark-submit.sh"), "ingest", "--env", str(work / "bench.toml"), "--date", DAY]
            command += ["--source", "web_forms", "--engine", engine]
            environment |= {"CORETELECOMS_JVM": spark["SPARK_SUBMIT_OPTS"]}
        case "bare Spark":
            (work / "bare.py").write_text(_BARE)
            url = f"jdbc:postgresql://127.0.0.1:{server.address.port}/{DATABASE}"
            command = [f"{spark['SPARK_HOME']}/bin/spark-submit", "--driver-class-path", spark["JARS"]]
            command += [str(work / "bare.py"), url, TABLE, password, str(work / "bare")]
            environment |= spark
        case _:
            command = [sys.executable, "-c", _DRAIN.format(table=TABLE)]
    return run(command, work, environment).cpu


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.sources", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3, help="[3]")
    parser.add_argument("--sizes", type=int, nargs=2, default=SIZES, metavar="ROWS", help=f"{list(SIZES)}")
    asked = parser.parse_args()
    small, large = asked.sizes
    load, spark = os.getloadavg()[0], spark_environment()
    spark["SPARK_SUBMIT_OPTS"] += f" {spark['LARGE']}"
    slopes: dict[str, list[float]] = {whose: [] for whose in WHOSE}
    with tempfile.TemporaryDirectory(prefix="bench-sources-") as folder:
        work = Path(folder)
        work.chmod(0o755)  # Postgres may run as another user
        (work / "bench.toml").write_text(
            f'sources = "{work}"\nlake = "{work}/lake"\nlogs = "{work}/logs"\npostgres = {{ sslmode = "disable" }}\n'
            f'warehouse = {{ kind = "delta", path = "{work}/bronze" }}\n'
            f'secrets = {{ database = "file:{work}/secrets" }}\n'
        )
        with serving(work / "postgres") as server:
            server.write_secrets(work / "secrets")
            for number in range(asked.repetitions):
                found = {}
                for size in (small, large):
                    fill(server, size)
                    found[size] = {whose: seconds(work, server, spark, whose) for whose in WHOSE}
                for whose in WHOSE:
                    slopes[whose].append((found[large][whose] - found[small][whose]) / (large - small) * 1e6)
                text = "; ".join(f"{whose} {found[small][whose]:.1f} and {found[large][whose]:.1f}" for whose in WHOSE)
                print(f"repetition {number + 1}, CPU-s at {small:,} and {large:,} rows: {text}", flush=True)
    for whose in WHOSE:
        print(f"{whose:<11} {shown(slopes[whose])} CPU-s a million rows")
    verdicts = []
    for one, other, bound in BOUNDS:
        ratios = [a / b for a, b in zip(slopes[one], slopes[other], strict=True)]
        verdicts.append(verdict(ratios, bound))
        print(f"{one} / {other}: {shown(ratios)}, at most {bound:g}: {verdicts[-1]}")
    print(machine(load, spark["JAVA_HOME"]))
    return int(MISSED in verdicts)


if __name__ == "__main__":
    sys.exit(main())
