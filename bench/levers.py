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

from bench.results import FIVE, FOLDER, shown
from bench.setting import (
    CUSTOMERS,
    DAYS,
    clean_environment,
    machine,
    run,
    say,
    spark_environment,
    write_environment,
)
from demo.faithful import generate
from demo.postgres import serving

STOCK = {"CORETELECOMS_JVM": "-XX:+UseG1GC", "SPARK_SUBMIT_OPTS": "-XX:SharedArchiveFile={java}/lib/server/classes.jsa"}
_COMMAND = "import runpy\n{undone}\nrunpy.run_module('jobs', run_name='__main__')"


@dataclass(frozen=True)
class Lever:
    """A choice undone: by Python before a run starts, by variables, by options, or by a run for each source.

    `instead`: of the lever that it is compared with, "" for the run as it is.
    """

    text: str
    undone: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    is_split: bool = False
    instead: str = ""


def _writer(name: str, value: str) -> str:
    return f"from jobs.landing import writer; writer.{name} = {value}"


LEVERS = {
    "bytecode": Lever(
        "nothing compiled", variables={"PYTHONPYCACHEPREFIX": "/nowhere", "PYTHONDONTWRITEBYTECODE": "1"}
    ),
    "apart": Lever("a run for each source", is_split=True),
    "proof": Lever(
        "no block proven sound: record by record",
        "from jobs.sources import csv_grammar; csv_grammar.Grammar.find_provable_end = lambda *_: 0",
    ),
    "thread": Lever("one thread", "import os; os.sched_getaffinity = lambda process: {0}"),
    "split": Lever(
        "splits of 4 MB", "from jobs.sources import csv, json_lines; csv.SPLIT = json_lines.SPLIT = 4 * 2**20"
    ),
    "plain": Lever("no dictionaries", _writer("_is_repetitive", "lambda column: column.type != writer._TEXT")),
    "dictionary": Lever("a dictionary for each column", _writer("_is_repetitive", "lambda column: True")),
    "small": Lever("row groups of 8 MB", _writer("GROUP", "8 * 2**20")),
    "large": Lever("row groups of 192 MB", _writer("GROUP", "192 * 2**20")),
    "zstd": Lever("zstd at its default level, 3", _writer("LEVEL", "3")),
    "snappy": Lever("snappy", _writer("CODEC, writer.LEVEL", "'snappy', None")),
    "spark": Lever("by Spark on this machine", options=("--engine", "spark")),
    "stock": Lever(
        "by Spark, without class archive, C1 and serial collector",
        variables=STOCK,
        options=("--engine", "spark"),
        instead="spark",
    ),
}


def seconds(work: Path, lever: Lever, java: str) -> tuple[float, int]:
    """CPU of a day, and the bytes of Parquet in raw. Raises SystemExit where it failed."""
    shutil.rmtree(work / "lake", ignore_errors=True)
    variables = {name: value.format(java=java) for name, value in lever.variables.items()}
    code = _COMMAND.format(undone=lever.undone)
    cpu = 0.0
    for sources in [(source,) for source in FIVE] if lever.is_split else [FIVE]:
        command = [sys.executable, "-c", code, "run", "--env", str(work / "bench.toml"), "--date", str(DAYS[0])]
        command += [*lever.options, *(part for source in sources for part in ("--source", source))]
        cpu += run(command, work, clean_environment() | variables).cpu
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
        say(f"repetition {number + 1} of {repetitions}, CPU-s: {last}")
    return found


def _rows(found: dict[str, list[tuple[float, int]]]) -> list[list[str]]:
    """A line a lever: what is undone, CPU and bytes as ratios."""
    rows = []
    for name, undone in found.items():
        if name:
            as_it_is = found.get(LEVERS[name].instead, found[""])
            ratios = [one / other for (one, _), (other, _) in zip(undone, as_it_is, strict=True)]
            rows.append([LEVERS[name].text, shown(ratios), f"{undone[0][1] / as_it_is[0][1]:.2f}"])
    return rows


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
    java = spark_environment()["JAVA_HOME"] if {"spark", "stock"} & set(levers) else ""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-levers-") as folder:
        work = Path(folder)
        work.chmod(0o755)  # Postgres may run as another user
        generate(work / "sources", DAYS[:1], asked.calls, CUSTOMERS * asked.calls // 100_000)
        write_environment(work)
        with serving(work / "postgres") as server:
            server.load_web_forms(work / "sources/web_forms")
            server.write_secrets(work / "secrets")
            found = _measured(work, java, levers, asked.repetitions)
    rows, described = _rows(found), machine(load, java)
    for row in rows:
        print("  ".join(cell.rjust(36) for cell in row))
    print(described)
    if asked.save:
        kept = {"calls": asked.calls, "repetitions": asked.repetitions, "machine": described, "rows": rows}
        (FOLDER / f"levers-{asked.calls}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
