"""CSV with the dirt that suppliers send, and more of it than they would."""

from random import Random

HEADERS = [b"a,b", b"b,a", b"a,b,c", b"a", b'a,"x\ny",b', b"a,b,,", b"c,b,a,x", b'"a","b"']
CLEAN = [b"", b"1", b"x", b'""', b'"q"', b'"a,b"', b'"two\nlines"', b'"two\r\nlines"', b'"say ""hi"""', "é".encode()]
DIRTY = [
    *[b'3" pipe', b'x"', b'"', b'""x', b'"x"y', b'"x" ', b' "x"', b'"""', b'""""', b'"open', b'",', b'x""y'],
    *[b"\r", b"x\ry", b"\0", b"\xe9", b"caf\xc3", b"\xc3\xa9", b"\xff\xfe", b"\xed\xa0\x80", b"\xef\xbb\xbf"],
    *[b"\x81", b"\x80 7", b"\xa4"],
    *[
        b'"a\\"b"',
        b'"a\\\\"',
        b'"a\\',
        b'"x\\"y"z"',
        b'"\\,\n"',
        b'"\\""',
        b'"\\\\""',
        b'x\\"',
        b"#",
        b'#"',
        b'"#"',
        b"##x",
    ],
    *[b" ", b"\t", b"'", b";", b"\\", b'\\"', b"NULL", b"nan", b"19.90", b"x" * 90, b'"' + b"y\n" * 45 + b'"'],
    *[b'"\n"', b'"\r"', b'"\r\n"', b'",\n"', b'\n"', b'"\n', "\u2028".encode(), "\x85".encode(), b"\x0b", b"\x1a"],
]
ENDS = [b"\n", b"\r\n"]
ODD_ENDS = [b"\n\n", b"\r\r\n", b"\n \n", b"\n\r\n", b"\r", b"", b",\n", b"\n,", b"\n# x\n", b'\n#"\n']


def delivery(choose: Random) -> bytes:
    header = choose.choice(HEADERS)
    dirt = choose.choice([0, 0.03, 0.1, 0.4])
    end = choose.choice(ENDS)
    start = b"\xef\xbb\xbf" * (choose.random() < 0.1) + end * (choose.random() < 0.1)
    width = header.count(b",") + 1
    records = b"".join(record(choose, width, dirt, end) for _ in range(choose.randrange(14)))
    whole = start + header + end + records
    if choose.random() < dirt:
        at = choose.randrange(len(whole) + 1)
        whole = whole[:at] + choose.choice(DIRTY) + whole[at + choose.randrange(3) :]
    return whole.rstrip(b"\r\n") if choose.random() < 0.2 else whole


def framed(choose: Random) -> bytes:
    """With a line before the header and one behind the records, or not."""
    lines = [b"Report", b'"a\nb', b"", b"#", b"\xff" * 90]
    whole = choose.choice(lines) + choose.choice(ENDS) + delivery(choose)
    whole += (not whole.endswith(b"\n") and choose.random() < 0.9) * b"\n"
    return whole + choose.choice([b"END", b"END,1", b"END,1\n", b"END\r\n\n", b'END "\n', b"", b"EN\n"])


def record(choose: Random, width: int, dirt: float, end: bytes) -> bytes:
    if choose.random() < dirt / 3:
        width += choose.choice([-1, 1, 2])
    fields = [choose.choice(DIRTY if choose.random() < dirt else CLEAN) for _ in range(width)]
    return b",".join(fields) + (choose.choice(ODD_ENDS) if choose.random() < dirt else end)
