"""Landing a Postgres table against draining it by COPY: client CPU a row, from the slope between two sizes.

    python -m bench.sources --repetitions 3

Start-up cancels in the slope; the server's CPU is not counted. Exit 1: the bound was missed.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench.cpu import measured
from demo.complaints import HEADERS
from demo.postgres import DATABASE, SCHEMA, Server, serving

ROOT = Path(__file__).resolve().parents[1]
SIZES = (100_000, 500_000)
BOUND = 8.0
DAY = "2025-11-20"
TABLE = f"{SCHEMA}.web_form_request_2025_11_20"
_DRAIN = """
import os, psycopg2
with psycopg2.connect(os.environ["DRAIN"]) as connection, connection.cursor() as cursor, open(os.devnull, "wb") as null:
    cursor.copy_expert("copy (select * from {table}) to stdout (format binary)", null)
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


def seconds(work: Path, server: Server, whose: str) -> float:
    """CPU of one run, all its processes."""
    shutil.rmtree(work / "lake", ignore_errors=True)
    address = f"host=127.0.0.1 port={server.address.port} dbname={DATABASE} user=postgres"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DRAIN": f"{address} password={server.address.password}"}
    ours = [str(ROOT / "spark-submit.sh"), "ingest", "--env", str(work / "bench.toml"), "--date", DAY]
    drain = [sys.executable, "-c", _DRAIN.format(table=TABLE)]
    command = [*ours, "--source", "web_forms"] if whose == "ours" else drain
    usage = measured(command, work / "usage.json", environment, ROOT, work / "log")
    if usage.code:
        raise SystemExit((work / "log").read_text()[-4000:])
    return usage.cpu


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.sources", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3, help="[3]")
    repetitions = parser.parse_args().repetitions
    found: dict[tuple[str, int], list[float]] = {(whose, size): [] for whose in ("ours", "drain") for size in SIZES}
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
            for _ in range(repetitions):
                for size in SIZES:
                    fill(server, size)
                    for whose in ("ours", "drain"):
                        found[whose, size].append(seconds(work, server, whose))
    slope = {}
    for whose in ("ours", "drain"):
        small, large = (median(found[whose, size]) for size in SIZES)
        slope[whose] = (large - small) / (SIZES[1] - SIZES[0]) * 1e6
        sizes = f"{small:6.2f} CPU-s at {SIZES[0]:,}, {large:6.2f} at {SIZES[1]:,}"
        print(f"{whose:<6} {sizes}: {slope[whose]:6.2f} a million")
    ratio = slope["ours"] / slope["drain"]
    print(f"landing / COPY drain: {ratio:.1f}, bound {BOUND:g}: {'kept' if ratio <= BOUND else 'MISSED'}")
    return int(ratio > BOUND)


if __name__ == "__main__":
    sys.exit(main())
