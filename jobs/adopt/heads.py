"""A file's first bytes -> its compression, its encoding and the text, never more of it than a sample needs."""

import codecs
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from jobs.adopt.questions import Answers, Question
from jobs.adopt.sample import MAX_BYTES
from jobs.clients import store
from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.contracts.deliveries import Compression
from jobs.errors import ContractError
from jobs.sources.unpacked import find_compression, unpack

_BLANK = b" \t\r\n"
_SHOWN = 256 * 2**10  # bytes of which the encoding is told
_USUAL = "windows-1252"
_FEW = 20  # letters beyond ASCII
# By the text alone, those that are most spoken first.
_ENCODINGS = {
    **{f"cp125{number}": f"windows-125{number}" for number in (2, 0, 1, 3, 4, 7, 5, 6, 8)},
    **{f"iso8859_{number}": f"iso-8859-{number}" for number in (2, 15, 5, 7, 9)},
}


@dataclass(frozen=True)
class Head:
    """`is_whole`: the text is all that the file holds; `is_ascii`: so are its bytes, whatever else its encoding has."""

    text: str
    compression: Compression | None
    encoding: str
    is_whole: bool
    is_ascii: bool = True


def read_head(root: Location, file: Input, answers: Answers) -> Head:
    """Raises ContractError where the file cannot be read, or is no text."""
    chunks = store.stream(root, file)
    first = next(chunks, b"")
    compression = find_compression(first)
    plain = chain((first,), chunks)
    head, is_whole = _take(unpack(plain, compression, file.uri) if compression else plain)
    if not head:
        raise ContractError(f"{file.uri}: the file is empty; a delivery with rows in it tells what they are")
    if head.lstrip(_BLANK).startswith(b"<"):
        raise ContractError(f"{file.uri}: HTML or XML; allowed are CSV, JSON, Excel (.xlsx) and Parquet")
    is_json = head.removeprefix(codecs.BOM_UTF8).lstrip(_BLANK).startswith((b"{", b"["))
    encoding = "utf-8" if is_json else _find_encoding(head, file.uri, answers)
    text = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)("replace").decode(head)
    return Head(text, compression, encoding, is_whole, head.isascii() and b"\0" not in head)


def _take(chunks: Iterable[bytes]) -> tuple[bytes, bool]:
    """MAX_BYTES at most, and whether that is all."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) > MAX_BYTES:
            return head[:MAX_BYTES], False
    return head, True


def _find_encoding(head: bytes, uri: str, answers: Answers) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return _ask_encoding(head, answers)
    if b"\0" in head[:_SHOWN]:
        raise ContractError(f"{uri}: no text (there is a NUL byte in it); allowed are CSV, JSON, Excel and Parquet")
    return "utf-8"


def _ask_encoding(head: bytes, answers: Answers) -> str:
    """No bytes prove one of these: it is the likeliest for the letters that come of them."""
    if b"\0" in head[:_SHOWN]:
        return "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
    from charset_normalizer import from_bytes

    found = from_bytes(head[:_SHOWN], cp_isolation=list(_ENCODINGS)).best()
    likeliest = _ENCODINGS.get(found.encoding, _USUAL) if found else _USUAL
    letters = sum(byte > 127 for byte in head)
    if letters < _FEW or head.decode(likeliest, "replace") == head.decode(_USUAL, "replace"):
        likeliest = _USUAL  # of these letters the same, or nobody could tell by so few
    what = f"the bytes are no UTF-8 ({letters:,} of {len(head):,} are beyond ASCII); read as {likeliest}"
    return answers.settle(Question("encoding", what, tuple(_ENCODINGS.values()), likeliest))
