"""Objects in a folder (S3: the same words, later): look, stream, and one atomic put-if-absent."""

import os
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

CHUNK = 8 * 2**20  # bytes held of a delivery at a time


class Input(BaseModel):
    """One object, table or answer as it was delivered; equal inputs are the same delivery."""

    model_config = ConfigDict(frozen=True)

    uri: str
    size: int  # bytes
    etag: str
    last_modified: datetime | None = None


def look(root: Path, pattern: str) -> tuple[Input, ...]:
    """The objects below `root` whose path matches `pattern` (`*` allowed), sorted; none: not arrived."""
    found = sorted(path for path in root.glob(pattern) if path.is_file())
    return tuple(_input(path) for path in found)


def look_any(root: Path, templates: tuple[str, ...], day: date) -> tuple[Input, ...]:
    """The objects of the first of the path templates that matches any."""
    for template in templates:
        if found := look(root, template.format(date=day)):
            return found
    return ()


def escaped(path: str) -> str:
    """For Spark, which takes every path as a glob."""
    return re.sub(r"([*?\[\]{}\\])", r"\\\1", path)


def _input(path: Path) -> Input:
    stat = path.stat()
    return Input(
        uri=str(path),
        size=stat.st_size,
        etag=f"{stat.st_mtime_ns:x}-{stat.st_size:x}",
        last_modified=datetime.fromtimestamp(stat.st_mtime, UTC),
    )


def stream(uri: str) -> Iterator[bytes]:
    """The object's bytes in chunks of at most `CHUNK`."""
    with open(uri, "rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def put_if_absent(path: Path, content: bytes) -> bool:
    """Write the object whole or not at all; False, and nothing written, where it is already there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), 0o644)
        try:
            os.link(file.name, path)
        except FileExistsError:
            return False
    return True
