"""The run page: manifests, run reports, Bronze's counts and dbt's artifacts, put before whoever runs the platform."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from jobs.clients.location import Location
from jobs.config.environment import Environment
from jobs.contracts.source import SourceContract
from jobs.ledger.ledger import Ledger
from jobs.ledger.outcome import Outcome, RunReport
from jobs.pipeline import status
from pages import artifacts, html, rejected

RUNS_SHOWN = 60
SYMBOLS = {
    "loaded": "✓",
    "landed": "◐",
    "held": "‖",
    "unchanged": "=",
    "withdrawn": "↩",
    "retired": "□",
    "arrived": "◔",
    "not_arrived": "○",
    "not_due": "◌",
    "late": "◷",
    "refused": "✕",
    "failed": "!",
    "nothing known": "·",
    "nothing due": "",
}


@dataclass(frozen=True)
class Line:
    """A source's day in the ledger."""

    outcome: Outcome
    seconds: float | None
    log: str | None

    @property
    def state(self) -> str:
        return self.outcome.state.replace("_", " ")

    @property
    def attempt(self) -> str:
        """How the last one ended."""
        return (self.outcome.attempt or "").replace("_", " ")

    @property
    def flags(self) -> list[str]:
        named = {"corrected": self.outcome.corrected, "empty": self.outcome.empty}
        named |= {"odd volume": bool(self.outcome.odd_volume), "drift": bool(self.outcome.drift)}
        named |= {f"delivery {self.outcome.delivery}": self.outcome.delivery is not None}
        return [name for name, is_so in named.items() if is_so] + self.outcome.describe_amendment()

    @property
    def balance(self) -> str:
        """Whether it adds up: delivered = landed + rejected + suppressed, landed = Bronze."""
        outcome = self.outcome
        if outcome.rows_delivered is None or outcome.rows_landed is None or outcome.rows_rejected is None:
            return ""
        states = {"loaded": "adds up", "withdrawn": "adds up", "failed": "off: another landing's rows"}
        return outcome.imbalance or states.get(outcome.state, "not in Bronze yet")


class Notice(NamedTuple):
    """Something to look at: "bad" or "wait", what, and the section of the page that tells more."""

    how: str
    text: str
    where: str


@dataclass(frozen=True)
class Shown:
    """A run, with what its bar and its links need."""

    report: RunReport
    seconds: float
    states: dict[str, int]
    log: str | None


def page(environment: Environment, contracts: dict[str, SourceContract], out: Location, built_at: datetime) -> str:
    """The whole page; `out` is where it will lie: links to logs start from a folder, and there are none on S3."""
    reports = list(Ledger(environment.lake).read_reports())
    seconds: dict[tuple[str | None, str, date], float | None] = {
        (outcome.run_id, outcome.source, outcome.ingest_date): outcome.seconds
        for report in reports
        for outcome in report.outcomes
        if outcome.run_id == report.run_id
    }
    lines = [
        Line(
            outcome,
            seconds.get((outcome.run_id, outcome.source, outcome.ingest_date)),
            _log(environment, outcome.run_id, out),
        )
        for outcome in status.read_outcomes(environment, contracts, (), check=False)
    ]
    build = artifacts.read(environment.name, out)
    unfinished = _unfinished(environment, reports, out)
    days = _days([line.outcome.ingest_date for line in lines])
    return html.render(
        "runs.html.j2",
        environment=environment.name,
        built_at=built_at,
        symbols=SYMBOLS,
        days=days,
        months=list(Counter(f"{day:%b %Y}" for day in days).items()),
        calendar=_calendar(contracts, lines, days),
        lines=lines[::-1],
        totals=_totals(lines),
        attention=_attention(contracts, lines, build, unfinished),
        samples=rejected.samples(environment, [line.outcome for line in lines if _rejects(line.outcome)]),
        reports=[_shown(environment, report, out) for report in reports[: -RUNS_SHOWN - 1 : -1]],
        runs=len(reports),
        unfinished=unfinished,
        build=build,
    )


def _days(dates: Sequence[date]) -> list[date]:
    if not dates:
        return []
    return [min(dates) + timedelta(days=n) for n in range((max(dates) - min(dates)).days + 1)]


def _calendar(
    contracts: dict[str, SourceContract], lines: Sequence[Line], days: Sequence[date]
) -> list[tuple[str, list[tuple[date, str, Line | None]]]]:
    """By source, each day's state; a day of a daily source that no run looked at is "nothing known"."""
    line_of_day = {(line.outcome.source, line.outcome.ingest_date): line for line in lines}
    rows = []
    for name, contract in contracts.items():
        otherwise = "nothing due" if contract.static else "nothing known"
        cells = []
        for day in days:
            line, unknown = line_of_day.get((name, day)), "retired" if contract.is_retired(day) else otherwise
            cells.append((day, line.outcome.state if line else unknown, line))
        rows.append((name, cells))
    return rows


def _rejects(outcome: Outcome) -> bool:
    return bool(outcome.rows_rejected) or outcome.attempt == "refused"


def _totals(lines: Sequence[Line]) -> dict[str, int]:
    return {
        name: sum(getattr(line.outcome, name) or 0 for line in lines)
        for name in ("rows_delivered", "rows_landed", "rows_rejected", "rows_bronze")
    }


def _attention(
    contracts: dict[str, SourceContract],
    lines: Sequence[Line],
    build: artifacts.Build | None,
    unfinished: Sequence[tuple[str, str | None]],
) -> list[Notice]:
    """All that somebody should look at, the worst first."""
    arrived = {line.outcome.source for line in lines if line.outcome.rows_landed is not None}
    notices = [notice for line in lines for notice in _notices(line)]
    for node in build.troubled if build else ():
        how = "wait" if node.status in ("warn", "skipped") else "bad"
        notices.append(Notice(how, f"dbt, {node.status}: {node.name}", "dbt"))
    for source in contracts:
        if source not in arrived:
            notices.append(Notice("wait", f"{source}: nothing of it has ever landed", "calendar"))
    for run_id, _ in unfinished:
        notices.append(Notice("wait", f"run {run_id} left no report: it was killed, or is still going", "runs"))
    return sorted(notices, key=lambda notice: notice.how != "bad")


def _notices(line: Line) -> Iterator[Notice]:
    outcome, where = line.outcome, f"{line.outcome.source}, {line.outcome.ingest_date}"
    if line.balance.startswith("off"):
        yield Notice("bad", f"{where}: {line.balance}", "ledger")
    if outcome.state in ("failed", "refused"):
        yield Notice("bad", f"{where}: {line.state}: {outcome.error}", "ledger")
    elif outcome.has_failed:
        yield Notice("bad", f"{where}: {line.state}, last attempt {line.attempt}: {outcome.attempt_error}", "ledger")
    if outcome.state in ("not_arrived", "late"):
        since = f", due {outcome.due:%Y-%m-%d %H:%M} UTC" if outcome.due else ""
        yield Notice("wait", f"{where}: {line.state}{since}", "calendar")
    if outcome.delivery == "gone":
        yield Notice("wait", f"{where}: gone from its source; its rows stay until it is withdrawn", "ledger")
    if outcome.state == "held":
        yield Notice("wait", f"{where}: the correction of {outcome.waits} waits for approval", "calendar")
    if outcome.odd_volume:
        yield Notice("wait", f"{where}: {outcome.odd_volume}", "odd")
    for kind, names in outcome.drift.items():
        yield Notice("wait", f"{where}: {kind.replace('_', ' ')}: {', '.join(names)}", "odd")


def _shown(environment: Environment, report: RunReport, out: Location) -> Shown:
    return Shown(
        report,
        (report.finished_at - report.started_at).total_seconds(),
        dict(Counter((outcome.attempt or outcome.state).replace("_", " ") for outcome in report.outcomes)),
        _log(environment, report.run_id, out),
    )


def _unfinished(environment: Environment, reports: Sequence[RunReport], out: Location) -> list[tuple[str, str | None]]:
    """Runs that logged, and put no report."""
    logged = sorted(path.stem for path in environment.logs.glob("*.jsonl")) if environment.logs else []
    reported = {report.run_id for report in reports}
    return [(run_id, _log(environment, run_id, out)) for run_id in logged if run_id not in reported]


def _log(environment: Environment, run_id: str | None, out: Location) -> str | None:
    """The run's log, as a link from the page; None where page or log is not on this machine."""
    if run_id is None or environment.logs is None:
        return None
    return html.link(environment.logs / f"{run_id}.jsonl", out)
