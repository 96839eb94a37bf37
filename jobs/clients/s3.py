"""S3 through boto3: what Spark's own client cannot do, or not as surely: look, pinned reads, put-if-absent, footers.

Imported only where a location is on S3.
"""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
from urllib3.exceptions import HTTPError

from jobs.clients.location import S3Location
from jobs.clients.url import checked_url
from jobs.errors import ConfigurationError, DeliveryChangedError, PlatformError, ServiceError

TRIES = 4  # of a request whose answer broke off, or that met another writer: boto3 itself retries the rest
PIECE = 32 * 2**20  # bytes of one request of an upload
FOOTER = 64 * 2**10  # bytes; what a Parquet file's end is asked for first
_MISSING = {"404", "NoSuchKey", "NotFound"}
_making = threading.Lock()
_FORBIDDEN = {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "NoSuchBucket"}


def head(at: S3Location) -> dict[str, Any] | None:
    """Size, ETag and time of one object; None: it is not there."""
    try:
        with _explain_errors(at):
            response: dict[str, Any] = _get_client(at).head_object(**_name_object(at))
    except _MissingError:
        return None
    return response


def list_matching(
    root: S3Location, pattern: str, first: str = "", last: str = ""
) -> Iterator[tuple[S3Location, dict[str, Any]]]:
    """The objects below `root` whose key matches `pattern` (`*` stops at `/`), sorted, with what the listing says.

    Only of names below `root` from `first` to `last`; listed a page of 1,000 keys at a time, as they are taken.
    """
    whole = re.compile("[^/]*".join(re.escape(piece) for piece in str((root / pattern).key).split("*")))
    prefix = (root / pattern.partition("*")[0]).key
    below = len((root / "").key)
    start = {"StartAfter": (root / first).key} if first else {}
    with _explain_errors(root):
        pages = (
            _get_client(root).get_paginator("list_objects_v2").paginate(**_name_bucket(root), Prefix=prefix, **start)
        )
        for entry in (entry for page in pages for entry in page.get("Contents", ())):
            if last and entry["Key"][below:].partition("/")[0] > last:
                return
            if whole.fullmatch(entry["Key"]):
                yield S3Location(root.bucket, entry["Key"], root.service), entry


def list_folders(root: S3Location) -> list[str]:
    """The names one level below a prefix, sorted."""
    listing = {**_name_bucket(root), "Prefix": (root / "").key, "Delimiter": "/"}
    with _explain_errors(root):
        pages = _get_client(root).get_paginator("list_objects_v2").paginate(**listing)
        prefixes = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", ())]
    return sorted(prefix.rstrip("/").rpartition("/")[2] for prefix in prefixes)


def newest(prefix: S3Location) -> tuple[datetime | None, datetime]:
    """When the newest object below a prefix was written, and the time now, both by the clock of S3."""
    times: list[datetime] = []
    with _explain_errors(prefix):
        pages = (
            _get_client(prefix)
            .get_paginator("list_objects_v2")
            .paginate(**_name_bucket(prefix), Prefix=f"{prefix.key}/")
        )
        for page in pages:
            times += [entry["LastModified"] for entry in page.get("Contents", ())]
            now = parsedate_to_datetime(page["ResponseMetadata"]["HTTPHeaders"]["date"])
    return max(times, default=None), now


def read(at: S3Location, **options: str) -> bytes:
    """The object, or a part of it by `Range`. Raises DeliveryChangedError where `IfMatch` no longer holds."""
    return _read(at, **options)[0]


def _read(at: S3Location, **options: str) -> tuple[bytes, dict[str, Any]]:
    """The same with what else the answer says."""
    for attempt in range(1, TRIES + 1):
        try:
            with _explain_errors(at):
                answer: dict[str, Any] = _get_client(at).get_object(**_name_object(at), **options)
                return answer["Body"].read(), answer
        except (HTTPError, OSError) as error:  # boto3 does not retry an answer that breaks off
            if attempt == TRIES:
                raise ServiceError(f"{at}: its bytes broke off {TRIES} times: {error}") from error
    raise AssertionError


def stream(at: S3Location, size: int, etag: str, chunk: int, first: int = 0) -> Iterator[bytes]:
    """The object's bytes in ranges of `chunk`, each pinned to one ETag."""
    for start in range(first, size, chunk):
        yield read(at, Range=f"bytes={start}-{min(start + chunk, size) - 1}", IfMatch=f'"{etag}"')


def put_if_absent(at: S3Location, content: bytes) -> bool:
    """One conditional PUT; True too where an earlier try of this very content had arrived, its answer lost."""
    for _ in range(TRIES):
        try:
            with _explain_errors(at):
                _get_client(at).put_object(**_name_object(at), **_choose_encryption(at), Body=content, IfNoneMatch="*")
        except DeliveryChangedError:
            return read(at) == content
        except _ConflictError:  # another conditional PUT is under way: its outcome shows in the next
            time.sleep(0.2)
        else:
            return True
    raise ServiceError(f"{at}: {TRIES} conflicting writes came first")


def put(at: S3Location, content: bytes, content_type: str) -> None:
    """In the place of what is there: for what is made anew from the lake. Never below `raw/`."""
    with _explain_errors(at):
        _get_client(at).put_object(**_name_object(at), **_choose_encryption(at), Body=content, ContentType=content_type)


def read_footer(at: S3Location) -> tuple[BytesIO, int]:
    """What a Parquet reader needs to see of a file's end, as a file; and the size of the whole."""
    try:
        tail, answer = _read(at, Range=f"bytes=-{FOOTER}")
    except _MissingError as error:
        raise PlatformError(f"{at} was just written and is gone") from error
    size, etag = int(answer["ContentRange"].rpartition("/")[2]), answer["ETag"]
    footer_size = int.from_bytes(tail[-8:-4], "little") + 8
    if footer_size > len(tail):
        tail = read(at, Range=f"bytes={max(0, size - footer_size)}-{size - 1}", IfMatch=etag)
    return BytesIO(b"PAR1" + tail), size


def tag(at: S3Location, tags: dict[str, str]) -> None:
    """In the place of the tags that the object has; its bytes, ETag and time stay."""
    tag_set = [{"Key": name, "Value": value} for name, value in tags.items()]
    with _explain_errors(at):
        _get_client(at).put_object_tagging(**_name_object(at), Tagging={"TagSet": tag_set})


def upload(file: Path, at: S3Location) -> None:
    with _explain_errors(at):
        _get_client(at).upload_file(str(file), at.bucket, at.key, ExtraArgs=_choose_encryption(at) | _name_owner(at))


def upload_if_absent(file: Path, at: S3Location) -> bool:
    """The file as an object, whole or not at all; False, and nothing written, where another is already there."""
    if file.stat().st_size <= PIECE:
        return put_if_absent(at, file.read_bytes())
    with _explain_errors(at):
        upload = _get_client(at).create_multipart_upload(**_name_object(at), **_choose_encryption(at))["UploadId"]
    with ExitStack() as unfinished:
        unfinished.callback(_abort, at, upload)
        is_new = _complete_if_absent(file, at, upload)
        if is_new:
            unfinished.pop_all()
    return is_new


def _abort(at: S3Location, upload: str) -> None:
    """What made the upload fail is told, not that it cannot be taken back."""
    with suppress(PlatformError, _MissingError), _explain_errors(at):
        _get_client(at).abort_multipart_upload(**_name_object(at), UploadId=upload)


def _complete_if_absent(file: Path, at: S3Location, upload: str) -> bool:
    pieces: list[dict[str, Any]] = []
    with file.open("rb") as content:
        while piece := content.read(PIECE):
            number = len(pieces) + 1
            with _explain_errors(at):
                response = _get_client(at).upload_part(
                    **_name_object(at), UploadId=upload, PartNumber=number, Body=piece
                )
            pieces.append({"PartNumber": number, "ETag": response["ETag"]})
    try:
        with _explain_errors(at):
            _get_client(at).complete_multipart_upload(
                **_name_object(at), UploadId=upload, MultipartUpload={"Parts": pieces}, IfNoneMatch="*"
            )
    except DeliveryChangedError:  # the key is taken, by another attempt or by this request, its answer lost
        return False
    return True


def copy(source: S3Location, target: S3Location) -> None:
    """Within S3, of at most 5 GiB; no byte of it comes here."""
    with _explain_errors(target):
        _get_client(target).copy_object(
            **_name_object(target),
            **_choose_encryption(target),
            CopySource={"Bucket": source.bucket, "Key": source.key},
        )


def remove(prefix: S3Location) -> None:
    """Everything below a scratch prefix. Never asked for below `raw/`, where nobody may delete."""
    assert "scratch" in prefix.key.split("/")
    with _explain_errors(prefix):
        pages = (
            _get_client(prefix)
            .get_paginator("list_objects_v2")
            .paginate(**_name_bucket(prefix), Prefix=f"{prefix.key}/")
        )
        for page in pages:
            if keys := [{"Key": entry["Key"]} for entry in page.get("Contents", ())]:
                _get_client(prefix).delete_objects(**_name_bucket(prefix), Delete={"Objects": keys, "Quiet": True})


def make_delta_options(at: S3Location) -> dict[str, str]:
    """For delta-rs, with the credentials that boto3 found, so that both look in the same places."""
    service = at.service
    client = _get_client(at)
    credentials = client._request_signer._credentials
    if credentials is None:
        raise ConfigurationError(f"{at}: no AWS credentials, neither in the environment nor from an instance role")
    frozen = credentials.get_frozen_credentials()
    options = {
        "aws_access_key_id": frozen.access_key,
        "aws_secret_access_key": frozen.secret_key,
        "aws_session_token": frozen.token,
        "aws_region": service.region,
        "aws_endpoint": client.meta.endpoint_url,
        "aws_allow_http": str(client.meta.endpoint_url.startswith("http://")).lower(),
        "aws_virtual_hosted_style_request": str(not _is_path_style(at)).lower(),
        "aws_conditional_put": "etag",  # a commit is a PUT with If-None-Match (docs/decisions/0003)
        "aws_server_side_encryption": "aws:kms" if service.kms_key else None,
        "aws_sse_kms_key_id": service.kms_key,
    }
    return {name: value for name, value in options.items() if value}


class _MissingError(Exception):
    pass


class _ConflictError(Exception):
    pass


@contextmanager
def _explain_errors(at: S3Location) -> Iterator[None]:
    """botocore's errors as ours: what a retry would do about them is part of the type."""
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise ConfigurationError(f"{at}: {error}") from error
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        if code in _MISSING:
            raise _MissingError(str(at)) from error
        if code in ("412", "PreconditionFailed"):
            raise DeliveryChangedError(f"{at} changed while it was read; run again") from error
        if code in ("409", "ConditionalRequestConflict"):
            raise _ConflictError(str(at)) from error
        if code in _FORBIDDEN:
            owner = at.service.owners.get(at.bucket)
            hint = f"; the bucket must belong to {owner}" if owner else ""
            raise ConfigurationError(f"{at}: {code}: {error}{hint}") from error
        raise ServiceError(f"{at}: {error}") from error
    except BotoCoreError as error:
        raise ServiceError(f"{at}: {error}") from error


def _get_client(at: S3Location) -> Any:
    """One for all threads: without the lock all that ask at once make one each, and a client costs a third of a day."""
    with _making:
        return _make_client(at.service.region, at.service.endpoint, at.service.path_style, at.service.plain_http)


@cache
def _make_client(region: str, endpoint: str | None, path_style: bool | None, plain_http: tuple[str, ...]) -> Any:
    style = {None: "auto", True: "path", False: "virtual"}[path_style]
    config = Config(
        region_name=region,
        retries={"mode": "standard", "total_max_attempts": 8},
        connect_timeout=10,
        read_timeout=60,
        max_pool_connections=16,
        s3={"addressing_style": style},
    )
    client = boto3.session.Session().client("s3", endpoint_url=endpoint, config=config)
    try:
        checked_url(client.meta.endpoint_url, plain_http)  # which ~/.aws/config may say as well
    except ValueError as error:
        raise ConfigurationError(f"S3's endpoint: {error}") from None
    return client


def get_endpoint(at: S3Location) -> str:
    """The address requests go to, from settings or environment."""
    return str(_get_client(at).meta.endpoint_url)


def _is_path_style(at: S3Location) -> bool:
    path_style = at.service.path_style
    return not get_endpoint(at).endswith(".amazonaws.com") if path_style is None else path_style


def _name_bucket(at: S3Location) -> dict[str, str]:
    return {"Bucket": at.bucket, **_name_owner(at)}


def _name_object(at: S3Location) -> dict[str, str]:
    return {**_name_bucket(at), "Key": at.key}


def _name_owner(at: S3Location) -> dict[str, str]:
    owner = at.service.owners.get(at.bucket)
    return {"ExpectedBucketOwner": owner} if owner else {}


def _choose_encryption(at: S3Location) -> dict[str, str]:
    key = at.service.kms_key
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
