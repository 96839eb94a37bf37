"""GitHub's workflow and .ci/run call the same targets, and no action can be moved under us."""

import re

import yaml

from jobs.location import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_the_workflow_runs_what_ci_runs_side_by_side() -> None:
    matrix = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["make"]["strategy"]["matrix"]
    called = re.findall(r"^make (\S+)$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    (needed,) = re.findall(r"^HEAVIER = (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert "test-all" in called
    assert sorted(matrix["target"]) == sorted([*(one for one in called if one != "test-all"), *needed.split()])


def test_every_action_is_pinned_by_its_commit_and_says_which_version_that_is() -> None:
    used = [line for path in WORKFLOWS for line in path.read_text().splitlines() if "uses:" in line]
    assert len(used) > 5
    assert [line for line in used if not re.search(r"uses: [\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+$", line)] == []


def test_no_workflow_has_rights_by_default_or_stored_keys() -> None:
    for path in WORKFLOWS:
        flow = yaml.safe_load(path.read_text())
        assert flow["permissions"] == {}
        assert "concurrency" in flow
        assert all(job.get("permissions") for job in flow["jobs"].values())
        assert "secrets." not in path.read_text()
