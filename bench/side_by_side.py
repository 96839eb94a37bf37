"""The same deliveries through this platform and through what a user may pick instead, into Parquet and Bronze.

    python -m bench.side_by_side [--repetitions N] [--save] SCENARIO...

First every contender runs once, and its Bronze has to be equal to all others': rows, and a sum of hashes that knows no
order, of all columns but the metadata. Then the repetitions: each runs all contenders, one after the other, in fresh
processes, and only ratios within a repetition are compared. CPU and memory are the whole process tree's, without that
of Postgres. Exit 1: a line was missed, by the whole interval.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from bench.cpu import measured
from bench.day import (
    CUSTOMERS,
    DAYS,
    OFFLINE,
    ROOT,
    _clean_environment,
    _end,
    _machine,
    _say,
    _spark_environment,
    _write_environment,
)
from bench.results import SCENARIOS, Cost, Result, Scenario, report
from demo.faithful import Source, delivery_path, generate
from demo.postgres import serving

DAY = str(DAYS[0])
METADATA = {"_ingested_at", "_source_system", "_source_uri", "_run_id", "_rescued", "ingest_date"}
PEERS = "requirements/peers.txt"
STOCK = {"CORETELECOMS_JVM": "-XX:+UseG1GC", "SPARK_SUBMIT_OPTS": "-XX:SharedArchiveFile={java}/lib/server/classes.jsa"}


@dataclass(frozen=True)
class Bench:
    """A folder with days delivered, a Postgres that serves their web forms, and who reads them."""

    work: Path
    scenario: Scenario
    peers: str  # the Python of their environment
    postgres: str
    java: str

    @property
    def lake(self) -> Path:
        return self.work / "lake"

    def run(self, contender: str) -> Cost:
        """One fresh run. Raises SystemExit where it failed."""
        shutil.rmtree(self.lake, ignore_errors=True)
        ours = contender.startswith("ours")
        environment = _clean_environment() | (self._flags(contender) if ours else self._for_peers())
        command = self._ours(contender) if ours else self._peer(contender)
        log = self.work / "log"
        usage = measured(command, self.work / "usage.json", environment, ROOT, log)
        if usage.code:
            output = log.read_text(encoding="utf-8", errors="replace")
            raise SystemExit(f"{contender} ended with {usage.code}:\n{output[-4000:]}")
        return Cost(usage.cpu, usage.wall, usage.pss, _bytes(self.lake / "raw"), _bytes(self.lake / "bronze"))

    def _ours(self, contender: str) -> list[str]:
        last = DAYS[-1] if contender == "ours-days" else DAYS[0]
        span = ["--from", DAY, "--to", str(last)]
        sources = [part for source in self.sources_of(contender) for part in ("--source", source)]
        return [str(ROOT / "spark-submit.sh"), "run", "--env", str(self.work / "bench.toml"), *span, *sources]

    def _peer(self, tool: str) -> list[str]:
        places = [str(self.work / "sources"), str(self.lake)]
        return [self.peers, "-m", "bench.peers", tool, *places, DAY, *self.scenario.sources]

    def _flags(self, contender: str) -> dict[str, str]:
        """Stock: Java's own choice of compiler and collector on a machine of this size, and its own class archive."""
        is_stock = contender == "ours-stock"
        return {name: value.format(java=self.java) for name, value in STOCK.items()} if is_stock else {}

    def _for_peers(self) -> dict[str, str]:
        return OFFLINE | {"PEERS_POSTGRES": self.postgres, "HOME": str(self.work)}

    def sources_of(self, contender: str) -> tuple[Source, ...]:
        return ("call_logs",) if contender == "ours-one" else self.scenario.sources

    def prove_equal(self, delivered: dict[Source, int]) -> None:
        """Run each contender once. Raises SystemExit where its Bronze is not the first's, or not the delivery."""
        known: dict[Source, tuple[int, str]] = {}
        for contender in self.scenario.contenders:
            self.run(contender)
            for source in self.sources_of(contender):
                found = fingerprint(self.lake / "bronze" / source, columns_of(source))
                if found != known.setdefault(source, found) or found[0] != delivered[source]:
                    raise SystemExit(
                        f"{contender}, {source}: {found}, the first was {known[source]}, delivered {delivered[source]}"
                    )
            _say(f"equal: {contender}")


def columns_of(source: Source) -> list[str]:
    """As they land, without the metadata."""
    contract = tomllib.loads((ROOT / f"conf/sources/{source}.toml").read_text(encoding="utf-8"))
    return list(contract["columns"].values())


def fingerprint(table: Path, columns: list[str]) -> tuple[int, str]:
    """Rows of the first day, and the sum of their hashes. Raises SystemExit where metadata columns are missing."""
    files = sorted((table / f"ingest_date={DAY}").glob("*.parquet"))
    if lacking := METADATA - set(pq.read_schema(files[0]).names):
        raise SystemExit(f"{files[0]}: without {sorted(lacking)}")
    hashed = f"sum(hash({', '.join(columns)}))::VARCHAR"
    query = f"SELECT count(*), {hashed} FROM read_parquet(?, hive_partitioning = false)"
    rows, hashes = duckdb.execute(query, [[str(file) for file in files]]).fetchone() or (0, "")
    return rows, hashes


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*.parquet"))


def _measured(bench: Bench, repetitions: int) -> list[dict[str, Cost]]:
    contenders, found = bench.scenario.contenders, []
    for number in range(repetitions):
        turn = number % len(contenders)  # each repetition begins with another one
        costs = {contender: bench.run(contender) for contender in contenders[turn:] + contenders[:turn]}
        seconds = ", ".join(f"{contender} {cost.cpu:.1f}" for contender, cost in costs.items())
        _say(f"repetition {number + 1} of {repetitions}, CPU-s: {seconds}")
        found.append(costs)
    return found


def _peers_environment() -> tuple[str, str]:
    """Their Python, and their versions in words."""
    made = subprocess.run([ROOT / "setup.sh", PEERS], check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    python = made.stdout.strip()
    names = ("dlt", "pandas", "polars", "duckdb", "pyarrow")
    script = f"from importlib.metadata import version\nprint(', '.join(f'{{n}} {{version(n)}}' for n in {names}))"
    return python, subprocess.run([python, "-c", script], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def result_of(scenario: Scenario, repetitions: int) -> Result:
    """Generate, prove equal, measure."""
    spark, (peers, versions) = _spark_environment(), _peers_environment()
    load = os.getloadavg()[0]
    days = DAYS if "ours-days" in scenario.contenders else DAYS[:1]
    with tempfile.TemporaryDirectory(prefix="bench-side-") as folder:
        work = Path(folder)
        work.chmod(0o755)  # Postgres may run as another user
        _say(f"{scenario.name}: making {len(days)} days of {scenario.calls:,} calls")
        customers = CUSTOMERS * scenario.calls // 100_000
        counts = generate(work / "sources", days, scenario.calls, customers, sources=scenario.sources)["rows"]
        delivered = {source: counts[source].get(DAY) or counts[source][""] for source in scenario.sources}
        size = sum(delivery_path(work / "sources", (source, _day_of(source))).stat().st_size for source in delivered)
        _write_environment(work)
        with serving(work / "postgres") as server:
            if "web_forms" in delivered:
                server.load_web_forms(work / "sources/web_forms")
            server.write_secrets(work / "secrets")
            one = server.secrets
            login = f"{one['db_username']}:{one['db_password']}@{one['db_host']}:{one['db_port']}"
            bench = Bench(work, scenario, peers, f"postgresql://{login}/{one['db_name']}", spark["JAVA_HOME"])
            bench.prove_equal(delivered)
            found = _measured(bench, repetitions)
    machine = f"{_machine(spark['JAVA_HOME'], load)}; peers: {versions}"
    return Result(scenario.name, f"{datetime.now(UTC):%Y-%m-%d}", machine, sum(delivered.values()), size, found)


def _day_of(source: Source) -> str:
    return "" if source in ("customers", "agents") else DAY


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.side_by_side", description=__doc__)
    parser.add_argument("scenario", nargs="+", choices=SCENARIOS)
    parser.add_argument("--repetitions", type=int, help="[the scenario's own number]")
    parser.add_argument("--without", action="append", default=[], help="a contender to leave out; may be repeated")
    parser.add_argument("--save", action="store_true", help="into bench/results, for docs/benchmarks.md")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    asked = _arguments(given)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    missed = False
    for name in asked.scenario:
        scenario = SCENARIOS[name].without(asked.without)
        result = result_of(scenario, asked.repetitions or scenario.repetitions)
        text, is_missed = report(result)
        print(text, flush=True)
        missed |= is_missed
        if asked.save:
            path = ROOT / f"bench/results/{name}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
