"""S3 through boto3: what Spark's own client cannot do, or not as surely: look, pinned reads, put-if-absent, footers.

Imported only where a location is on S3.
"""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from urllib3.exceptions import HTTPError

from jobs.clients.location import S3Location
from jobs.clients.s3_session import (
    ConflictError,
    MissingError,
    choose_encryption,
    explain_errors,
    get_client,
    is_path_style,
    name_bucket,
    name_object,
    name_owner,
)
from jobs.errors import ConfigurationError, DeliveryChangedError, PlatformError, ServiceError
from jobs.masking import describe

TRIES = 4  # of a request whose answer broke off, or that met another writer: boto3 itself retries the rest
PIECE = 32 * 2**20  # bytes of one request of an upload
FOOTER = 64 * 2**10  # bytes; what a Parquet file's end is asked for first


def head(at: S3Location) -> dict[str, Any] | None:
    """Size, ETag and time of one object; None: it is not there."""
    try:
        with explain_errors(at):
            response: dict[str, Any] = get_client(at).head_object(**name_object(at))
    except MissingError:
        return None
    return response


@cache
def require_bucket(root: S3Location) -> None:
    """Raises ConfigurationError where there is no such bucket; of an object S3 says only that it is not there."""
    try:
        with explain_errors(root):
            get_client(root).head_bucket(**name_bucket(root))
    except MissingError:
        raise ConfigurationError(f"s3://{root.bucket}: there is no such bucket; check `sources` in conf/env") from None
    except ConfigurationError:  # a role that may not ask is told nothing
        return


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
    with explain_errors(root):
        pages = get_client(root).get_paginator("list_objects_v2").paginate(**name_bucket(root), Prefix=prefix, **start)
        for entry in (entry for page in pages for entry in page.get("Contents", ())):
            if last and entry["Key"][below:].partition("/")[0] > last:
                return
            if whole.fullmatch(entry["Key"]):
                yield S3Location(root.bucket, entry["Key"], root.service), entry


def list_folders(root: S3Location) -> list[str]:
    """The names one level below a prefix, sorted."""
    listing = {**name_bucket(root), "Prefix": (root / "").key, "Delimiter": "/"}
    with explain_errors(root):
        pages = get_client(root).get_paginator("list_objects_v2").paginate(**listing)
        prefixes = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", ())]
    return sorted(prefix.rstrip("/").rpartition("/")[2] for prefix in prefixes)


def newest(prefix: S3Location) -> tuple[datetime | None, datetime]:
    """When the newest object below a prefix was written, and the time now, both by the clock of S3."""
    times: list[datetime] = []
    with explain_errors(prefix):
        pages = (
            get_client(prefix).get_paginator("list_objects_v2").paginate(**name_bucket(prefix), Prefix=f"{prefix.key}/")
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
            with explain_errors(at):
                answer: dict[str, Any] = get_client(at).get_object(**name_object(at), **options)
                return answer["Body"].read(), answer
        except (HTTPError, OSError) as error:  # boto3 does not retry an answer that breaks off
            if attempt == TRIES:
                raise ServiceError(f"{at}: its bytes broke off {TRIES} times: {describe(error)}") from error
    raise AssertionError


def stream(at: S3Location, size: int, etag: str, chunk: int, first: int = 0) -> Iterator[bytes]:
    """The object's bytes in ranges of `chunk`, each pinned to one ETag."""
    for start in range(first, size, chunk):
        yield read(at, Range=f"bytes={start}-{min(start + chunk, size) - 1}", IfMatch=f'"{etag}"')


def put_if_absent(at: S3Location, content: bytes) -> bool:
    """One conditional PUT; True too where an earlier try of this very content had arrived, its answer lost."""
    for _ in range(TRIES):
        try:
            with explain_errors(at):
                get_client(at).put_object(**name_object(at), **choose_encryption(at), Body=content, IfNoneMatch="*")
        except DeliveryChangedError:
            return read(at) == content
        except ConflictError:  # another conditional PUT is under way: its outcome shows in the next
            time.sleep(0.2)
        else:
            return True
    raise ServiceError(f"{at}: {TRIES} conflicting writes came first")


def put(at: S3Location, content: bytes, content_type: str) -> None:
    """In the place of what is there: for what is made anew from the lake. Never below `raw/`."""
    with explain_errors(at):
        get_client(at).put_object(**name_object(at), **choose_encryption(at), Body=content, ContentType=content_type)


def read_footer(at: S3Location) -> tuple[BytesIO, int]:
    """What a Parquet reader needs to see of a file's end, as a file; and the size of the whole."""
    try:
        tail, answer = _read(at, Range=f"bytes=-{FOOTER}")
    except MissingError as error:
        raise PlatformError(f"{at} was just written and is gone") from error
    size, etag = int(answer["ContentRange"].rpartition("/")[2]), answer["ETag"]
    footer_size = int.from_bytes(tail[-8:-4], "little") + 8
    if footer_size > len(tail):
        tail = read(at, Range=f"bytes={max(0, size - footer_size)}-{size - 1}", IfMatch=etag)
    return BytesIO(b"PAR1" + tail), size


def tag(at: S3Location, tags: dict[str, str]) -> None:
    """In the place of the tags that the object has; its bytes, ETag and time stay."""
    tag_set = [{"Key": name, "Value": value} for name, value in tags.items()]
    with explain_errors(at):
        get_client(at).put_object_tagging(**name_object(at), Tagging={"TagSet": tag_set})


def upload(file: Path, at: S3Location) -> None:
    with explain_errors(at):
        get_client(at).upload_file(str(file), at.bucket, at.key, ExtraArgs=choose_encryption(at) | name_owner(at))


def upload_if_absent(file: Path, at: S3Location) -> bool:
    """The file as an object, whole or not at all; False, and nothing written, where another is already there."""
    if file.stat().st_size <= PIECE:
        return put_if_absent(at, file.read_bytes())
    with explain_errors(at):
        upload = get_client(at).create_multipart_upload(**name_object(at), **choose_encryption(at))["UploadId"]
    with ExitStack() as unfinished:
        unfinished.callback(_abort, at, upload)
        is_new = _complete_if_absent(file, at, upload)
        if is_new:
            unfinished.pop_all()
    return is_new


def _abort(at: S3Location, upload: str) -> None:
    """What made the upload fail is told, not that it cannot be taken back."""
    with suppress(PlatformError, MissingError), explain_errors(at):
        get_client(at).abort_multipart_upload(**name_object(at), UploadId=upload)


def _complete_if_absent(file: Path, at: S3Location, upload: str) -> bool:
    pieces: list[dict[str, Any]] = []
    with file.open("rb") as content:
        while piece := content.read(PIECE):
            number = len(pieces) + 1
            with explain_errors(at):
                response = get_client(at).upload_part(**name_object(at), UploadId=upload, PartNumber=number, Body=piece)
            pieces.append({"PartNumber": number, "ETag": response["ETag"]})
    try:
        with explain_errors(at):
            get_client(at).complete_multipart_upload(
                **name_object(at), UploadId=upload, MultipartUpload={"Parts": pieces}, IfNoneMatch="*"
            )
    except DeliveryChangedError:  # the key is taken, by another attempt or by this request, its answer lost
        return False
    return True


def copy(source: S3Location, target: S3Location) -> None:
    """Within S3, of at most 5 GiB; no byte of it comes here."""
    with explain_errors(target):
        get_client(target).copy_object(
            **name_object(target),
            **choose_encryption(target),
            CopySource={"Bucket": source.bucket, "Key": source.key},
        )


def remove(prefix: S3Location) -> None:
    """Everything below a scratch prefix. Never asked for below `raw/`, where nobody may delete."""
    assert "scratch" in prefix.key.split("/")
    with explain_errors(prefix):
        pages = (
            get_client(prefix).get_paginator("list_objects_v2").paginate(**name_bucket(prefix), Prefix=f"{prefix.key}/")
        )
        for page in pages:
            if keys := [{"Key": entry["Key"]} for entry in page.get("Contents", ())]:
                get_client(prefix).delete_objects(**name_bucket(prefix), Delete={"Objects": keys, "Quiet": True})


def make_delta_options(at: S3Location) -> dict[str, str]:
    """For delta-rs, with the credentials that boto3 found, so that both look in the same places."""
    service = at.service
    client = get_client(at)
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
        "aws_virtual_hosted_style_request": str(not is_path_style(at)).lower(),
        "aws_conditional_put": "etag",  # a commit is a PUT with If-None-Match (docs/decisions/0003)
        "aws_server_side_encryption": "aws:kms" if service.kms_key else None,
        "aws_sse_kms_key_id": service.kms_key,
    }
    return {name: value for name, value in options.items() if value}
