"""Deliveries that come in gzip or UTF-16: made plain once, by the driver, in scratch, and read there like any."""

import codecs
import hashlib
import zlib
from collections.abc import Iterable, Iterator

from jobs.clients import store
from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.errors import ContractError
from jobs.sources.reading import Request

_GZIP = 16 + zlib.MAX_WBITS
_NO_TEXT = b"\xff"
_PIECE = 64 * 2**10  # bytes that are unpacked at once: gzip makes at most a thousand times as many of them


def make_plain(
    request: Request, root: Location, file: Input, compression: str | None, encoding: str | None
) -> tuple[Location, Input]:
    """The bytes that a file's splits are cut in, and below which location they are read. Raises ContractError."""
    chunks: Iterable[bytes] = store.stream(root, file)
    if compression:
        chunks = read_gzip(chunks, file.uri)
    if encoding:
        chunks = read_utf_16(chunks, encoding, file.uri)
    path = request.work / hashlib.sha256(file.uri.encode()).hexdigest()[:16]
    with path.open("wb") as plain:
        plain.writelines(chunks)
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


def read_utf_16(chunks: Iterable[bytes], encoding: str, uri: str) -> Iterator[bytes]:
    """The same text in UTF-8; half a pair of surrogates, and half a character at the end, as bytes that are none.

    `utf-16`: in the order that its byte order mark tells. Raises ContractError where that is missing or another one.
    """
    decoder: codecs.IncrementalDecoder | None = None
    head = b""
    for chunk in chunks:
        head = head + chunk if decoder is None else chunk
        if decoder is None and len(head) > 1:
            decoder = codecs.getincrementaldecoder(_choose_order(head[:2], encoding, uri))("surrogatepass")
        if decoder is not None:
            yield decoder.decode(head).encode("utf-8", "surrogatepass")
    if decoder.getstate()[0] if decoder else head:
        yield _NO_TEXT


def _choose_order(mark: bytes, encoding: str, uri: str) -> str:
    marked = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}.get(mark)
    if marked and encoding in (marked, "utf-16"):
        return marked
    if marked or encoding == "utf-16":
        raise ContractError(f"{uri}: {marked or 'no byte order mark'}; encoding = {encoding!r} is expected")
    return encoding
