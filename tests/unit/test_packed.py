import bz2
import codecs
import gzip
import io
import zipfile
import zlib
from collections import Counter

import pyarrow as pa
import pytest

from jobs.contracts.deliveries import Compression
from jobs.errors import ContractError
from jobs.sources.packed import read_utf_16
from jobs.sources.unpacked import read_gzip, unpack

PLAIN = b"a,b\n" + b"".join(b"%d,x\n" % number for number in range(60))
MEMBERS = gzip.compress(PLAIN[:100], mtime=0) + b"\0\0" + gzip.compress(PLAIN[100:], mtime=0) + b"\0"


def read(content: bytes, size: int) -> bytes | None:
    """None: refused."""
    chunks = [content[at : at + size] for at in range(0, len(content), size)]
    try:
        return b"".join(read_gzip(chunks, "x.gz"))
    except ContractError:
        return None


def read_by_python(content: bytes) -> bytes | None:
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error):
        return None


@pytest.mark.parametrize("size", [1, 2, 3, 17, 1000])
def test_members_are_read_whole_however_the_bytes_come(size: int) -> None:
    assert read(MEMBERS, size) == PLAIN


@pytest.mark.parametrize("size", [1, 1000])
def test_a_file_cut_off_at_any_byte_is_refused_unless_a_member_ends_there(size: int) -> None:
    end = len(gzip.compress(PLAIN[:100], mtime=0))
    for at in range(len(MEMBERS)):
        expected = {end: PLAIN[:100], end + 1: PLAIN[:100], end + 2: PLAIN[:100], len(MEMBERS) - 1: PLAIN}.get(at)
        assert read(MEMBERS[:at], size) == expected, at


@pytest.mark.parametrize("size", [1, 1000])
def test_a_file_with_any_bit_changed_is_what_it_is_to_python(size: int) -> None:
    """Refused, but for what stands in a member's header and means nothing: its time, its system.

    Python's gzip takes the reserved flags too, which RFC 1952 (2.3.1.2) has refused.
    """
    accepted, strict = 0, []
    for at in range(len(MEMBERS)):
        for bit in range(8):
            content = MEMBERS[:at] + bytes([MEMBERS[at] ^ 1 << bit]) + MEMBERS[at + 1 :]
            found, by_python = read(content, size), read_by_python(content)
            accepted += found is not None
            strict += [(at, bit)] if found != by_python else []
            assert found in (None, by_python), (at, bit)
    second = len(gzip.compress(PLAIN[:100], mtime=0)) + 2
    assert strict == [(member + 3, bit) for member in (0, second) for bit in (5, 6, 7)]
    assert 0 < accepted < 8 * 2 * 8


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    with zipfile.ZipFile(file := io.BytesIO(), "w", method) as packed:
        for name, content in members:
            packed.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


zstd = pa.Codec("zstd")
PACKED: dict[Compression, bytes] = {
    "bz2": bz2.compress(PLAIN[:100]) + bz2.compress(PLAIN[100:]),
    "zstd": zstd.compress(PLAIN[:100], asbytes=True) + zstd.compress(PLAIN[100:], asbytes=True),
    "zip": zipped(("folder/", b""), ("folder/day.csv", PLAIN), ("__MACOSX/._day.csv", b"x")),
}
ENDS = {"bz2": [len(bz2.compress(PLAIN[:100]))], "zstd": [len(zstd.compress(PLAIN[:100], asbytes=True))], "zip": []}


def unpacked(content: bytes, compression: Compression, size: int = 1000) -> bytes | str:
    """Its plain bytes, or why it is refused."""
    chunks = [content[at : at + size] for at in range(0, len(content), size)]
    try:
        return b"".join(unpack(chunks, compression, "x"))
    except ContractError as error:
        return str(error)


@pytest.mark.parametrize("size", [1, 2, 17, 1000])
@pytest.mark.parametrize("compression", PACKED)
def test_what_is_packed_is_read_whole_however_the_bytes_come(compression: Compression, size: int) -> None:
    assert unpacked(PACKED[compression], compression, size) == PLAIN


@pytest.mark.parametrize("compression", PACKED)
def test_what_is_cut_off_at_any_byte_is_refused_unless_a_part_ends_there(compression: Compression) -> None:
    whole = PACKED[compression]
    found = {at: unpacked(whole[:at], compression) for at in range(len(whole))}
    assert {at: text for at, text in found.items() if isinstance(text, bytes)} == dict.fromkeys(
        ENDS[compression], PLAIN[:100]
    )
    assert all(f"x: its {compression} data" in text for text in found.values() if isinstance(text, str))
    assert "cannot be read" in str(unpacked(whole + b"more", compression)) or compression == "zip"


@pytest.mark.parametrize("compression", ["bz2", "zip"])
def test_no_bit_that_is_changed_changes_what_is_read(compression: Compression) -> None:
    """Their sums see it; zstd's frames need not have one."""
    whole, found = PACKED[compression], Counter[bool]()
    for at in range(len(whole)):
        text = unpacked(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :], compression)
        assert isinstance(text, str) or text == PLAIN, at
        found[isinstance(text, str)] += 1
    assert found[True] > 50


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (zipped(), "x: 0 files in the zip, allowed is one"),
        (zipped(("a.csv", b"a"), ("b.csv", b"b")), "x: 2 files in the zip, allowed is one"),
        (zipped(("a.csv", b"a")).replace(b"\x00\x00\x08\x00", b"\x01\x00\x08\x00"), "asks for a password"),
        (zipped(("a.csv", b"a")).replace(b"\x00\x00\x08\x00", b"\x00\x00\x09\x00"), "in a way that zip files seldom"),
        (PLAIN, "its zip data cannot be read"),
    ],
    ids=["none", "two", "password", "deflate64", "no zip"],
)
def test_a_zip_with_another_number_of_files_than_one_or_that_nobody_can_open_is_refused(
    content: bytes, why: str
) -> None:
    assert why in str(unpacked(content, "zip"))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zips_are_packed_in_four_ways(method: int) -> None:
    assert unpacked(zipped(("a.csv", PLAIN), method=method), "zip") == PLAIN


@pytest.mark.parametrize("compression", ["gzip", *PACKED])
def test_a_few_bytes_that_become_very_many_come_piece_by_piece(compression: Compression) -> None:
    """As many bytes of nothing in memory as a piece, whatever the file holds."""
    nothing = bytes(2**25)
    makers = {"gzip": gzip.compress, "bz2": bz2.compress, "zip": lambda content: zipped(("a", content))}
    content = makers.get(compression, lambda content: zstd.compress(content, asbytes=True))(nothing)
    pieces = [len(piece) for piece in unpack([content], compression, "x")]
    assert (sum(pieces), max(pieces) <= 2**26) == (2**25, True)


TEXT = "a\tb\n1\té €\n2\t😀\u2028\n"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), "utf-16"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "utf-16"),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_utf_16_is_read_as_the_text_it_is_however_the_bytes_come(content: bytes, encoding: str, size: int) -> None:
    chunks = [content[at : at + size] for at in range(0, len(content), size)]
    assert b"".join(read_utf_16(chunks, encoding, "x")).decode("utf-8-sig") == TEXT


@pytest.mark.parametrize("content", ["a\ud83d,b".encode("utf-16-le", "surrogatepass"), "a,b".encode("utf-16-le")[:-1]])
def test_half_a_character_of_utf_16_is_no_text(content: bytes) -> None:
    plain = b"".join(read_utf_16([content], "utf-16-le", "x"))
    assert plain.startswith(b"a")
    with pytest.raises(UnicodeDecodeError):
        plain.decode()


@pytest.mark.parametrize(
    ("content", "encoding", "why"),
    [
        ("a".encode("utf-16-le"), "utf-16", "no byte order mark; encoding = 'utf-16' is expected"),
        (codecs.BOM_UTF16_BE, "utf-16-le", "utf-16-be; encoding = 'utf-16-le' is expected"),
        (b"a,b\n", "utf-16", "no byte order mark"),
    ],
)
def test_utf_16_in_another_order_is_refused(content: bytes, encoding: str, why: str) -> None:
    with pytest.raises(ContractError, match=why):
        list(read_utf_16([content], encoding, "x"))
