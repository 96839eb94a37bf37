"""An object as a file to go about in: on S3 each part is asked for when it is read, pinned to one ETag."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from jobs.clients.location import Location, S3Location
from jobs.clients.store import Input

_AHEAD = 2**20  # bytes that are asked for at least


@contextmanager
def open_input(root: Location, file: Input) -> Iterator[IO[bytes]]:
    """`root`: the location that it was found below."""
    if isinstance(root, S3Location):
        at = S3Location(root.bucket, file.uri.removeprefix(f"s3://{root.bucket}/"), root.service)
        with io.BufferedReader(_Parts(at, file), _AHEAD) as parts:
            yield parts
        return
    with open(file.uri, "rb") as content:
        yield content


class _Parts(io.RawIOBase):
    def __init__(self, at: S3Location, file: Input) -> None:
        self._at, self._size, self._etag, self._position = at, file.size, file.etag, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + {io.SEEK_CUR: self._position, io.SEEK_END: self._size}.get(whence, 0)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        from jobs.clients import s3

        end = min(self._position + len(buffer), self._size)
        if end <= self._position:
            return 0
        part = s3.read(self._at, Range=f"bytes={self._position}-{end - 1}", IfMatch=f'"{self._etag}"')
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)
