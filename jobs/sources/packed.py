"""Deliveries that come packed or in UTF-16: made plain once, by the driver, in scratch, and read there like any."""

import codecs
from collections.abc import Iterable, Iterator

from jobs.clients import store
from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.contracts.deliveries import FileDelivery
from jobs.errors import ContractError
from jobs.sources.reading import Request
from jobs.sources.unpacked import unpack

ROOM = 2**30  # bytes that any packed file may become
_NO_TEXT = b"\xff"


def make_plain(
    request: Request, root: Location, file: Input, delivery: FileDelivery, encoding: str | None
) -> tuple[Location, Input]:
    """The bytes that a file's splits are cut in, and below which location they are read. Raises ContractError."""
    chunks: Iterable[bytes] = store.stream(root, file)
    if delivery.compression:
        unpacked = unpack(chunks, delivery.compression, file.uri, request.work)
        chunks = _keep_within(unpacked, max(ROOM, delivery.max_ratio * file.size), file.uri)
    if encoding:
        chunks = read_utf_16(chunks, encoding, file.uri)
    path = request.place(file.uri)
    with path.open("wb") as plain:
        plain.writelines(chunks)
    return request.shared, store.hand_over(path, request.shared)


def _keep_within(chunks: Iterable[bytes], limit: int, uri: str) -> Iterator[bytes]:
    """Raises ContractError where more bytes come than any honest file holds: the disk is everybody's."""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise ContractError(
                f"{uri}: unpacked it has more than {limit} bytes, allowed are a GiB or delivery.max_ratio times its "
                "own size; raise it if that is right"
            )
        yield chunk


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
