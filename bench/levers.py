"""What each choice is worth: a day with it undone, against the day as it is. CPU, interleaved, fresh processes.

python -m bench.levers [--calls 100000] [--repetitions 5] [--save] [LEVER...]
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from bench.cpu import measured
from bench.day import CUSTOMERS, DAYS, ROOT, _clean_environment, _machine, _say, _spark_environment, _write_environment
from bench.results import FIVE, FOLDER, shown
from demo.faithful import generate
from demo.postgres import serving

BASE_ARCHIVE = "-XX:SharedArchiveFile={java}/lib/server/classes.jsa"


@dataclass(frozen=True)
class Lever:
    """A choice undone: by variables of the command, by Spark's settings, or by an application for each source."""

    text: str
    variables: dict[str, str] = field(default_factory=dict)
    spark: dict[str, str] = field(default_factory=dict)
    is_split: bool = False


LEVERS = {
    "archive": Lever("no class archive of our own", {"SPARK_SUBMIT_OPTS": BASE_ARCHIVE}),
    "c2": Lever("C2 besides C1", {"CORETELECOMS_JVM": "-XX:+UseSerialGC"}),
    "g1": Lever("collector G1", {"CORETELECOMS_JVM": "-XX:TieredStopAtLevel=1 -XX:+UseG1GC"}),
    "stock": Lever("all three: stock flags", {"CORETELECOMS_JVM": "-XX:+UseG1GC", "SPARK_SUBMIT_OPTS": BASE_ARCHIVE}),
    "split": Lever("an application for each source", is_split=True),
    "ui": Lever("Spark's UI on", spark={"spark.ui.enabled": "true"}),
    "adaptive": Lever("adaptive execution on", spark={"spark.sql.adaptive.enabled": "true"}),
    "files": Lever("two files at least, as many as cores", spark={"spark.sql.files.minPartitionNum": "2"}),
    "snappy": Lever("snappy instead of zstd", spark={"spark.sql.parquet.compression.codec": "snappy"}),
    "zstd": Lever("zstd at its default level", spark={"spark.hadoop.parquet.compression.codec.zstd.level": "3"}),
    "dictionary": Lever("no dictionaries", spark={"spark.hadoop.parquet.enable.dictionary": "false"}),
    "commit": Lever(
        "files renamed twice (committer 1)", spark={"spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "1"}
    ),
}


def seconds(work: Path, lever: Lever, java: str) -> tuple[float, int]:
    """CPU of a day, and the bytes of Parquet in raw. Raises SystemExit where it failed."""
    shutil.rmtree(work / "lake", ignore_errors=True)
    settings = "".join(f'"{name}" = "{value}"\n' for name, value in lever.spark.items())
    file = work / "lever.toml"
    file.write_text(f"{(work / 'bench.toml').read_text()}\n[spark]\n{settings}")
    variables = {name: value.format(java=java) for name, value in lever.variables.items()}
    cpu = 0.0
    for sources in [(source,) for source in FIVE] if lever.is_split else [FIVE]:
        command = [str(ROOT / "spark-submit.sh"), "run", "--env", str(file), "--date", str(DAYS[0])]
        command += [part for source in sources for part in ("--source", source)]
        usage = measured(command, work / "usage.json", _clean_environment() | variables, ROOT, work / "log")
        if usage.code:
            raise SystemExit(f"{lever.text}: {(work / 'log').read_text(errors='replace')[-4000:]}")
        cpu += usage.cpu
    return cpu, sum(file.stat().st_size for file in (work / "lake/raw").rglob("*.parquet"))


def _measured(work: Path, java: str, levers: list[str], repetitions: int) -> dict[str, list[tuple[float, int]]]:
    """Lever, or "" for none -> (CPU-seconds, bytes) of each repetition."""
    order = {"": Lever("as it is"), **{name: LEVERS[name] for name in levers}}
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in order}
    seconds(work, order[""], java)  # warm-up
    for number in range(repetitions):
        names = list(order)
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            found[name].append(seconds(work, order[name], java))
        last = ", ".join(f"{name or 'as it is'} {values[-1][0]:.1f}" for name, values in found.items())
        _say(f"repetition {number + 1} of {repetitions}, CPU-s: {last}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.levers", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000, help="[100000]")
    parser.add_argument("--repetitions", type=int, default=5, help="[5]")
    parser.add_argument("--save", action="store_true", help="into bench/results, for docs/benchmarks.md")
    parser.add_argument("lever", nargs="*", help=f"of {', '.join(LEVERS)} [all]")
    asked = parser.parse_args()
    levers = asked.lever or list(LEVERS)
    if unknown := sorted(set(levers) - set(LEVERS)):
        parser.error(f"no such lever: {unknown}")
    java, load = _spark_environment()["JAVA_HOME"], os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-levers-") as folder:
        work = Path(folder)
        work.chmod(0o755)  # Postgres may run as another user
        generate(work / "sources", DAYS[:1], asked.calls, CUSTOMERS * asked.calls // 100_000)
        _write_environment(work)
        with serving(work / "postgres") as server:
            server.load_web_forms(work / "sources/web_forms")
            server.write_secrets(work / "secrets")
            found = _measured(work, java, levers, asked.repetitions)
    rows = []
    for name in levers:
        pairs = list(zip(found[name], found[""], strict=True))
        size = found[name][0][1] / found[""][0][1]
        rows.append([LEVERS[name].text, shown([undone[0] / done[0] for undone, done in pairs]), f"{size:.2f}"])
        print("  ".join(cell.rjust(36) for cell in rows[-1]))
    machine = _machine(java, load)
    print(machine)
    if asked.save:
        kept = {"calls": asked.calls, "repetitions": asked.repetitions, "machine": machine, "rows": rows}
        (FOLDER / f"levers-{asked.calls}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
