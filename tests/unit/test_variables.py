"""docs/variables.md: every variable of ours is in its tables, and nothing else is."""

import re
import subprocess
from pathlib import Path

from jobs.config.environment import ROOT

TABLE = ROOT / "docs/variables.md"
VARIABLE = re.compile(r"\bCORETELECOMS_[A-Z0-9_]+\b")


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def variables_in(paths: list[Path]) -> set[str]:
    return {name for path in paths for name in VARIABLE.findall(path.read_text(encoding="utf-8", errors="ignore"))}


def documented() -> set[str]:
    rows = re.findall(r"^\| `(\w+)` \|", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name for name in rows if name.startswith("CORETELECOMS_")}


def test_every_variable_that_is_set_or_read_is_documented_and_no_other_is() -> None:
    used = variables_in([path for path in tracked() if path.suffix != ".md"])
    assert sorted(used - documented()) == []
    assert sorted(documented() - used) == []


def test_documents_name_no_variable_that_is_gone() -> None:
    named = variables_in([path for path in tracked() if path.suffix == ".md" and path.name != "CHANGELOG.md"])
    assert sorted(named - documented()) == []


def test_each_row_says_who_sets_it_what_it_does_and_the_default() -> None:
    rows = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| `CORETELECOMS_")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in rows]
    assert [row for row in cells if len(row) != 4 or not all(row)] == []
