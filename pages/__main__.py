"""Writes both pages: python -m pages --env E --out DIR. Exit codes follow sysexits, as those of jobs."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from jobs.errors import PlatformError
from jobs.location import ROOT
from jobs.settings import load_contracts, load_environment
from pages import cx, runs

CX, RUNS = "complaints.html", "runs.html"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pages", description=__doc__)
    parser.add_argument("--env", default="local", metavar="E", help="of conf/env, or a .toml file [local]")
    parser.add_argument("--out", type=Path, default=ROOT / ".local/pages", metavar="DIR", help="[.local/pages]")
    asked = parser.parse_args(arguments)
    built_at = datetime.now(UTC)
    try:
        environment = load_environment(asked.env)
        contracts = load_contracts(environment)
        asked.out.mkdir(parents=True, exist_ok=True)
        # What can still be told when Gold cannot be read comes first.
        _write(asked.out / RUNS, runs.page(environment, contracts, asked.out.absolute(), built_at))
        _write(asked.out / CX, cx.page(environment, built_at))
    except PlatformError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _write(path: Path, page: str) -> None:
    """Whole or not at all: somebody may have the old one open."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_text(page, encoding="utf-8")
    unfinished.replace(path)
    print(f"page: {path.absolute().as_uri()}")


if __name__ == "__main__":
    sys.exit(main())
