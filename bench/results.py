"""What bench.side_by_side measures, what it found, and the lines that it has to keep."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import comb
from pathlib import Path
from statistics import median

from demo.faithful import Source

FIVE: tuple[Source, ...] = ("call_logs", "web_forms", "social_media", "customers", "agents")
CALLS: tuple[Source, ...] = ("call_logs",)
PEERS = ("dlt", "dlt-arrow", "pandas", "polars", "duckdb")
FURTHER = 3  # days that "ours-days" lands besides the first
MISSED = "MISSED"
FOLDER = Path(__file__).with_name("results")
CONTENDERS = {
    "ours": "this platform",
    "ours-days": f"this platform, {1 + FURTHER} days in one run",
    "before": "this platform at ce44c05, rows by Spark",
    "dlt": "dlt, its default path",
    "dlt-arrow": "dlt, its Arrow path",
    "pandas": "pandas and psycopg2",
    "polars": "Polars",
    "duckdb": "DuckDB COPY",
}


@dataclass(frozen=True)
class Scenario:
    """Days of so many calls and of what comes with them; who reads them, how often.

    `is_demo`: six sources, as `make demo` has them: agents as a sheet, outages by a REST API.
    """

    name: str
    text: str
    calls: int
    customers: int
    sources: tuple[Source, ...]
    contenders: tuple[str, ...]
    repetitions: int
    days: int = 1
    is_demo: bool = False

    def without(self, names: Sequence[str]) -> "Scenario":
        return replace(self, contenders=tuple(name for name in self.contenders if name not in names))


# Who holds rows as Python's objects is left out of 10 million: computed from the smaller days, dlt's default path takes
# a quarter of an hour and pandas 15 GB.
_COLUMNS = tuple(name for name in PEERS if name not in ("dlt", "pandas"))
_BOTH = ("ours", "before")
SCENARIOS = {
    one.name: one
    for one in (
        Scenario(
            *("day-100k", "a day of 100,000 calls, five sources", 100_000, 20_000),
            *(FIVE, ("ours", "ours-days", "before", *PEERS), 5),
        ),
        Scenario(
            *("day-1m", "a day of 1,000,000 calls, five sources", 1_000_000, 200_000),
            *(FIVE, (*_BOTH, "dlt-arrow", "pandas", "polars", "duckdb"), 5),
        ),
        Scenario("calls-1m", "1,000,000 call logs", 1_000_000, 1, CALLS, ("ours", "polars", "duckdb"), 3),
        Scenario("calls-10m", "10,000,000 call logs", 10_000_000, 1, CALLS, (*_BOTH, *_COLUMNS), 3),
        Scenario(
            *("customers", "2,500,000 customers, a line end in each", 1, 2_500_000),
            *(("customers",), ("ours", "dlt-arrow", "polars", "duckdb"), 3),
        ),
        Scenario(
            *("demo", "`make demo`'s run: four days of 20,000 calls, six sources", 20_000, 50_000),
            *(FIVE, _BOTH, 3, 1 + FURTHER, True),
        ),
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

    def verdict(self, values: Sequence[float]) -> str:
        found = verdict(values, self.bound)
        return f"missed: {self.known}" if self.known and found == MISSED else found


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The interval of the median by order statistics, at least 95 % where so few values can give it; its coverage."""
    ordered, number = sorted(values), len(values)

    def coverage(cut: int) -> float:
        return 1.0 - 2.0 * sum(comb(number, below) for below in range(cut + 1)) / 2.0**number

    cut = max((cut for cut in range((number + 1) // 2) if coverage(cut) >= 0.95), default=0)
    return ordered[cut], ordered[number - 1 - cut], coverage(cut)


def verdict(values: Sequence[float], bound: float) -> str:
    """Missed only where the whole interval is past the line."""
    low, high, _ = interval(values)
    if low > bound:
        return MISSED
    return "kept" if high <= bound else "open: the line is within the interval"


def shown(values: Sequence[float]) -> str:
    """Median and interval."""
    low, high, _ = interval(values)
    return f"{median(values):.2f} ({low:.2f}-{high:.2f})"


def _cpu(scenario: str, other: str, bound: float, known: str = "") -> Line:
    text = f"{SCENARIOS[scenario].text} / {CONTENDERS[other]}, CPU"
    return Line(scenario, text, bound, ("ours", other), lambda result: result.ratios("ours", other), known)


def _memory(scenario: str, bound: float = 1.3) -> Line:
    text = f"{SCENARIOS[scenario].text} / Polars, memory"
    return Line(scenario, text, bound, ("ours", "polars"), lambda result: result.ratios("ours", "polars", "pss"))


def _further(of: str, bound: float) -> Line:
    """A further day's CPU in the same run, of a lone one's by `of`."""

    def values(result: Result) -> list[float]:
        all_days, lone, other = (result.of(name, "cpu") for name in ("ours-days", "ours", of))
        return [(days - one) / FURTHER / theirs for days, one, theirs in zip(all_days, lone, other, strict=True)]

    whose = "a lone one" if of == "ours" else "a lone one at ce44c05"
    return Line("day-100k", f"a further day of 100,000 calls / {whose}, CPU", bound, ("ours", "ours-days", of), values)


# The lines were drawn when no environment here was compiled, so that each start compiled a thousand modules.
_COMPILED = "their environment is compiled too, which took more than half of their CPU (decision 8)"
LINES = (
    _cpu("day-100k", "duckdb", 1.15),
    _cpu("day-100k", "dlt-arrow", 0.3, _COMPILED),
    _cpu("day-100k", "pandas", 0.5, _COMPILED),
    _cpu("day-100k", "polars", 1.1),
    _further("ours", 0.8),
    _further("before", 0.15),
    _memory("day-100k"),
    _cpu("day-1m", "polars", 0.95),
    _cpu("day-1m", "duckdb", 1.0),
    _memory("day-1m"),
    _memory("calls-1m"),
    _cpu("calls-10m", "duckdb", 0.85),
    _memory("calls-10m"),
    _memory("customers"),
    _cpu("demo", "before", 0.3),
)
FLAT = 1.25  # memory of ten times the rows


def lines_of(result: Result) -> list[tuple[Line, list[float]]]:
    """The lines that this result can tell of, with their values."""
    asked = [line for line in LINES if line.scenario == result.scenario]
    return [(line, line.values(result)) for line in asked if set(line.needs) <= set(result.contenders)]


def across(results: Sequence[Result]) -> list[tuple[Line, list[float]]]:
    """The line that takes two scenarios: memory does not grow with the rows."""
    by_name = {result.scenario: result for result in results}
    if not {"calls-1m", "calls-10m"} <= set(by_name):
        return []
    large, small = by_name["calls-10m"].of("ours", "pss"), by_name["calls-1m"].of("ours", "pss")
    ratios = [one / other for one, other in zip(large, small, strict=False)]
    line = Line("calls-10m", "10,000,000 call logs / 1,000,000, memory", FLAT, ("ours",), lambda _: ratios)
    return [(line, ratios)]


HEADER = ["", "CPU-s", "wall s", "memory MB", "raw MB", "our CPU / theirs"]


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


def told(lines: Sequence[tuple[Line, list[float]]]) -> tuple[list[str], bool]:
    """Each line in words, and whether one was missed that was not known to be."""
    found = [(line, values, line.verdict(values)) for line, values in lines]
    text = [f"{line.text}: {shown(values)}, at most {line.bound:.2f}: {word}" for line, values, word in found]
    return text, any(word == MISSED for *_, word in found)


def report(result: Result) -> tuple[str, bool]:
    """The result as text, and whether a line was missed that was not known to be."""
    head = f"{result.scenario}: {result.rows:,} rows, {result.size / 2**20:,.0f} MB delivered; {result.machine}"
    table = ["  ".join(cell.rjust(16) for cell in row) for row in [HEADER, *rows_of(result)]]
    lines, is_missed = told(lines_of(result))
    return "\n".join([head, *table, *lines]), is_missed


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
