"""IAM as far as the roles here need it: which actions a request is, and whether a policy allows them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

from tests.s3.server import Request


@dataclass(frozen=True)
class Act:
    """One action on one resource (ARN), and what a condition may ask of the request."""

    action: str
    resource: str
    facts: tuple[tuple[str, str], ...] = ()


def acts(request: Request, account: str, region: str) -> Iterator[Act]:
    """What AWS asks the policy for; a copy is two rights, a deletion of many as many."""
    target = request.headers.get("x-amz-target", "")
    if target.startswith("AmazonSSM."):
        yield from (
            Act(f"ssm:{target[10:]}", f"arn:aws:ssm:{region}:{account}:parameter{name}") for name in request.names
        )
    elif request.key and not (request.method == "POST" and "delete" in request.query):
        yield from _on_object(request)
    elif request.method == "POST" and "delete" in request.query:
        yield from (Act("s3:DeleteObject", f"arn:aws:s3:::{request.bucket}/{key}") for key in request.deleted)
    else:
        action = "s3:ListBucketMultipartUploads" if "uploads" in request.query else "s3:ListBucket"
        if request.method not in ("GET", "HEAD") or request.query.keys() - _LISTING:
            raise AssertionError(f"an unknown request on a bucket: {request.method} {request.bucket}?{request.query}")
        yield Act(action, f"arn:aws:s3:::{request.bucket}")


_LISTING = {"list-type", "prefix", "delimiter", "max-keys", "continuation-token", "encoding-type", "fetch-owner"}
_LISTING |= {"start-after", "uploads", "max-uploads", "key-marker", "upload-id-marker"}


_CONDITIONS = ("s3:if-none-match", "s3:x-amz-server-side-encryption-aws-kms-key-id")


def _on_object(request: Request) -> Iterator[Act]:
    resource = f"arn:aws:s3:::{request.bucket}/{request.key}"
    if source := request.headers.get("x-amz-copy-source"):
        yield Act("s3:GetObject", f"arn:aws:s3:::{unquote(source).lstrip('/')}")
    match request.method:
        case "GET" | "HEAD":
            yield Act("s3:ListMultipartUploadParts" if "uploadId" in request.query else "s3:GetObject", resource)
        case "PUT" if "tagging" in request.query:
            yield Act("s3:PutObjectTagging", resource)
        case "PUT" | "POST":
            asked = {name: request.headers.get(name.removeprefix("s3:")) for name in _CONDITIONS}
            yield Act("s3:PutObject", resource, tuple((name, value) for name, value in asked.items() if value))
        case "DELETE":
            yield Act("s3:AbortMultipartUpload" if "uploadId" in request.query else "s3:DeleteObject", resource)
        case other:
            raise AssertionError(f"an unknown request: {other} {resource}")


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
