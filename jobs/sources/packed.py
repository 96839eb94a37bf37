"""Deliveries that come compressed: unpacked once, by the driver, into scratch, where their splits are read like any."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator

from jobs.clients import store
from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.errors import ContractError
from jobs.sources.reading import Request

_GZIP = 16 + zlib.MAX_WBITS
_PIECE = 64 * 2**10  # bytes that are unpacked at once: gzip makes at most a thousand times as many of them


def unpack(request: Request, root: Location, file: Input) -> tuple[Location, Input]:
    """The plain bytes of a gzip file, and below which location they are read. Raises ContractError."""
    path = request.work / hashlib.sha256(file.uri.encode()).hexdigest()[:16]
    with path.open("wb") as plain:
        for piece in read_gzip(store.stream(root, file), file.uri):
            plain.write(piece)
    where = request.scratch if request.engine.name == "spark" else request.work
    return where, store.hand_over(path, where)


def read_gzip(chunks: Iterable[bytes], uri: str) -> Iterator[bytes]:
    """The plain bytes of a gzip file's members (RFC 1952), each checked against its own sum and length.

    Raises ContractError where it is cut off, broken, or no gzip.
    """
    pieces = (chunk[at : at + _PIECE] for chunk in chunks for at in range(0, len(chunk), _PIECE))
    member, at, members = zlib.decompressobj(_GZIP), 0, 0
    is_within = False
    for piece in pieces:
        rest = piece
        while rest := rest if is_within or not members else rest.lstrip(b"\0"):  # padding between members
            try:
                plain = member.decompress(rest)
            except zlib.error:
                raise ContractError(f"{uri}: its gzip data cannot be read, near byte {at}; ask for it again") from None
            yield plain
            rest, is_within = member.unused_data, not member.eof
            if member.eof:
                member, members = zlib.decompressobj(_GZIP), members + 1
        at += len(piece)
    if is_within or not members:
        raise ContractError(f"{uri}: its gzip data end too soon, after {at} bytes; ask for it to be sent again")
