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


def _listed(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
