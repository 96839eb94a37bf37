"""The command line: `STEP [--date D | --from D --to D] [--source S]... [--env E]`, parsed once, here."""

import argparse
import getpass
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NoReturn

from jobs.engines import ENGINES

COMMANDS = {
    "ingest": "land what is missing or corrected in the lake",
    "load": "load what has landed into Bronze",
    "run": "ingest, then load, in one application",
    "status": "the ledger: what was delivered, landed, rejected and loaded",
    "diff": "what a correction changes, row by row: of a day's two newest landings, or of its delivery",
    "approve": "a correction that is held counts from now on; the next load, or run, publishes it",
    "discard": "a correction that is held never counts",
    "check": "is all configuration valid?",
    "contract": "a source contract as one of the Open Data Contract Standard, v3.1, and back: export, import",
    "adopt": "a source contract, Silver's model and a fixture, drafted from deliveries",
    "dbt": "what ./dbt.sh does; or, after --, a command with what dbt needs as variables, key or token among them",
}
ON_SPARK = ("ingest", "load", "run")  # where a --master is given; for the others it changes nothing
OF_ONE_DAY = ("diff", "approve", "discard")
EX_USAGE = 64
_ENGINE = "who reads the deliveries: threads of this process, or Spark [auto: by --master and size]"
_MASTER = "of Spark, as spark://host:7077 or local[2]: its own spark-submit starts the step"
_REBUILD = "Bronze anew from all that has landed, static sources on each day; without days: of every day"
_RECOUNT = "count deliveries, files, Bronze and Silver anew, and believe nothing; 65: something does not add up"
_WITHDRAW = "what is gone from its source counts no more: of these days no row stays in Bronze"
_WHO = "who says so [this user]"
_TELL = "with --json the notice that a day is late, or has come in the end: each once, to whoever asks first"
_GAPS = "days of the range of which nothing has landed; 75: there are some"
_DELIVERY = "a file or folder below sources, s3://, table:NAME, sheet:ID/WORKSHEET or https://; several: of one feed"
_ANSWER = "to a question that it asks, or an assumption that it makes; may be repeated"
_KEY = {"status": "what the run that was given this key reported; 75: it has not"}


@dataclass(frozen=True)
class Arguments:
    """What was asked for; `days` in order, none for `check` and `dbt`, and for `status` and a rebuild
    where none was named.

    `environment`: for `dbt` none where none was named, and the variables count; `key`: the tail of a run's id;
    `master`: Spark's; `words`: all of them as they were given; `of_dbt`: those that are not ours to understand.
    """

    command: str
    environment: str
    words: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    days: tuple[date, ...] = ()
    is_json: bool = False
    key: str | None = None
    is_check: bool = False
    is_plan: bool = False
    engine: str = "auto"
    replay: bool = False
    master: str = ""
    of_dbt: tuple[str, ...] = ()
    is_rebuild: bool = False
    is_recount: bool = False
    withdrawn_by: str = ""
    max_bytes: int | None = None
    max_cost: float | None = None
    is_of_gaps: bool = False
    is_told_once: bool = False
    is_of_delivery: bool = False
    runs: tuple[str, ...] = ()
    who: str = ""
    why: str = ""
    places: tuple[str, ...] = ()
    name: str = ""
    is_update: bool = False
    is_import: bool = False
    answers: tuple[tuple[str, str], ...] = ()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(EX_USAGE, f"{self.prog}: {message}\n")


def parse(arguments: Sequence[str] | None = None) -> Arguments:
    """Of `sys.argv` where none are given; ends with 64, and the usage, where they make no sense."""
    parser = _make_parser()
    words = tuple(sys.argv[1:] if arguments is None else arguments)
    found, unknown = parser.parse_known_args(words)
    _check_unknown(parser, found.command, unknown)
    given = vars(found)
    if given["command"] in OF_ONE_DAY and (given["date"] is None or len(given["source"]) != 1):
        parser.error(f"{given['command']}: of which day and source? --date D --source S")
    if given.get("withdraw") and given.get("replay"):
        parser.error("--withdraw and --replay: what is gone cannot land anew")
    return Arguments(
        command=given["command"],
        environment=given["env"],
        words=words,
        sources=tuple(given.get("source", ())),
        days=_parse_days(parser, given),
        is_json=given.get("json", False),
        key=given.get("key"),
        is_check=given.get("check", False),
        is_plan=given.get("plan", False),
        engine=given.get("engine", "auto"),
        replay=given.get("replay", False),
        master=given["master"],
        of_dbt=tuple(unknown),
        is_rebuild=given.get("rebuild", False),
        is_recount=given.get("recount", False),
        withdrawn_by=(given.get("who") or _find_user()) if given.get("withdraw") else "",
        is_of_delivery=given.get("delivery", False),
        runs=tuple(given.get("run") or ()),
        who=(given.get("who") or _find_user()) if given["command"] in OF_ONE_DAY else "",
        why=given.get("why") or "",
        is_of_gaps=given.get("gaps", False),
        is_told_once=given.get("tell", False),
        max_bytes=given.get("max_bytes"),
        max_cost=given.get("max_cost"),
        places=tuple(given.get("places", ())),
        name=given.get("name") or given.get("update") or "",
        is_update=bool(given.get("update")),
        is_import=given.get("action") == "import",
        answers=tuple(given.get("answer", ())),
    )


def _check_unknown(parser: argparse.ArgumentParser, command: str, unknown: list[str]) -> None:
    """What is not ours is dbt's, or nobody's."""
    if unknown and command != "dbt":
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if unknown == ["--"]:
        parser.error("dbt: which COMMAND, after --?")


def _make_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="spark-submit.sh",
        description="Exit codes: 0 all landed, 64 usage, 65 a source contract broken, 69 a service down, "
        "70 anything else, 75 try later (not arrived, superseded by a newer run), 78 configuration.",
    )
    parser.add_argument("--master", default="", metavar="URL", help=_MASTER)
    commands = parser.add_subparsers(dest="command", required=True, metavar="STEP", parser_class=_Parser)
    for name, text in COMMANDS.items():
        if name == "dbt":  # whose own parser, in its own environment, understands the rest, -h among it
            of_dbt = commands.add_parser(name, help=text, prog="dbt.sh", add_help=False, allow_abbrev=False)
            of_dbt.add_argument("--env", default="", metavar="NAME")
        else:
            _add_options(commands.add_parser(name, help=text, description=text), name)
    return parser


def _add_options(command: argparse.ArgumentParser, name: str) -> None:
    command.add_argument("--env", default="local", metavar="NAME", help="of conf/env, or a .toml file [local]")
    if name in ("adopt", "contract"):
        (_add_adoption if name == "adopt" else _add_exchange)(command)
        return
    command.add_argument("--source", action="append", default=[], metavar="S", help="only this; may be repeated")
    # Before the step or after it, as with Spark's own; a default of the latter would undo the former.
    master_help = _MASTER if name in ON_SPARK else argparse.SUPPRESS
    command.add_argument("--master", default=argparse.SUPPRESS, metavar="URL", help=master_help)
    if name in OF_ONE_DAY:
        _add_day(command, name)
    elif name != "check":
        _add_days(command, name)


def _add_day(command: argparse.ArgumentParser, name: str) -> None:
    command.add_argument("--date", type=date.fromisoformat, metavar="D", help="the day, as 2025-11-20")
    if name == "diff":
        command.add_argument("--run", action="append", metavar="R", help="whose landing; twice [the two newest]")
        command.add_argument("--delivery", action="store_true", help="as it is now, against what counts; nothing lands")
        command.add_argument("--json", action="store_true", help="an object instead of the tables")
    else:
        command.add_argument("--who", metavar="NAME", help=_WHO)
        command.add_argument("--why", metavar="TEXT", help="kept in the ledger with the decision")


def _add_adoption(command: argparse.ArgumentParser) -> None:
    command.add_argument("places", nargs="+", metavar="DELIVERY", help=_DELIVERY)
    of_source = command.add_mutually_exclusive_group(required=True)
    of_source.add_argument("--name", type=_parse_name, metavar="N", help="of the new source, as refunds")
    of_source.add_argument("--update", type=_parse_name, metavar="N", help="a source that is there: what came since")
    command.add_argument("--answer", type=_parse_answer, action="append", default=[], metavar="Q=A", help=_ANSWER)


def _add_exchange(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=("export", "import"))
    command.add_argument("places", nargs=1, metavar="SOURCE|FILE", help="a source; of an import, the document's file")
    command.add_argument("--odcs", action="store_true", help="which standard: so far there is this one")
    command.add_argument("--name", type=_parse_name, metavar="N", help="of an import: the object, and the new source")


def _parse_name(text: str) -> str:
    if not re.fullmatch("[a-z][a-z0-9_]{0,40}", text):
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed are a-z, 0-9 and _, a letter first")
    return text


def _parse_answer(text: str) -> tuple[str, str]:
    """The first = ends a question's name."""
    name, is_there, answer = text.partition("=")
    if not is_there:
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed is QUESTION=ANSWER")
    return name, answer


def _add_days(command: argparse.ArgumentParser, name: str) -> None:
    command.add_argument("--date", type=date.fromisoformat, metavar="D", help="one day, as 2025-11-20")
    command.add_argument("--from", dest="first", type=date.fromisoformat, metavar="D", help="first day of a range")
    command.add_argument("--to", dest="last", type=date.fromisoformat, metavar="D", help="last day of a range")
    command.add_argument("--json", action="store_true", help="an object a line instead of the table")
    command.add_argument("--key", type=_parse_key, metavar="K", help=_KEY.get(name, "to know the run by later"))
    if name == "status":
        command.add_argument(
            "--check", action="store_true", help="look at the sources too; 75: something is missing, 69: unseen"
        )
        command.add_argument("--recount", action="store_true", help=_RECOUNT)
        command.add_argument("--gaps", action="store_true", help=_GAPS)
        command.add_argument("--tell", action="store_true", help=_TELL)
        return
    command.add_argument("--plan", action="store_true", help="only say what would be done, and why; writes nothing")
    command.add_argument("--max-bytes", type=int, metavar="N", help="64, and nothing is done, where it would read more")
    command.add_argument("--max-cost", type=float, metavar="X", help="the same by [prices] of the environment")
    command.add_argument("--replay", action="store_true", help="anew, even where nothing changed")
    if name == "load":
        command.add_argument("--rebuild", action="store_true", help=_REBUILD)
    else:
        command.add_argument("--engine", choices=ENGINES, default="auto", help=_ENGINE)
        command.add_argument("--withdraw", action="store_true", help=_WITHDRAW)
        command.add_argument("--who", metavar="NAME", help=_WHO)


def _find_user() -> str:
    """Who is at work; a container's user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _parse_key(text: str) -> str:
    """The tail of a run's id, and with it of file names."""
    if not re.fullmatch("[a-z0-9]{4,40}", text):
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed are 4 to 40 of a-z and 0-9")
    return text


def _parse_days(parser: argparse.ArgumentParser, given: dict[str, object]) -> tuple[date, ...]:
    if "date" not in given:
        return ()
    day, first, last = (given.get(name) for name in ("date", "first", "last"))
    if (day and (first or last)) or bool(first) != bool(last):
        parser.error("name the day by --date D, or a range by --from D and --to D")
    first, last = day or first, day or last
    if not isinstance(first, date) or not isinstance(last, date):
        is_of_all = given["command"] == "status" and not (given["check"] or given["recount"] or given["gaps"])
        is_free = is_of_all or given.get("rebuild")
        if not is_free:
            parser.error(f"{given['command']}: which day? --date D, or --from D --to D")
        return ()
    if last < first:
        parser.error(f"--to {last} is before --from {first}")
    return tuple(first + timedelta(days=number) for number in range((last - first).days + 1))
