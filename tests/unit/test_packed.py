import codecs
import gzip
import zlib

import pytest

from jobs.errors import ContractError
from jobs.sources.packed import read_gzip, read_utf_16

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
