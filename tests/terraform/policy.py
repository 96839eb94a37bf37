"""IAM as far as the roles here need it: whether a policy allows what was asked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tests.s3.acts import Act


@dataclass(frozen=True)
class Grant:
    """One action and one resource pattern of an Allow statement: the smallest part that can be too much."""

    sid: str
    action: str
    resource: str

    def allows(self, act: Act) -> bool:
        below = act.action == "ssm:GetParametersByPath" and fnmatchcase(f"{act.resource}/x", self.resource)
        return self.action == act.action and (fnmatchcase(act.resource, self.resource) or below)


def grants(policy: dict[str, Any]) -> list[Grant]:
    found = [statement for statement in policy["Statement"] if statement["Effect"] == "Allow"]
    return [
        Grant(statement["Sid"], action, resource)
        for statement in found
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    ]


def denials(policy: dict[str, Any], act: Act) -> list[str]:
    """Of a bucket's policy: the statements that forbid `act`, come by TLS."""
    facts = {"aws:SecureTransport": "true", **dict(act.facts)}
    return [
        statement["Sid"]
        for statement in policy["Statement"]
        if statement["Effect"] == "Deny"
        and any(fnmatchcase(act.action, action) for action in _listed(statement["Action"]))
        and any(fnmatchcase(act.resource, resource) for resource in _listed(statement["Resource"]))
        and all(_holds(test, wanted, facts) for test, wanted in statement["Condition"].items())
    ]


def _holds(test: str, wanted: dict[str, Any], facts: dict[str, str]) -> bool:
    for name, values in wanted.items():
        match test:
            case "Null":
                holds = (name not in facts) == (_listed(values) == ["true"])
            case "Bool":
                holds = facts.get(name) in _listed(values)
            case "StringNotEquals":  # true of what is missing
                holds = facts.get(name) not in _listed(values)
            case other:
                raise AssertionError(f"a condition that is not known here: {other}")
        if not holds:
            return False
    return True


def _listed(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
