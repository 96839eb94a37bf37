"""What bench.side_by_side measures, what it found, and the lines that it has to keep."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bench.day import _interval
from demo.faithful import Source

FIVE: tuple[Source, ...] = ("call_logs", "web_forms", "social_media", "customers", "agents")
PEERS = ("dlt", "dlt-arrow", "pandas", "polars", "duckdb")
FURTHER = 3  # days that "ours-days" lands besides the first
MISSED = "MISSED"
HEAP = 2048  # MB, spark-submit.sh's own choice
FOLDER = Path(__file__).with_name("results")
CONTENDERS = {
    "ours": "this platform",
    "ours-one": "this platform, call logs alone",
    "ours-days": f"this platform, {1 + FURTHER} days in one application",
    "ours-stock": "this platform, stock JVM flags",
    "dlt": "dlt, its default path",
    "dlt-arrow": "dlt, its Arrow path",
    "pandas": "pandas and psycopg2",
    "polars": "Polars",
    "duckdb": "DuckDB COPY",
}


@dataclass(frozen=True)
class Scenario:
    """A day of so many calls and of what comes with them; who reads it, how often."""

    name: str
    text: str
    calls: int
    sources: tuple[Source, ...]
    contenders: tuple[str, ...]
    repetitions: int

    def without(self, names: list[str]) -> "Scenario":
        return replace(self, contenders=tuple(name for name in self.contenders if name not in names))


# Who holds rows as Python's objects is left out of 10 million: computed from the smaller days, dlt's default path takes
# a quarter of an hour and pandas 15 GB.
_COLUMNS = tuple(name for name in PEERS if name not in ("dlt", "pandas"))
_OURS = ("ours", "ours-one", "ours-days", "ours-stock")
SCENARIOS = {
    one.name: one
    for one in (
        Scenario("day-100k", "a day of 100,000 calls, five sources", 100_000, FIVE, (*_OURS, *PEERS), 5),
        Scenario("day-1m", "a day of 1,000,000 calls, five sources", 1_000_000, FIVE, ("ours", "ours-one", *PEERS), 5),
        Scenario("calls-10m", "10,000,000 call logs", 10_000_000, ("call_logs",), ("ours", *_COLUMNS), 3),
    )
}


@dataclass(frozen=True)
class Cost:
    """Of one run: seconds of CPU and of the clock, MB held at most by all processes, bytes of Parquet left."""

    cpu: float
    wall: float
    pss: float
    raw: int
    bronze: int


@dataclass(frozen=True)
class Result:
    """Of a scenario: `rows` and `size` (bytes; of web forms as their CSV) delivered, and each repetition's costs."""

    scenario: str
    date: str
    machine: str
    rows: int
    size: int
    repetitions: list[dict[str, Cost]]

    @property
    def contenders(self) -> list[str]:
        return [name for name in CONTENDERS if name in self.repetitions[0]]

    def of(self, contender: str, field: str) -> list[float]:
        """One number of each repetition."""
        return [float(getattr(costs[contender], field)) for costs in self.repetitions]

    def ratios(self, one: str, other: str, field: str = "cpu") -> list[float]:
        """Repetition by repetition."""
        return [a / b for a, b in zip(self.of(one, field), self.of(other, field), strict=True)]


@dataclass(frozen=True)
class Line:
    """`values` of a result, one a repetition, have to be at most `bound`; `known`: where it says why they are not."""

    scenario: str
    text: str
    bound: float
    needs: tuple[str, ...]
    values: Callable[[Result], list[float]]
    known: str = ""

    def verdict(self, values: list[float]) -> str:
        found = verdict(values, self.bound)
        return f"missed: {self.known}" if self.known and found == MISSED else found


def verdict(values: list[float], bound: float) -> str:
    """Missed only where the whole interval is past the line."""
    low, high, _ = _interval(values)
    if low > bound:
        return MISSED
    return "kept" if high <= bound else "open: the line is within the interval"


def _further(result: Result) -> list[float]:
    return [(ratio - 1) / FURTHER for ratio in result.ratios("ours-days", "ours")]


def _memory(result: Result) -> list[float]:
    return [held / (HEAP + 900) for held in result.of("ours", "pss")]


def _ratio(one: str, other: str) -> Callable[[Result], list[float]]:
    return lambda result: result.ratios(one, other)


LINES = (
    Line("day-100k", "a lone day / dlt's default, CPU", 1.0, ("ours", "dlt"), _ratio("ours", "dlt")),
    Line(
        "day-100k",
        "a lone day / stock JVM flags, CPU",
        0.5,
        ("ours", "ours-stock"),
        _ratio("ours", "ours-stock"),
        "see below",
    ),
    Line("day-100k", "five sources / one, CPU", 1.5, ("ours", "ours-one"), _ratio("ours", "ours-one"), "see below"),
    Line("day-100k", "a further day / a lone one, CPU", 0.15, ("ours", "ours-days"), _further, "decision 4"),
    Line(
        "calls-10m", "10M call logs / DuckDB, CPU", 1 / 0.45, ("ours", "duckdb"), _ratio("ours", "duckdb"), "see below"
    ),
    Line("calls-10m", "memory / (heap + 0.9 GB)", 1.0, ("ours",), _memory),
)


def lines_of(result: Result) -> list[tuple[Line, list[float]]]:
    """The lines that this result can tell of, with their values."""
    asked = [line for line in LINES if line.scenario == result.scenario]
    return [(line, line.values(result)) for line in asked if set(line.needs) <= set(result.contenders)]


def shown(values: list[float]) -> str:
    """Median and interval."""
    low, high, _ = _interval(values)
    return f"{median(values):.2f} ({low:.2f}-{high:.2f})"


def rows_of(result: Result) -> list[list[str]]:
    """A line a contender, medians as in `HEADER`."""
    found = []
    for name in result.contenders:
        cpu = median(result.of(name, "cpu"))
        numbers = (f"{cpu:.1f}", f"{median(result.of(name, 'wall')):.1f}", f"{median(result.of(name, 'pss')):,.0f}")
        written = f"{median(result.of(name, 'raw')) / 2**20:,.1f}"
        found.append(
            [CONTENDERS[name], *numbers, written, "" if name == "ours" else shown(result.ratios("ours", name))]
        )
    return found


HEADER = ["", "CPU-s", "wall s", "memory MB", "raw MB", "our CPU / theirs"]


def report(result: Result) -> tuple[str, bool]:
    """The result as text, and whether a line was missed that was not known to be."""
    text = [f"{result.scenario}: {result.rows:,} rows, {result.size / 2**20:,.0f} MB delivered; {result.machine}"]
    text += ["  ".join(cell.rjust(16) for cell in row) for row in [HEADER, *rows_of(result)]]
    missed = False
    for line, values in lines_of(result):
        found = line.verdict(values)
        missed |= found == MISSED
        text.append(f"{line.text}: {shown(values)}, at most {line.bound:.2f}: {found}")
    return "\n".join(text), missed


def saved() -> list[Result]:
    """Those of bench/results, in the order of the scenarios."""
    found = []
    for name in SCENARIOS:
        path = FOLDER / f"{name}.json"
        if path.exists():
            given = json.loads(path.read_text(encoding="utf-8"))
            costs = [{name: Cost(**cost) for name, cost in one.items()} for one in given.pop("repetitions")]
            found.append(Result(**given, repetitions=costs))
    return found
