"""What dbt said of its last build: the results and manifest.json of its target folder.

`run_results.json` is a whole build's; of layers built one after the other each has its own, `run_results.LAYER.json`.
"""

import json
import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.clients.location import ROOT, Location
from jobs.masking import tell_dbt
from pages import html

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
    """The last invocation, or one a layer; `command` is build, test, docs..."""

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


def read(environment: str, out: Location) -> Build | None:
    """Of an environment; None where dbt has not run here for it."""
    folder = ROOT / os.environ.get("DBT_TARGET_PATH", f".local/dbt/{environment}")
    files = [*folder.glob("run_results.json"), *sorted(folder.glob("run_results.*.json"))]
    if not files or not (folder / "manifest.json").exists():
        return None
    runs = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    nodes = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    ran = [(result["unique_id"].partition(".")[0], _node(result, nodes)) for run in runs for result in run["results"]]
    return Build(
        command=runs[0]["args"].get("which", ""),
        finished_at=max(datetime.fromisoformat(run["metadata"]["generated_at"]) for run in runs),
        seconds=sum(run["elapsed_time"] for run in runs),
        tests=sorted(
            (node for kind, node in ran if kind == "test"), key=lambda test: (_WORST_FIRST.get(test.status, 0), test.of)
        ),
        models=[node for kind, node in ran if kind != "test"],
        log=html.link(folder / "logs/dbt.log", out),
    )


def _node(result: dict[str, Any], nodes: dict[str, Any]) -> Node:
    node = nodes.get(result["unique_id"], {})
    tested = (node.get("attached_node") or "").rpartition(".")[2]
    name = node.get("name", result["unique_id"].split(".")[2])
    message = " ".join(tell_dbt(result["message"] or "").split())
    return Node(name, tested, result["status"], message, result["execution_time"])
