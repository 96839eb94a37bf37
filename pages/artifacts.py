"""What dbt said of its last build: run_results.json and manifest.json of its target folder."""

import json
import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jobs.location import ROOT

SLOWEST = 10
_WORST_FIRST = {"warn": 1, "skipped": 2, "pass": 3}


@dataclass(frozen=True)
class Node:
    """A test or model as it ran."""

    name: str
    of: str
    status: str
    message: str
    seconds: float


@dataclass(frozen=True)
class Build:
    """The last invocation; `command` is build, test, docs..."""

    command: str
    finished_at: datetime
    seconds: float
    tests: list[Node]
    models: list[Node]
    log: str | None

    @property
    def passed(self) -> int:
        return sum(test.status == "pass" for test in self.tests)

    @property
    def troubled(self) -> list[Node]:
        """Tests and models that somebody should look at."""
        return [node for node in [*self.tests, *self.models] if node.status not in ("pass", "success")]

    @property
    def slowest(self) -> list[Node]:
        """Of the models, those that failed before all."""
        return sorted(self.models, key=lambda model: (model.status == "success", -model.seconds))[:SLOWEST]


def read(out: Path) -> Build | None:
    """None where dbt has not run here."""
    folder = ROOT / os.environ.get("DBT_TARGET_PATH", ".local/dbt")
    if not (folder / "run_results.json").exists() or not (folder / "manifest.json").exists():
        return None
    said = json.loads((folder / "run_results.json").read_text(encoding="utf-8"))
    nodes = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    ran = [(one["unique_id"].partition(".")[0], _node(one, nodes)) for one in said["results"]]
    log = folder / "logs/dbt.log"
    return Build(
        command=said["args"].get("which", ""),
        finished_at=datetime.fromisoformat(said["metadata"]["generated_at"]),
        seconds=said["elapsed_time"],
        tests=sorted(
            (node for kind, node in ran if kind == "test"), key=lambda test: (_WORST_FIRST.get(test.status, 0), test.of)
        ),
        models=[node for kind, node in ran if kind != "test"],
        log=Path(os.path.relpath(log, out)).as_posix() if log.exists() else None,
    )


def _node(one: dict[str, Any], nodes: dict[str, Any]) -> Node:
    known = nodes.get(one["unique_id"], {})
    tested = (known.get("attached_node") or "").rpartition(".")[2]
    name = known.get("name", one["unique_id"].split(".")[2])
    # A warehouse quotes values in its errors, and values may be personal.
    message = re.sub(r"'[^']*'", "'…'", " ".join((one["message"] or "").split()))
    return Node(name, tested, one["status"], message, one["execution_time"])
