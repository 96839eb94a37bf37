"""Builds by dbt in a warehouse's stand-in: a process that builds as often as it is asked (tests/builds.py)."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from jobs.config.environment import ROOT


@dataclass(frozen=True)
class Building:
    process: "subprocess.Popen[str]"

    def ask(self, day: date, *more: str) -> None:
        """Build a day; `more`: dbt's arguments."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"day": str(day), "more": more}) + "\n")
        self.process.stdin.flush()

    def answer(self) -> tuple[int, str]:
        """Exit code, and what the user reads."""
        assert self.process.stdout
        code, text = json.loads(self.process.stdout.readline())
        return int(code), str(text)

    def build(self, day: date, *more: str) -> tuple[int, str]:
        self.ask(day, *more)
        return self.answer()


@contextmanager
def building(environment: Path, warehouse: str, artifacts: Path) -> Iterator[Building]:
    """In an environment (a .toml file), by the Python that its kind of warehouse needs; it ends with the block."""
    lock = f"requirements/dbt-{warehouse}.txt"
    python = subprocess.run([ROOT / "setup.sh", lock], check=True, capture_output=True, text=True).stdout.strip()
    command = [sys.executable, "-m", "jobs", "dbt", "--env", str(environment), "--"]
    command += [python, str(ROOT / "tests/builds.py")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    variables = os.environ | {"DBT_TARGET_PATH": str(artifacts)}
    with subprocess.Popen(command, cwd=ROOT, env=variables, text=True, **pipes) as process:
        yield Building(process)
