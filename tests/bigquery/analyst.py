"""Google's analyzer before the stand-in: a process with an environment of its own, asked through a pipe."""

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from demo.server import die_with_parent
from jobs.config.environment import ROOT

# Of what a script consists beside statements; the analyzer takes the expressions in it, as queries of their own.
CONTROL = {"DECLARE", "SET", "IF", "END"}

# What is published, asked by the first load of a source before there is a table.
_FIRST_LOAD = re.compile(r"Table not found: \S+\._publish_\w+ \[at ")


class Read(NamedTuple):
    """Of a table: the columns read, and the first and last day; None: all that there are."""

    table: str
    columns: list[str]
    days: list[str] | None


class Verdict(NamedTuple):
    """Of one statement: what it is, BigQuery's words where it is refused, what it reads, and what it changes."""

    kind: str
    refused: str
    reads: list[Read]
    changed: Read | None


@dataclass
class Analyst:
    """`said`: of every script that was sent, its verdicts, oldest first."""

    process: "subprocess.Popen[str]"
    said: list[tuple[str, list[Verdict]]] = field(default_factory=list)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def refusal(self, script: str, parameters: Mapping[str, str]) -> str:
        """Of the first statement that BigQuery would not take; "" if there is none."""
        assert self.process.stdin
        assert self.process.stdout
        with self._turn:
            print(json.dumps({"script": script, "parameters": dict(parameters)}), file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        if not answer:
            return "the analyzer has ended; what it said is in the tests' output"
        verdicts = [_verdict(**one) for one in json.loads(answer)]
        self.said.append((script, verdicts))
        return next((verdict.refused for verdict in verdicts if verdict.refused), "")

    def verdicts(self) -> list[Verdict]:
        """Of all statements, one by one."""
        return [verdict for _, verdicts in self.said for verdict in verdicts]

    def refused(self) -> list[Verdict]:
        """But for what a first load asks, and is told that it is the first."""
        return [one for one in self.verdicts() if one.refused and not _FIRST_LOAD.match(one.refused)]


def _verdict(kind: str, refused: str, reads: list[list[Any]], changed: list[Any] | None) -> Verdict:
    return Verdict(kind, refused, [Read(*read) for read in reads], Read(*changed) if changed else None)


@contextmanager
def analyzing(project: str, address: str) -> Iterator[Analyst]:
    """`address`: of the REST interface that knows the tables' schemas."""
    lock = "requirements/googlesql.txt"
    python = subprocess.run([ROOT / "setup.sh", lock], check=True, capture_output=True, text=True).stdout.strip()
    process = subprocess.Popen(
        [python, "-m", "tests.googlesql.asked", project, address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        preexec_fn=partial(die_with_parent, signal.SIGKILL),
    )
    try:
        yield Analyst(process)
    finally:
        process.kill()
        process.communicate()
