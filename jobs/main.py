"""The command line: `STEP [--date D | --from D --to D] [--source S]... [--env E]`."""

import argparse
import contextlib
import os
import re
import stat
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NoReturn

from jobs import logs, status
from jobs.errors import PlatformError, RunError
from jobs.ledger import Outcome, RunReport, new_run_id
from jobs.load import for_dbt, renewal
from jobs.settings import ENGINES, load_contracts, load_environment

STEPS = {
    "ingest": "land what is missing or corrected in the lake",
    "load": "load what has landed into Bronze",
    "run": "ingest, then load, in one application",
    "status": "the ledger: what was delivered, landed, rejected and loaded",
    "check": "is all configuration valid?",
    "dbt": "run a command with what dbt needs here as variables, key or token among them: for dbt.sh",
}
EX_USAGE = 64
_ENGINE = "who reads the deliveries: threads of this process, or Spark [auto: by --master and size]"
_KEY = {"status": "what the run that was given this key reported; 75: it has not"}
_COLUMNS = ("source", "day", "state", "delivered", "landed", "rejected", "bronze", "seconds")
_JSON = (
    *("source", "ingest_date", "state", "corrected", "run_id"),
    *("bytes_delivered", "rows_delivered", "rows_landed", "rows_rejected", "rows_bronze"),
    *("empty", "odd_volume", "drift"),
    *("error", "error_kind", "retry_helps", "exit_code"),
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(EX_USAGE, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step; returns the exit code (sysexits)."""
    _own_stderr()
    parser = _parser()
    asked = parser.parse_args(arguments)
    days = _days(parser, asked)
    try:
        return _step(asked, days)
    except PlatformError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _own_stderr() -> None:
    """spark-submit pours a Python driver's stderr into its own stdout; take back the stderr it was started with."""
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        with contextlib.suppress(OSError):  # no /proc, or a socket: then both stay one
            out, err = (Path(f"/proc/{os.getppid()}/fd/{number}") for number in (1, 2))
            if stat.S_ISREG(err.stat().st_mode) and out.samefile(err):
                return  # one file for both: opened twice, they would write over each other
            theirs = os.open(err, os.O_WRONLY | os.O_APPEND)
            os.dup2(theirs, sys.stderr.fileno())
            os.close(theirs)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="spark-submit.sh",
        description="Exit codes: 0 all landed, 64 usage, 65 a source contract broken, 69 a service down, "
        "70 anything else, 75 not arrived (try later), 78 configuration.",
        epilog="--master URL (spark-submit.sh takes it for itself): on a Spark cluster, as spark://host:7077.",
    )
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP", parser_class=_Parser)
    for name, text in STEPS.items():
        step = steps.add_parser(name, help=text, description=text)
        step.add_argument("--env", default="local", metavar="NAME", help="of conf/env, or a .toml file [local]")
        if name == "dbt":
            step.add_argument("command", nargs="+", metavar="COMMAND", help="and its arguments, after --")
        step.add_argument("--source", action="append", default=[], metavar="S", help="only this one; may be repeated")
        if name in ("check", "dbt"):
            continue
        step.add_argument("--date", type=date.fromisoformat, metavar="D", help="one day, as 2025-11-20")
        step.add_argument("--from", dest="first", type=date.fromisoformat, metavar="D", help="first day of a range")
        step.add_argument("--to", dest="last", type=date.fromisoformat, metavar="D", help="last day of a range")
        step.add_argument("--json", action="store_true", help="an object a line instead of the table")
        step.add_argument("--key", type=_key, metavar="K", help=_KEY.get(name, "to know the run by later"))
        if name == "status":
            step.add_argument("--check", action="store_true", help="look at the sources too; 75: something is missing")
        else:
            if name != "load":
                step.add_argument("--engine", choices=ENGINES, default="auto", help=_ENGINE)
            step.add_argument("--replay", action="store_true", help="anew, even where nothing changed")
    return parser


def _key(text: str) -> str:
    """The tail of a run's id, and with it of file names."""
    if not re.fullmatch("[a-z0-9]{4,40}", text):
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed are 4 to 40 of a-z and 0-9")
    return text


def _days(parser: argparse.ArgumentParser, asked: argparse.Namespace) -> list[date]:
    """The days asked for, in order; none for `check` and `dbt`, and for `status` where none was named."""
    if asked.step in ("check", "dbt"):
        return []
    first, last = asked.date or asked.first, asked.date or asked.last
    if (asked.date and (asked.first or asked.last)) or bool(first) != bool(last):
        parser.error("name the day by --date D, or a range by --from D and --to D")
    if first is None:
        if asked.step != "status" or asked.check:
            parser.error(f"{asked.step}: which day? --date D, or --from D --to D")
        return []
    if last < first:
        parser.error(f"--to {last} is before --from {first}")
    return [first + timedelta(days=day) for day in range((last - first).days + 1)]


def _step(asked: argparse.Namespace, days: list[date]) -> int:
    environment = load_environment(asked.env)
    contracts = load_contracts(environment, tuple(asked.source))
    if asked.step == "check":
        print(f"environment {environment.name} and {len(contracts)} source contracts are valid: {', '.join(contracts)}")
        return 0
    if asked.step == "dbt":
        variables = for_dbt(environment, contracts.values()) | renewal(environment)
        os.execvpe(asked.command[0], asked.command, os.environ | variables)  # noqa: S606 - dbt.sh is what dbt.sh asks for
    if asked.step == "status":
        if asked.key:
            _show(status.reported(environment, asked.key), asked.json)
            return 0
        outcomes = status.outcomes(environment, contracts, days, asked.check)
        _show(outcomes, asked.json)
        missing = asked.check and any(outcome.state == "not_arrived" for outcome in outcomes)
        return 75 if missing else 0
    # Only here: what needs no Spark must answer at once.
    from jobs.run import Run, execute
    from jobs.session import Session, configuration, jars

    run_id = new_run_id(asked.key)
    log = logs.start(environment.logs, run_id)
    session = Session(f"coretelecoms {asked.step} {run_id}", configuration(environment), jars(environment))
    try:
        engine = getattr(asked, "engine", "auto")
        report = execute(Run(environment, contracts, days, run_id, asked.step, asked.replay, engine), session)
    finally:
        session.stop()
    _show(report.outcomes, asked.json)
    _show_drift(report.outcomes)
    if log:
        print(f"run {run_id}, log {log}", file=sys.stderr)
    if report.exit_code:
        raise RunError(_what_did_not_land(report), report.exit_code)
    return 0


def _what_did_not_land(report: RunReport) -> str:
    missing = [outcome for outcome in report.outcomes if outcome.exit_code]
    lines = [f"  {outcome.source} {outcome.ingest_date} {outcome.state}: {outcome.error}" for outcome in missing]
    return "\n".join([f"{len(missing)} of {len(report.outcomes)} did not land (exit {report.exit_code}):", *lines])


def _show(outcomes: Sequence[Outcome], as_json: bool) -> None:
    if as_json:
        for outcome in outcomes:
            print(outcome.model_dump_json(include=set(_JSON)))
        return
    rows = [_COLUMNS, *(_cells(outcome) for outcome in outcomes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    for row in rows:
        texts = [
            cell.ljust(width) if column < 3 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(texts).rstrip())


def _show_drift(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        for kind, names in outcome.drift.items():
            what = f"{kind.replace('_', ' ')}: {', '.join(names)}"
            print(f"{outcome.source} {outcome.ingest_date} {what}", file=sys.stderr)


def _cells(outcome: Outcome) -> tuple[str, ...]:
    counts = (outcome.rows_delivered, outcome.rows_landed, outcome.rows_rejected, outcome.rows_bronze)
    flags = [flag for flag in ("corrected", "empty") if getattr(outcome, flag)]
    flags += ["odd volume"] * bool(outcome.odd_volume) + ["drift"] * bool(outcome.drift)
    return (
        outcome.source,
        str(outcome.ingest_date),
        outcome.state + (f" ({', '.join(flags)})" if flags else ""),
        *("" if count is None else f"{count:,}" for count in counts),
        "" if outcome.seconds is None else f"{outcome.seconds:.1f}",
    )


if __name__ == "__main__":
    sys.exit(main())
