"""Writes both pages: ./pages.sh --env E --out DIR. Exit codes follow sysexits, as those of jobs."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from jobs.clients.location import ROOT, Location, parse_location
from jobs.config.environment import load_environment
from jobs.contracts.source import load_contracts
from jobs.errors import PlatformError
from jobs.masking import describe, describe_trace
from pages import cx, runs

CX, RUNS = "complaints.html", "runs.html"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="pages.sh", description=__doc__)
    parser.add_argument("--env", default="local", metavar="E", help="of conf/env, or a .toml file [local]")
    parser.add_argument(
        "--out", type=_place, default=ROOT / ".local/pages", metavar="DIR", help="or s3:// [.local/pages]"
    )
    options = parser.parse_args(arguments)
    built_at = datetime.now(UTC)
    try:
        environment = load_environment(options.env)
        contracts = load_contracts(environment)
        out = environment.locate(options.out)
        # What can still be told when Gold cannot be read comes first.
        _write(out / RUNS, runs.page(environment, contracts, out, built_at))
        page, missing = cx.page(environment, built_at)
        _write(out / CX, page)
        if missing:
            print(f"note: {missing}", file=sys.stderr)
    except PlatformError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - what Python would print quotes what was read
        print(f"{describe_trace(error)}\nerror: {describe(error)}", file=sys.stderr)
        return PlatformError.exit_code
    return 0


def _place(text: str) -> Location:
    """A folder from where the command is called, or a prefix in a bucket."""
    return parse_location(text if text.startswith("s3://") else Path(text).absolute())


def _write(at: Location, page: str) -> None:
    """Whole or not at all: somebody may have the old one open."""
    if isinstance(at, Path):
        at.parent.mkdir(parents=True, exist_ok=True)
        unfinished = at.with_name(f".{at.name}")
        unfinished.write_text(page, encoding="utf-8")
        unfinished.replace(at)
    else:
        from jobs.clients import s3

        s3.put(at, page.encode(), "text/html; charset=utf-8")
    print(f"page: {at.absolute().as_uri() if isinstance(at, Path) else at}")


if __name__ == "__main__":
    sys.exit(main())
