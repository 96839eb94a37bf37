"""What AWS asks an IAM policy for each request, and what the execution role may do on S3 and in the parameter store."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import unquote

from tests.s3.server import Request

JOBS = "jobs"  # the access key that the command runs with, by which its requests are told from the tests' own
RIGHTS = Path(__file__).with_name("execution_role.txt")  # tests/terraform: exactly those that terraform/aws grants
_ENCRYPTION = "s3:x-amz-server-side-encryption"
_CONDITIONS = ("s3:if-none-match", _ENCRYPTION, f"{_ENCRYPTION}-aws-kms-key-id", f"{_ENCRYPTION}-customer-algorithm")
_LISTING = {"list-type", "prefix", "delimiter", "max-keys", "continuation-token", "encoding-type", "fetch-owner"}
_LISTING |= {"start-after"}


@dataclass(frozen=True)
class Act:
    """One action on one resource (ARN), and what a condition may ask of the request."""

    action: str
    resource: str
    facts: tuple[tuple[str, str], ...] = ()


def by(who: str, requests: Iterable[Request]) -> list[Request]:
    """Those of the bearer of an access key."""
    return [one for one in requests if f"Credential={who}/" in one.headers.get("authorization", "")]


def acts(request: Request, account: str, region: str) -> Iterator[Act]:
    """A copy is two rights, a deletion of many as many."""
    target = request.headers.get("x-amz-target", "")
    if target.startswith("AmazonSSM."):
        place = f"arn:aws:ssm:{region}:{account}:parameter"
        yield from (Act(f"ssm:{target[10:]}", f"{place}{name}") for name in request.names)
    elif request.method == "POST" and "delete" in request.query:
        yield from (Act("s3:DeleteObject", f"arn:aws:s3:::{request.bucket}/{key}") for key in request.deleted)
    elif request.key:
        yield from _on_object(request)
    else:
        if request.method not in ("GET", "HEAD") or request.query.keys() - _LISTING:
            raise AssertionError(f"an unknown request on a bucket: {request.method} {request.bucket}?{request.query}")
        yield Act("s3:ListBucket", f"arn:aws:s3:::{request.bucket}")


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
            asked["s3:ObjectCreationOperation"] = str(
                request.completes
            ).lower()  # not the beginning or a piece of an upload
            yield Act("s3:PutObject", resource, tuple((name, value) for name, value in asked.items() if value))
        case "DELETE":
            yield Act("s3:AbortMultipartUpload" if "uploadId" in request.query else "s3:DeleteObject", resource)
        case other:
            raise AssertionError(f"an unknown request: {other} {resource}")


def not_allowed(requests: Iterable[Request], account: str, region: str, lakes_have_a_prefix: bool = False) -> set[str]:
    """`action resource` of the jobs' requests that no right of the execution role covers.

    Where lakes lie under a prefix each, it is taken off; where the lake is a whole bucket, nobody asks for an object
    that is the prefix itself.
    """
    rights = [line.split() for line in RIGHTS.read_text().splitlines()]
    asked = [act for one in by(JOBS, requests) for act in acts(one, account, region)]
    made = {(act.action, _without_prefix(act.resource) if lakes_have_a_prefix else act.resource) for act in asked}
    return {
        f"{action} {resource}"
        for action, resource in made
        if resource and not any(action == right and fnmatchcase(resource, pattern) for right, pattern in rights)
    }


def _without_prefix(resource: str) -> str:
    bucket, is_object, key = resource.partition("/")
    _, is_below, rest = key.partition("/")
    return (f"{bucket}/{rest}" if is_below else "") if is_object else bucket
