"""What IAM and a bucket's policy say to requests, by an evaluator that others maintain (tests/terraform/iam)."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from jobs.clients.location import ROOT
from tests.s3.acts import Act
from tests.s3.server import ACCOUNT

FOLDER = ROOT / "tests/terraform/iam"


class Verdict(NamedTuple):
    """Allowed, ImplicitlyDenied or ExplicitlyDenied; and the statements of the bucket's policy that deny."""

    said: str
    denied_by: tuple[str, ...] = ()


def judge(role: str, identity: dict[str, Any], bucket: dict[str, Any], acts: Iterable[Act]) -> dict[Act, Verdict]:
    """What each act of a role meets, come by TLS where it says nothing else.

    Fails on an action, or a condition key, that AWS does not know.
    """
    asked = sorted(set(acts), key=repr)
    requests = [
        {"action": one.action, "arn": one.resource, "facts": {"aws:SecureTransport": "true", **dict(one.facts)}}
        for one in asked
    ]
    given = {"account": ACCOUNT, "principal": f"arn:aws:iam::{ACCOUNT}:role/{role}", "requests": requests}
    answers = json.loads(_evaluate(json.dumps(given | {"identity": identity, "resource": bucket})))
    assert [(one, answer) for one, answer in zip(asked, answers, strict=True) if answer["unknown"]] == []
    verdicts = {one: Verdict(answer["said"], tuple(answer["by"])) for one, answer in zip(asked, answers, strict=True)}
    assert {one.said for one in verdicts.values()} <= {"Allowed", "ImplicitlyDenied", "ExplicitlyDenied"}, verdicts
    return verdicts


def _evaluate(given: str) -> str:
    made = _set_up(FOLDER / "package-lock.json")
    node = _set_up(ROOT / "requirements/node.txt").with_name("node")
    command = [node, "--input-type=module", "--eval", (FOLDER / "judge.mjs").read_text()]
    done = subprocess.run(command, cwd=made, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _set_up(lock: Path) -> Path:
    command = ["./setup.sh", lock.relative_to(ROOT)]
    return Path(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip())
