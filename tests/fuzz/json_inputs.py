"""JSON in all its shapes, with the dirt that suppliers send, and more of it than they would."""

from random import Random

KEYS = [b'"a"', b'"b"', b'"c"', b'"x"']
ODD_KEYS = [
    b'"\\u0061"',
    b'"A "',
    b'""',
    '"名前"'.encode(),
    b'"a\\n"',
    b'"_rescued"',
    b'"\\ud800"',
    b'"k\xe9"',
    b"a",
    b"'a'",
    b'":"',
    b"1",
]
CLEAN = [
    *[b'"x"', b'""', '"é"'.encode(), b'"say \\"hi\\""', b'"a\\nb"', b'"\\u00e9\\ud83d\\ude00"', b'"{[,:"', b'"1"'],
    *[b"1", b"-0", b"19.90", b"1e400", b"1E+2", b"0.1e-7", b"9" * 60, b"true", b"false", b"null"],
    *[
        b'{"k":"v"}',
        b'[1, 2,\t"a b"]',
        b"{ }",
        b"[ ]",
        b'{"n": 1.50, "m": [null, {"o":"\\u0041"}]}',
        b'[{"a":"1"},{"b":"2"}]',
    ],
]
DIRTY = [
    *[b"NaN", b"Infinity", b"-Infinity", b"01", b"+1", b".5", b"1.", b"1e", b"- 1", b"0x1", b"True", b"nul", b"nulll"],
    *[b"'x'", b"x", b'"open', b'x"', b'"a\tb"', b'"a\x00b"', b'"\\x"', b'"\\u12"', b'"\x7f"', b'"\\u0000"', b'"\\/"'],
    *[
        b'"\\ud800"',
        b'"\\udc00 x"',
        b'["\\ud800"]',
        b'{"\\udfff":1}',
        b'"\xe9"',
        b'"\xed\xa0\x80"',
        b'["\xc3"]',
        b'{"\xff":1}',
    ],
    *[b'{"k":1,"k":2}', b"[1,]", b"[1 2]", b"{,}", b'{"k"}', b'{"k":}', b"[[]", b"[]]", b"{}}", b"/* c */ 1", b""],
    *[
        b"[" * 200 + b"]" * 200,
        b"[" * 500 + b"]" * 500,
        b'["[",' * 501 + b"1" + b"]" * 501,
        b"[" * 3000 + b"]" * 3000,
        b'"' + b"y" * 90 + b'"',
        b'"\\":"',
        b'" :"',
        b'"a" : "b"',
        b"1,2",
    ],
    *[
        '"\u2028"'.encode(),
        "\u00a01".encode(),
        b"\x0b1",
        b"\x0c",
        b"\xef\xbb\xbf1",
        b"1 x",
        b'"x" "y"',
        b"{}{}",
        b"[1][2]",
    ],
]
BLANKS = [b" ", b"\t", b"  "]
ENDS = [b"\n", b"\r\n"]
ODD_ENDS = [
    b"\n\n",
    b"\n \n",
    b"\r",
    b"",
    b" ",
    b",\n",
    b"x\n",
    b"\n[1]\n",
    b"\n1\n",
    b'\n"x"\n',
    b"\n\xef\xbb\xbf",
    b"\n\x0b\n",
    b"\n#\n",
]


def delivery(choose: Random) -> bytes:
    dirt = choose.choice([0, 0.03, 0.1, 0.4])
    whole = choose.choice([lines, lines, array, columns, one])(choose, dirt)
    whole = b"\xef\xbb\xbf" * (choose.random() < 0.1) + choose.choice(ENDS) * (choose.random() < 0.1) + whole
    if choose.random() < dirt:
        at = choose.randrange(len(whole) + 1)
        whole = whole[:at] + choose.choice(DIRTY) + whole[at + choose.randrange(3) :]
    return whole


def lines(choose: Random, dirt: float) -> bytes:
    end = choose.choice(ENDS)
    records = [one(choose, dirt) for _ in range(choose.randrange(14))]
    whole = b"".join(record + (choose.choice(ODD_ENDS) if choose.random() < dirt else end) for record in records)
    return whole.rstrip() if choose.random() < 0.3 else whole


def array(choose: Random, dirt: float) -> bytes:
    entries = [
        value(choose, dirt) if choose.random() < dirt / 2 else one(choose, dirt / 5) for _ in range(choose.randrange(8))
    ]
    between = choose.choice([b",", b", ", b",\n", b"\n,\r\n"])
    return b"[" + blank(choose) + between.join(entries) + blank(choose) + b"]" + choose.choice([b"", b"\n"])


def columns(choose: Random, dirt: float) -> bytes:
    """An object of columns, its indexes shifted or twice at times."""
    members = []
    for name in choose.sample(KEYS + ODD_KEYS if choose.random() < dirt / 2 else KEYS, choose.randrange(1, 4)):
        indexes = [b'"%d"' % number for number in range(choose.randrange(5) if choose.random() < dirt else 4)]
        if choose.random() < dirt:
            indexes.insert(
                choose.randrange(len(indexes) + 1),
                choose.choice([b'"0"', b'"9"', b'"\\u0031"', b'"\xe9"', b'"\\udc00"']),
            )
        entries = [index + b":" + blank(choose) + value(choose, dirt / 5) for index in indexes]
        members.append(name + b":" + blank(choose) + b"{" + b",".join(entries) + b"}")
    return b"{" + choose.choice([b",", b",\n"]).join(members) + b"}"


def one(choose: Random, dirt: float) -> bytes:
    keys = choose.sample(KEYS, choose.randrange(5))
    if choose.random() < dirt:
        keys.insert(choose.randrange(len(keys) + 1), choose.choice(ODD_KEYS + KEYS))
    members = [key + blank(choose) + b":" + blank(choose) + value(choose, dirt / 2) for key in keys]
    return b"{" + blank(choose) + (b"," + blank(choose)).join(members) + b"}"


def value(choose: Random, dirt: float) -> bytes:
    return choose.choice(DIRTY if choose.random() < dirt else CLEAN)


def blank(choose: Random) -> bytes:
    return choose.choice(BLANKS) if choose.random() < 0.1 else b""
