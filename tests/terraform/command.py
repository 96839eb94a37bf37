"""Terraform as a user runs it, in a copy of a folder of terraform/."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.clients.location import ROOT

_KEPT = re.compile(r'^resource "(\w+)" "(\w+)" {(?:(?!\n}).)*?prevent_destroy = true', re.MULTILINE | re.DOTALL)
# What a workstation may have lying about, and a copy must not.
_LEFT = shutil.ignore_patterns(".terraform", "*.tfstate*", "backend.hcl", "*.tfvars")


@dataclass(frozen=True)
class Folder:
    """A copy of terraform/NAME; `variables` go in as TF_VAR_."""

    path: Path
    environment: dict[str, str]
    variables: dict[str, Any] = field(default_factory=dict)

    def __call__(self, *arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        given = as_variables(self.variables | variables)
        command = ["terraform", f"-chdir={self.path}", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=os.environ | self.environment | given
        )

    def must(self, *arguments: str, **variables: Any) -> str:
        done = self(*arguments, **variables)
        assert done.returncode == 0, f"{arguments}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        return done.stdout

    def outputs(self) -> dict[str, Any]:
        return {name: found["value"] for name, found in json.loads(self.must("output", "-json")).items()}


def copy_of(name: str, target: Path, environment: dict[str, str], **variables: Any) -> Folder:
    """What `terraform test` applied it destroys at its end, so that all may go there."""
    shutil.copytree(ROOT / "terraform" / name, target, ignore=_LEFT)
    kept = [found.groups() for path in target.glob("*.tf") for found in _KEPT.finditer(path.read_text())]
    may_go = [f'resource "{kind}" "{of}" {{\n lifecycle {{\n prevent_destroy = false\n }}\n}}\n' for kind, of in kept]
    (target / "may_go_override.tf").write_text("".join(may_go))
    return Folder(target, environment, variables)


def as_variables(values: dict[str, Any]) -> dict[str, str]:
    """Terraform variables as variables of the environment."""
    return {f"TF_VAR_{name}": value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
