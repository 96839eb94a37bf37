"""Packed bytes -> plain ones, whole or not at all: what is cut off, broken or followed by anything else is refused."""

import errno
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, assert_never

from jobs.contracts.deliveries import Compression
from jobs.errors import ContractError

if TYPE_CHECKING:
    import zipfile

_PIECE = 64 * 2**10  # packed bytes that are looked at at once: gzip makes at most a thousand times as many of them
_PLAIN = 2**20  # plain bytes that are given at once, of what may become more than that
# How a file begins that nobody would read as text.
SIGNS: dict[bytes, Compression] = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    **{b"BZh%d1AY&SY" % level: "bz2" for level in range(1, 10)},
}


class _Member(Protocol):
    """What gzip and bz2 are unpacked by."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...


def find_compression(head: bytes) -> Compression | None:
    """As what a file's first bytes give it away, whatever it is called."""
    return next((name for sign, name in SIGNS.items() if head.startswith(sign)), None)


def unpack(chunks: Iterable[bytes], compression: Compression, uri: str, folder: Path | None = None) -> Iterator[bytes]:
    """The plain bytes; a zip is put into `folder` for that long. Raises ContractError."""
    match compression:
        case "gzip":
            return read_gzip(chunks, uri)
        case "bz2":
            return _read_bz2(chunks, uri)
        case "zstd":
            return _read_zstd(chunks, uri)
        case "zip":
            return _read_zip(chunks, uri, folder)
        case _ as unknown:
            assert_never(unknown)


def read_gzip(chunks: Iterable[bytes], uri: str) -> Iterator[bytes]:
    """The plain bytes of a gzip file's members (RFC 1952), each checked against its own sum and length."""
    import zlib

    def make() -> Any:
        return zlib.decompressobj(16 + zlib.MAX_WBITS)

    def step(member: Any, data: bytes) -> Iterator[bytes]:
        yield member.decompress(data)

    return _read_members(_Packed(chunks, uri, "gzip"), make, step, zlib.error, padding=b"\0")


def _read_bz2(chunks: Iterable[bytes], uri: str) -> Iterator[bytes]:
    """The same of bz2, whose streams may follow each other too; a few bytes of it can become gigabytes."""
    import bz2

    def step(member: Any, data: bytes) -> Iterator[bytes]:
        yield member.decompress(data, _PLAIN)
        while not member.eof and not member.needs_input:
            yield member.decompress(b"", _PLAIN)

    return _read_members(_Packed(chunks, uri, "bz2"), bz2.BZ2Decompressor, step, OSError, padding=b"")


class _Packed:
    """A packed file's bytes, piece by piece, and what is told where they are no such file's."""

    def __init__(self, chunks: Iterable[bytes], uri: str, name: str) -> None:
        self._chunks, self._uri, self._name, self.at = chunks, uri, name, 0

    def pieces(self) -> Iterator[bytes]:
        """`at`: the byte at which the last one begins, and at the end, as many as there are."""
        for chunk in self._chunks:
            for begin in range(0, len(chunk), _PIECE):
                yield (piece := chunk[begin : begin + _PIECE])
                self.at += len(piece)

    def broken(self) -> ContractError:
        return ContractError(
            f"{self._uri}: its {self._name} data cannot be read, near byte {self.at}; ask for it again"
        )

    def cut_off(self) -> ContractError:
        return ContractError(
            f"{self._uri}: its {self._name} data end too soon, after {self.at} bytes; ask for it to be sent again"
        )


def _read_members(
    packed: _Packed,
    make: Callable[[], _Member],
    step: Callable[[Any, bytes], Iterator[bytes]],
    fault: type[Exception],
    padding: bytes,
) -> Iterator[bytes]:
    """`padding`: what may stand between and behind members."""
    member, members, is_within = make(), 0, False
    for piece in packed.pieces():
        rest = piece
        while rest := rest if is_within or not members else rest.lstrip(padding) if padding else rest:
            try:
                yield from step(member, rest)
            except fault:
                raise packed.broken() from None
            rest, is_within = member.unused_data, not member.eof
            if member.eof:
                member, members = make(), members + 1
    if is_within or not members:
        raise packed.cut_off()


def _read_zstd(chunks: Iterable[bytes], uri: str) -> Iterator[bytes]:
    """By the library that Arrow has in it."""
    import pyarrow as pa

    packed = _Packed(chunks, uri, "zstd")
    file = pa.PythonFile(Chunks(packed.pieces()), mode="r")
    try:
        with pa.CompressedInputStream(file, "zstd") as plain:
            while piece := plain.read(_PLAIN):
                yield piece
    except OSError as error:
        if error.errno is not None:  # the disk's own
            raise
        raise (packed.cut_off() if "Truncated" in str(error) else packed.broken()) from None
    if not packed.at:
        raise packed.cut_off()


def _read_zip(chunks: Iterable[bytes], uri: str, folder: Path | None) -> Iterator[bytes]:
    """The one member of a zip file, which tells at its end where it is."""
    import lzma
    import tempfile
    import zipfile
    import zlib

    broken = ContractError(f"{uri}: its zip data cannot be read, or end too soon; ask for it again")
    with tempfile.TemporaryFile(dir=folder) as file:
        file.writelines(chunks)
        try:
            with zipfile.ZipFile(file) as packed, packed.open(choose_member(packed, uri)) as member:
                while piece := member.read(_PLAIN):
                    yield piece
        except (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, ValueError):
            raise broken from None
        except OSError as error:
            if error.errno not in (None, errno.EINVAL):  # neither bzip2's, nor a place before the first byte
                raise
            raise broken from None
        except NotImplementedError:
            raise ContractError(
                f"{uri}: packed in a way that zip files seldom are; allowed are stored, deflate, bzip2 and lzma"
            ) from None


def choose_member(packed: "zipfile.ZipFile", uri: str) -> "zipfile.ZipInfo":
    """Folders, and what macOS keeps beside a file, are no members. Raises ContractError."""
    members = [one for one in packed.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        raise ContractError(f"{uri}: {len(members)} files in the zip, allowed is one; ask for each by itself")
    if members[0].flag_bits & 1:
        raise ContractError(f"{uri}: the zip asks for a password, which nobody can give here; ask for it without")
    return members[0]


class Chunks(io.RawIOBase):
    """Chunks of bytes as a file."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self._rest = iter(chunks), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._chunks, b"")
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)
