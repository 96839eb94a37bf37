"""The command line of ./dbt.sh, but for --env, which the jobs take."""

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import NoReturn

from errors import USAGE
from query import LIMIT

_LOOK_BACK = "from the first day on, of those before that runs look back at, of which Silver is behind Bronze"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def parse() -> argparse.Namespace:
    """Of `sys.argv`; ends with 64, and the usage, where they make no sense."""
    parser = _Parser(prog="dbt.sh", description="Silver and Gold, built from Bronze and shown.")
    steps = parser.add_subparsers(dest="step", required=True, parser_class=_Parser)
    days = steps.add_parser("build", help="build and test Silver and Gold")
    days.add_argument("--from", dest="first", type=date.fromisoformat, metavar="D", help="first day (default: all)")
    days.add_argument("--to", dest="last", type=date.fromisoformat, metavar="D", help="last day")
    days.add_argument("--look-back", action="store_true", help=_LOOK_BACK)
    days.add_argument("--full", action="store_true", help="build all days anew, after a change of the models")
    days.add_argument("--layer", choices=("silver", "gold"), help="only this one, and a line for each model")
    steps.add_parser("headline", help="the headline numbers from Gold")
    steps.add_parser("docs", help="dbt's documentation as one offline page")
    asked = steps.add_parser("query", help="one SELECT over Silver and Gold, which reads nothing else")
    asked.add_argument("sql")
    asked.add_argument("--limit", type=_number, metavar="N", help=f"rows [{LIMIT}; with --csv all]")
    asked.add_argument("--build", action="store_true", help="of Gold what the last build made, published or not")
    asked.add_argument("--csv", metavar="FILE", help="as CSV into a file, or - for here")
    steps.add_parser("export", help="Gold without persons, as a DuckDB file for readers").add_argument(
        "file", type=Path
    )
    options = parser.parse_args()
    if options.step == "build" and (options.first is None) != (options.last is None):
        days.error("--from and --to go together")
    if options.step == "build" and options.first and options.first > options.last:
        days.error(f"--from {options.first} is after --to {options.last}")
    return options


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed is a number of rows from 1 on")
    return int(text)
