"""Loading days of calls into BigQuery against landing them: CPU a row, from the slope between two numbers of days.

    python -m bench.load --repetitions 3

CPU seconds of our process tree; the stand-in's (an emulator on loopback) are not among them. Start-up cancels in the
slope. Both by Spark, whose connector loads. More days, and not larger ones: the stand-in takes one request a stream,
about 10 MB, where BigQuery takes any number. Exit 1: the bound was missed.
"""

import argparse
import os
import shutil
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from statistics import median

from bench.cpu import measured
from demo.faithful import generate
from tests.bigquery.conftest import Cloud, write
from tests.bigquery.stand_in import StandIn, serving
from tests.conftest import DAYS, World

ROOT = Path(__file__).resolve().parents[1]
ROWS = 20_000  # a day, about
SIZES = (2, 12)  # days
BOUND = 2.0


def seconds(cloud: Cloud, step: str, days: int) -> float:
    """CPU of one run of a step over so many days, all its processes."""
    work = cloud.world.root
    environment = os.environ | {"SPARK_SUBMIT_OPTS": cloud.stand_in.java_options, "PYTHONPATH": str(ROOT)}
    command = [str(ROOT / "spark-submit.sh"), step, "--source", "call_logs", "--env", str(cloud.world.file)]
    command += ["--engine", "spark"] if step == "ingest" else []
    command += ["--from", str(DAYS[0]), "--to", str(DAYS[0] + timedelta(days - 1))]
    usage = measured(command, work / "usage.json", environment, ROOT, work / "log")
    if usage.code:
        raise SystemExit((work / "log").read_text()[-4000:])
    return usage.cpu


def of_size(work: Path, stand_in: StandIn, days: int) -> dict[str, float]:
    """Both steps for so many days of calls, each from nothing."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    stand_in.reset()
    cloud = Cloud(World(work), stand_in, None)
    write(cloud)
    counts = generate(work / "sources", [DAYS[0] + timedelta(n) for n in range(days)], calls=ROWS, customers=10)
    found = {step: seconds(cloud, step, days) for step in ("ingest", "load")}
    delivered, loaded = counts["rows"]["call_logs"], {str(day): rows for day, _, rows in cloud.bronze()}
    if loaded != delivered:
        raise SystemExit(f"{delivered} rows delivered, {loaded} in Bronze")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3, help="[3]")
    repetitions = parser.parse_args().repetitions
    ratios = []
    with tempfile.TemporaryDirectory(prefix="bench-load-") as name, serving(Path(name)) as stand_in:
        for number in range(repetitions):
            found = {days: of_size(Path(name, "work"), stand_in, days) for days in SIZES}
            slopes = {step: found[SIZES[1]][step] - found[SIZES[0]][step] for step in ("ingest", "load")}
            ratios.append(slopes["load"] / slopes["ingest"])
            shown = "; ".join(f"{days} days {cpu['ingest']:.1f} + {cpu['load']:.1f}" for days, cpu in found.items())
            print(f"repetition {number + 1}, CPU-s ingest + load: {shown}; slopes' ratio {ratios[-1]:.2f}", flush=True)
    missed = median(ratios) > BOUND
    print(f"load / ingest, CPU a row: {median(ratios):.2f}, allowed {BOUND}  {'MISSED' if missed else 'kept'}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
