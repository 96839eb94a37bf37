"""A build of one day over 10, 100 and 400 days of history: CPU and memory, interleaved; and by ce44c05 over the most.

    python -m bench.gold [--days 10 100 400] [--calls 10900] [--repetitions 3] [--before]

Each history is Bronze of the demo's generator, built once; then each repetition builds the next day, all of
`./dbt.sh build`, whose project is parsed already. Exit 1: a bound was missed.
"""

import argparse
import csv
import json
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

from bench.cpu import Usage, measured
from bench.results import MISSED, shown, verdict
from bench.setting import ROOT, before, clean_environment, say
from demo.faithful import delivery_path, generate
from demo.outages import outages

FIRST = date(2025, 1, 1)
DAILY, STATIC = ("call_logs", "social_media", "web_forms", "service_outages"), ("customers", "agents")
BOUND, BOUND_BEFORE = 1.25, 0.15  # of the CPU over the least history, of that of ce44c05 over the most


@dataclass(frozen=True)
class History:
    """Bronze and a warehouse file of `days` days, and whose code builds it."""

    root: Path
    days: int
    code: Path = ROOT

    def build(self, *arguments: str) -> Usage:
        places = {
            "CORETELECOMS_BRONZE": str(self.root / "bronze"),
            "CORETELECOMS_WAREHOUSE": str(self.root / "warehouse.duckdb"),
            "DBT_TARGET_PATH": str(self.root / "target"),
            "PYTHONPATH": str(self.code),
        }
        command, log = [str(self.code / "dbt.sh"), "build", *arguments], self.root / "log"
        usage = measured(command, self.root / "usage.json", clean_environment() | places, self.code, log)
        if usage.code:
            raise SystemExit(log.read_text()[-4000:])
        return usage

    def build_day(self, day: date) -> Usage:
        return self.build("--from", str(day), "--to", str(day))


def make_histories(work: Path, counts: Sequence[int], more: int, calls: int) -> list[History]:
    """Of the same days, the longest grown last; each has `more` days besides, which nobody has built."""
    found = []
    for number in range(max(counts) + more):
        day = FIRST + timedelta(number)
        generate(work / "sources", (day,), calls=calls, customers=2 * calls)
        for source in DAILY if number else (*DAILY, *STATIC):
            _land(work, source, day)
        if number + 1 - more in counts:
            history = History(work / f"{number + 1 - more}", number + 1 - more)
            shutil.copytree(work / "bronze", history.root / "bronze", copy_function=os.link)
            found.append(history)
    return found


def _land(work: Path, source: str, day: date) -> None:
    """As a run does, without its files, checks and manifest."""
    contract = tomllib.loads((ROOT / f"conf/sources/{source}.toml").read_text(encoding="utf-8"))
    rows = _delivered(work / "sources", source, day)
    metadata = {"_source_system": contract["system"], "_source_uri": source, "_run_id": str(day), "_rescued": None}
    columns = {name: rows[header] for header, name in contract["columns"].items()}
    columns |= {name: pa.array([value] * len(rows), pa.string()) for name, value in metadata.items()}
    at = datetime(day.year, day.month, day.day, 23, tzinfo=UTC)
    columns["_ingested_at"] = pa.array([at] * len(rows), pa.timestamp("us", "UTC"))
    columns["ingest_date"] = pa.array([day] * len(rows), pa.date32())
    write_deltalake(work / "bronze" / source, pa.table(columns), mode="append", partition_by=["ingest_date"])


def _delivered(sources: Path, source: str, day: date) -> pa.Table:
    """All text."""
    if source == "service_outages":
        return pa.Table.from_pylist([{key: value and str(value) for key, value in one.items()} for one in outages(day)])
    path = delivery_path(sources, (source, str(day) if source in DAILY else ""))
    if path.suffix == ".json":
        return pa.table({name: list(values.values()) for name, values in json.loads(path.read_text()).items()})
    with path.open(encoding="utf-8", newline="") as file:
        return pa.Table.from_pylist(
            [{key: value or None for key, value in row.items()} for row in csv.DictReader(file)]
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.gold", description=__doc__)
    parser.add_argument("--days", type=int, nargs="+", default=[10, 100, 400], help="[10 100 400]")
    parser.add_argument("--calls", type=int, default=10_900, help="a day, of 20,000 complaints [10900]")
    parser.add_argument("--repetitions", type=int, default=3, help="[3]")
    parser.add_argument("--before", action="store_true", help="also ce44c05, over the longest")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-gold-") as name:
        histories = make_histories(Path(name), options.days, options.repetitions, options.calls)
        if options.before and (code := before()):
            longest = histories[-1]
            root = Path(shutil.copytree(longest.root, longest.root.with_name("before"), copy_function=os.link))
            histories.append(History(root, longest.days, code))
        return _compare(histories, options.repetitions)


def _compare(histories: Sequence[History], repetitions: int) -> int:
    for history in histories:
        last = FIRST + timedelta(history.days - 1)
        usage = history.build("--from", str(FIRST), "--to", str(last))
        say(f"{history.days} days built from nothing: {usage.cpu:.0f} CPU-s, {usage.peak:,.0f} MB")
    found: list[list[Usage]] = []
    for number in range(repetitions):
        found.append([history.build_day(FIRST + timedelta(history.days + number)) for history in histories])
    for history, usages in zip(histories, zip(*found, strict=True), strict=True):
        least = min(usages, key=lambda usage: usage.cpu)
        whose = "" if history.code == ROOT else f" ({history.code.name})"
        print(f"one day over {history.days} days{whose}: {least.cpu:.1f} CPU-s at best, {least.peak:,.0f} MB")
    ours = [at for at, history in enumerate(histories) if history.code == ROOT]
    missed = _judge("the most history / the least", [one[ours[-1]].cpu / one[ours[0]].cpu for one in found], BOUND)
    if len(ours) < len(histories):
        ratios = [one[ours[-1]].cpu / one[-1].cpu for one in found]
        missed |= _judge("ours / ce44c05's over the most", ratios, BOUND_BEFORE)
    return int(missed)


def _judge(what: str, ratios: list[float], bound: float) -> bool:
    found = verdict(ratios, bound)
    print(f"{what}: {shown(ratios)}, at most {bound:g}: {found}")
    return found == MISSED


if __name__ == "__main__":
    sys.exit(main())
