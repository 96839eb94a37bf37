"""docs/deploy.md as a program: its blocks by name, run as they stand there in a copy of the checkout."""

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from jobs.clients.location import ROOT

_BLOCK = re.compile(
    r"(?:<!-- (?P<kind>run|real account only): (?P<what>.+?) -->\n)?```bash\n(?P<script>.*?)```", re.DOTALL
)


def blocks() -> list[tuple[str, str, str]]:
    """Kind ("" where the block is not marked), name or reason, script."""
    text = (ROOT / "docs/deploy.md").read_text()
    return [(found["kind"] or "", found["what"] or "", found["script"]) for found in _BLOCK.finditer(text)]


@dataclass(frozen=True)
class Clone:
    """What git has of this checkout, elsewhere; `ran`: the blocks that passed here."""

    path: Path
    environment: dict[str, str]
    ran: list[str] = field(default_factory=list)

    def __call__(self, name: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Terraform asks nobody here."""
        (script,) = [script for kind, what, script in blocks() if (kind, what) == ("run", name)]
        answers = {
            "TF_CLI_ARGS_apply": "-auto-approve",
            "TF_CLI_ARGS_destroy": "-auto-approve",
            "TF_CLI_ARGS_init": "-lockfile=readonly",
        }
        given = os.environ | self.environment | answers | more
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            capture_output=True,
            text=True,
            cwd=self.path,
            env=given,
            check=False,
        )
        self.ran.extend([name] if done.returncode == 0 else [])
        return done

    def must(self, name: str, **more: str) -> str:
        done = self(name, **more)
        assert done.returncode == 0, f"{name}: {done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        return done.stdout


def clone(path: Path, environment: dict[str, str]) -> Clone:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for file in (file for file in files if file and (ROOT / file).is_file()):
        (path / file).parent.mkdir(parents=True, exist_ok=True)
        (path / file).write_bytes((ROOT / file).read_bytes())
        (path / file).chmod((ROOT / file).stat().st_mode)
    return Clone(path, environment)
