"""The same deliveries through this platform and through what a user may pick instead, into Parquet and Bronze.

    python -m bench.side_by_side [--repetitions N] [--save] SCENARIO...

First every contender runs once, and its Bronze has to be equal to all others': rows, and a sum of hashes that knows no
order, of all columns but the metadata. Then the repetitions: each runs all contenders, one after the other, in fresh
processes, and only ratios within a repetition are compared. CPU and memory are the whole process tree's, without that
of Postgres and other servers. Exit 1: a line was missed, by the whole interval.
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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from bench.results import FOLDER, FURTHER, SCENARIOS, Cost, Result, Scenario, across, report, told
from bench.setting import DAYS, OFFLINE, ROOT, before, clean_environment, end, machine, run, say, write_environment
from demo import services
from demo.faithful import Source, delivery_path, generate
from demo.postgres import serving

DAY = str(DAYS[0])
METADATA = {"_ingested_at", "_source_system", "_source_uri", "_run_id", "_rescued", "ingest_date"}
PEERS = "requirements/peers.txt"


@dataclass(frozen=True)
class Bench:
    """A folder with days delivered, servers of what else is read, and who reads them.

    `peers`: the Python of their environment; `before`: where the code lies that this one is compared with.
    """

    work: Path
    scenario: Scenario
    peers: str
    postgres: str
    before: Path | None

    @property
    def lake(self) -> Path:
        return self.work / "lake"

    def run(self, contender: str) -> Cost:
        """One fresh run. Raises SystemExit where it failed."""
        shutil.rmtree(self.lake, ignore_errors=True)
        if contender == "before" and self.before:
            environment = clean_environment() | {"PYTHONPATH": str(self.before)}
            usage = run(self._ours(contender, self.before), self.work, environment, self.before)
        elif contender.startswith("ours"):
            usage = run(self._ours(contender, ROOT), self.work, clean_environment())
        else:
            usage = run(self._peer(contender), self.work, clean_environment() | self._for_peers())
        return Cost(usage.cpu, usage.wall, usage.pss, _bytes(self.lake / "raw"), _bytes(self.lake / "bronze"))

    def _ours(self, contender: str, root: Path) -> list[str]:
        last = DAYS[FURTHER if contender == "ours-days" else self.scenario.days - 1]
        span = ["--from", DAY, "--to", str(last)]
        only = [] if self.scenario.is_demo else [part for one in self.scenario.sources for part in ("--source", one)]
        environment = str(self.work / f"{'before' if contender == 'before' else 'bench'}.toml")
        return [str(root / "spark-submit.sh"), "run", "--env", environment, *span, *only]

    def _peer(self, tool: str) -> list[str]:
        places = [str(self.work / "sources"), str(self.lake)]
        return [self.peers, "-m", "bench.peers", tool, *places, DAY, *self.scenario.sources]

    def _for_peers(self) -> dict[str, str]:
        return OFFLINE | {"PEERS_POSTGRES": self.postgres, "HOME": str(self.work)}

    def prove_equal(self, delivered: dict[Source, int]) -> None:
        """Run each contender once. Raises SystemExit where its Bronze is not the first's, or not the delivery."""
        known: dict[Source, tuple[int, str]] = {}
        for contender in self.scenario.contenders:
            self.run(contender)
            for source in self.scenario.sources:
                found = fingerprint(self.lake / "bronze" / source, columns_of(source))
                if found != known.setdefault(source, found) or found[0] != delivered[source]:
                    raise SystemExit(
                        f"{contender}, {source}: {found}, the first was {known[source]}, delivered {delivered[source]}"
                    )
            say(f"equal: {contender}")


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
        say(f"repetition {number + 1} of {repetitions}, CPU-s: {seconds}")
        found.append(costs)
    return found


def _peers_environment() -> tuple[str, str]:
    """Their Python, and their versions in words."""
    made = subprocess.run([ROOT / "setup.sh", PEERS], check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    python = made.stdout.strip()
    names = ("dlt", "pandas", "polars", "duckdb", "pyarrow")
    script = f"from importlib.metadata import version\nprint(', '.join(f'{{n}} {{version(n)}}' for n in {names}))"
    return python, subprocess.run([python, "-c", script], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


@contextmanager
def _delivered(work: Path, scenario: Scenario, old: Path | None) -> Iterator[str]:
    """Environments in `work`, for this code and the `old`, and servers of what is no file; the database's address."""
    with (
        serving(work / "postgres") as server,
        services.serving(partial(services.agents_of, work / "sources")) as web,
    ):
        if "web_forms" in scenario.sources:
            server.load_web_forms(work / "sources/web_forms")
        if scenario.is_demo:
            web.write_secrets(work / "secrets/services")
            server.write_secrets(work / "secrets/database")
            for name in ("bench", "before") if old else ("bench",):
                _write_demo_environment(work / f"{name}.toml", work)
        else:
            server.write_secrets(work / "secrets")
            write_environment(work)
            if old:
                write_environment(work, "before.toml", old)
        one = server.secrets
        login = f"{one['db_username']}:{one['db_password']}@{one['db_host']}:{one['db_port']}"
        yield f"postgresql://{login}/{one['db_name']}"


def _write_demo_environment(file: Path, work: Path) -> None:
    """The embedded one, with its folders in `work`; source contracts are those of the code that reads it."""
    file.write_text((ROOT / "conf/env/local.toml").read_text(encoding="utf-8").replace(".local/", f"{work}/"))


def result_of(scenario: Scenario, repetitions: int) -> Result:
    """Generate, prove equal, measure."""
    peers, versions = _peers_environment()
    old = before() if "before" in scenario.contenders else None
    scenario = scenario if old else scenario.without(["before"])
    load = os.getloadavg()[0]
    days = DAYS if "ours-days" in scenario.contenders else DAYS[: scenario.days]
    with tempfile.TemporaryDirectory(prefix="bench-side-") as folder:
        work = Path(folder)
        work.chmod(0o755)  # Postgres may run as another user
        say(f"{scenario.name}: making {len(days)} days of {scenario.calls:,} calls")
        made = ("customers", "agents") if scenario.is_demo else ()
        sources = {*scenario.sources, *made}
        counts = generate(work / "sources", days, scenario.calls, scenario.customers, sources=sources)["rows"]
        delivered = {source: counts[source].get(DAY) or counts[source][""] for source in scenario.sources}
        size = sum(delivery_path(work / "sources", (source, _day_of(source))).stat().st_size for source in delivered)
        with _delivered(work, scenario, old) as postgres:
            bench = Bench(work, scenario, peers, postgres, old)
            bench.prove_equal(delivered)
            found = _measured(bench, repetitions)
    described = f"{machine(load)}; peers: {versions}"
    return Result(scenario.name, f"{datetime.now(UTC):%Y-%m-%d}", described, sum(delivered.values()), size, found)


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
        signal.signal(number, end)
    missed, results = False, []
    for name in asked.scenario:
        scenario = SCENARIOS[name].without(asked.without)
        results.append(result_of(scenario, asked.repetitions or scenario.repetitions))
        text, is_missed = report(results[-1])
        print(text, flush=True)
        missed |= is_missed
        if asked.save:
            FOLDER.mkdir(exist_ok=True)
            kept = json.dumps(asdict(results[-1]), indent=1) + "\n"
            (FOLDER / f"{name}.json").write_text(kept, encoding="utf-8")
    lines, is_missed = told(across(results))
    print("\n".join(lines), flush=True)
    return int(missed or is_missed)


if __name__ == "__main__":
    sys.exit(main())
