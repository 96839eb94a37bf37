"""Objects in a folder or on S3, in the same words: look, stream, list, one atomic put-if-absent, Parquet footers.

`jobs.clients.s3` (and with it boto3) is imported only where a location is on S3.
"""

import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

from jobs.clients.location import Location, S3Location, is_marker

if TYPE_CHECKING:
    import pyarrow.parquet as pq

CHUNK = 8 * 2**20  # bytes held of a delivery at a time


class Input(BaseModel):
    """One object, table or answer as it was delivered; equal inputs are the same delivery."""

    model_config = ConfigDict(frozen=True)

    uri: str
    size: int  # bytes
    etag: str
    last_modified: datetime | None = None
    version: str | None = None  # of an object in a versioned bucket that was looked at by its key
    content: str | None = None  # a hash: of an answer, as `etag`, but of no order of keys either; of a file's bytes

    def __eq__(self, other: object) -> bool:
        """The same bytes put again are no new delivery: neither time nor version counts.

        Of answers and files the content does, once both know it: manifests of older versions hold an `etag` only.
        """
        if not isinstance(other, Input) or (self.uri, self.size) != (other.uri, other.size):
            return False
        return self.content == other.content if self.content and other.content else self.etag == other.etag

    def __hash__(self) -> int:
        return hash((self.uri, self.size))


def look(root: Location, pattern: str) -> tuple[Input, ...]:
    """The objects below `root` whose path matches `pattern` (`*` allowed), sorted; none: not arrived."""
    if isinstance(root, Path):
        paths = (path for path in sorted(root.glob(pattern)) if path.is_file())
        return tuple(_make_input(path) for path in paths if not is_marker(path.name, path.stat().st_size))
    from jobs.clients import s3

    if "*" in pattern:
        listed = ((at, facts, int(facts["Size"])) for at, facts in s3.list_matching(root, pattern))
        objects = [found for found in listed if not is_marker(found[0].key.rpartition("/")[2], found[2])]
    else:
        facts = s3.head(root / pattern)
        objects = [(root / pattern, facts, int(facts["ContentLength"]))] if facts else []
        if not facts:
            s3.require_bucket(root)
    return tuple(
        Input(
            uri=str(at),
            size=size,
            etag=facts["ETag"].strip('"'),
            last_modified=facts["LastModified"],
            version=facts.get("VersionId"),
        )
        for at, facts, size in objects
    )


def look_for_any(root: Location, templates: tuple[str, ...], day: date) -> tuple[Input, ...]:
    """The objects of the first of the path templates that matches any."""
    for template in templates:
        if inputs := look(root, template.format(date=day)):
            return inputs
    return ()


def escape_glob(uri: str) -> str:
    """The name under which Spark reads an object: S3A is its S3 client, and it takes every path as a glob."""
    return re.sub("^s3:", "s3a:", re.sub(r"([*?\[\]{}\\])", r"\\\1", uri))


def _make_input(path: Path) -> Input:
    stat = path.stat()
    return Input(
        uri=str(path),
        size=stat.st_size,
        etag=f"{stat.st_mtime_ns:x}-{stat.st_size:x}",
        last_modified=datetime.fromtimestamp(stat.st_mtime, UTC),
    )


def stream(root: Location, file: Input, start: int = 0) -> Iterator[bytes]:
    """The object's bytes in chunks of at most `CHUNK`; `root`: the location that it was found below."""
    if isinstance(root, S3Location):
        from jobs.clients import s3

        at = S3Location(root.bucket, file.uri.removeprefix(f"s3://{root.bucket}/"), root.service)
        yield from s3.stream(at, file.size, file.etag, CHUNK, start)
        return
    with open(file.uri, "rb", buffering=0) as content:
        content.seek(start)
        while chunk := content.read(CHUNK):
            yield chunk


def list_objects(root: Location, pattern: str, first: str = "", last: str = "") -> Iterator[Location]:
    """The objects below `root` whose path matches `pattern`, sorted; asked for as far as they are taken.

    Only of what in `root` itself has a name from `first` to `last`: a range costs what is in it.
    """
    if isinstance(root, Path):
        here, _, below = pattern.partition("/")
        for folder in sorted(at for at in root.glob(here) if first <= at.name <= (last or at.name)):
            yield from sorted(folder.glob(below)) if below else [folder]
        return
    from jobs.clients import s3

    for at, _ in s3.list_matching(root, pattern, first, last):
        yield at


def list_folders(root: Location) -> list[str]:
    """The names of the folders in `root`, sorted; what is in them costs nothing."""
    if isinstance(root, Path):
        return sorted(at.name for at in root.glob("*") if at.is_dir())
    from jobs.clients import s3

    return s3.list_folders(root)


def read(at: Location) -> bytes:
    if isinstance(at, Path):
        return at.read_bytes()
    from jobs.clients import s3

    return s3.read(at)


class Footer(NamedTuple):
    """What a Parquet file's footer says, and the bytes of the whole."""

    rows: int
    bytes: int
    columns: tuple[str, ...]
    metadata: dict[str, str]


def read_footer(at: Location) -> Footer:
    footer, size = metadata(at)
    kept = {key.decode(): value.decode("utf-8", "replace") for key, value in (footer.metadata or {}).items()}
    return Footer(footer.num_rows, size, tuple(footer.schema.to_arrow_schema().names), kept)


def metadata(at: Location) -> "tuple[pq.FileMetaData, int]":
    """What a Parquet file's footer holds, and the bytes of the whole."""
    import pyarrow.parquet as pq

    if isinstance(at, Path):
        return pq.read_metadata(at), at.stat().st_size
    from jobs.clients import s3

    file, size = s3.read_footer(at)
    return pq.read_metadata(file), size


@contextmanager
def open_parquet(at: Location) -> Iterator["pq.ParquetFile"]:
    """A Parquet file to be read."""
    import pyarrow.parquet as pq

    if isinstance(at, Path):
        with pq.ParquetFile(at) as file:
            yield file
        return
    with pq.ParquetFile(io.BytesIO(read(at))) as file:
        yield file


@contextmanager
def create_file(at: Location) -> Iterator[IO[bytes]]:
    """A file to be written: put at `at` whole, at the end of the block; one that is there already stays as it is."""
    if isinstance(at, S3Location):
        from jobs.clients import s3

        with tempfile.NamedTemporaryFile() as file:
            yield file
            file.flush()
            s3.upload_if_absent(Path(file.name), at)
        return
    _make_folder(at.parent)
    unfinished = at.with_name(f".{at.name}.{uuid4().hex}")
    try:
        with _created(unfinished) as file:
            yield file
        with suppress(FileExistsError):
            os.link(unfinished, at)
    finally:
        unfinished.unlink(missing_ok=True)


def put_if_absent(at: Location, content: bytes) -> bool:
    """Write the object whole or not at all; False, and nothing written, where another is already there."""
    if isinstance(at, S3Location):
        from jobs.clients import s3

        return s3.put_if_absent(at, content)
    _make_folder(at.parent)
    with tempfile.NamedTemporaryFile(dir=at.parent, prefix=".") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        try:
            os.link(file.name, at)
        except FileExistsError:
            return False
    return True


def tag(at: Location, **tags: str) -> None:
    """A folder's files have none."""
    if isinstance(at, S3Location):
        from jobs.clients import s3

        s3.tag(at, tags)


def copy(source: Location, target: Location) -> None:
    """Whole or not at all; both in folders or both on S3."""
    if isinstance(source, S3Location) and isinstance(target, S3Location):
        from jobs.clients import s3

        return s3.copy(source, target)
    assert isinstance(source, Path)
    assert isinstance(target, Path)
    _make_folder(target.parent)
    unfinished = target.with_name(f".{target.name}.{uuid4().hex}")
    with source.open("rb") as content, _created(unfinished) as file:
        shutil.copyfileobj(content, file, CHUNK)
    unfinished.rename(target)
    return None


def _make_folder(folder: Path) -> None:
    """With those that lead to it, for its user only: what lies in a lake holds persons."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _created(at: Path) -> IO[bytes]:
    """A new file that only its user reads, also where an executor writes it, whose umask is nobody's choice."""
    return os.fdopen(os.open(at, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def hand_over(file: Path, scratch: Location) -> Input:
    """A local file where every task can read it: in place, or a copy of it below a scratch prefix on S3."""
    if isinstance(scratch, S3Location):
        from jobs.clients import s3

        s3.upload(file, scratch / file.name)
    (shared,) = look(scratch, file.name)
    return shared


def discard(scratch: Location) -> None:
    """Remove a scratch folder or prefix, if there is one."""
    if isinstance(scratch, Path):
        return shutil.rmtree(scratch, ignore_errors=True)
    from jobs.clients import s3

    return s3.remove(scratch)


def is_older(scratch: S3Location, age: timedelta) -> bool:
    """Whether all below a prefix has been there for longer, by the clock of S3."""
    from jobs.clients import s3

    newest, now = s3.newest(scratch)
    return newest is not None and now - newest > age


def make_delta_options(at: Location) -> dict[str, str] | None:
    """What delta-rs needs to reach a location."""
    if isinstance(at, Path):
        return None
    from jobs.clients import s3

    return s3.make_delta_options(at)
