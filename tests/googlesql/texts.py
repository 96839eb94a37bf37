"""What suppliers might send, and worse: the same texts in every run."""
# ruff: noqa: RUF001  # letters that look like others are what this is about

import random
from collections.abc import Iterator

BLANKS = " \t\n\v\f\r\u00a0"  # what a text is trimmed of
OTHER_BLANKS = "\x1c\x1f\x85\u1680\u2003\u2028\u2029\u202f\u3000\u200b\ufeff"
WORDS = [
    "Resolved", "in-progress", "IN_PROGRESS", "Backlog", "blocked", "Technician Support", "network_failure", "payments",
    "Router-Delivery", "Senior", "mid level", "Junior", "INTERN", "F", "m", "LinkedIn", "Mastodon", "done", "Ohio", "",
    "İntern", "INTERN\u0307", "Bac\u212alog", "Re\u017folved", "ΟΔΟΣ", "Straße", "ẞ", "ﬁ", "Ǆ", "ÅNGSTRÖM", "Ⓡ",
    "ｆｕｌｌ", "日本語", "👩\u200d🔧", "e\u0301", "é", "𐐀", "\u1c89", "\ua7cb", "'", '"', "\\", "\\n", "%", "_",
    "$1", "{{x}}", "null", "<null>", "|", "a|b", "--", ";", "\x01", "\x7f",
]  # fmt: skip
DAYS = [
    "2025-11-20", "2025-02-28", "2025-02-29", "2024-02-29", "1900-02-29", "2000-02-29", "2025-11-31", "2025-13-01",
    "2025-00-10", "2025-11-00", "0000-01-01", "0001-01-01", "0999-12-31", "1000-01-01", "1582-10-10", "1969-12-31",
    "9999-12-31", "10000-01-01", "-2025-11-20", "+2025-11-20", "2025-1-2", "25-11-20", "20251120", "2025/11/20",
    "20-11-2025", "2025-11-2０", "2025-11-20 (BC)",
]  # fmt: skip
TIMES = [
    "10:00", "00:00", "23:59", "24:00", "10:60", "9:05", "10", "1000", "10:00:00", "23:59:59", "23:59:60", "24:00:00",
    "10:00:61", "10:0:0", "10:00:00.", "10:00:00.5", "10:00:00.123", "10:00:00.123456", "10:00:00.999999",
    "10:00:00.1234567", "10:00:00.9999999", "23:59:59.999999999", "10:00:00.1234567890", "10:00:00,5", "10:00:00 PM",
    "10:00 AM", "٠١:٠٠",
]  # fmt: skip
OFFSETS = [
    "", "Z", "z", " Z", " UTC", "UTC", " utc", " GMT", " EST", " Europe/Berlin", "[UTC]", "+00", "-00:00", "+02",
    "+0200", "+02:00", "-05", "-0530", "-05:30", "+13:59", "+14", "+14:00", "-1400", "+14:01", "+15:00", "-15:59", "+2",
    "+2:00", "+020", "+02:60", "+01:00:00", " +02:00", "+ 02:00", "−02:00", "+02:00Z", "Z+02:00",
]  # fmt: skip
NAMES = ["ann.lee", "Ann.Lee", "o'hara", "josé", "İpek", "a+b", "a b", "", "x" * 70, "a@b", "ΣΑΣ"]
DOMAINS = [
    "gmail.com", "GmaiL.om", "hotmai.com", "HOTMAI.om", "hotmail.com", "hotmai.com ", "notmai.com", "sub.hotmai.com",
    "yahoo.com", "example.om", "om", ".om", "x.om.", "x.co.om", "exämple.om", "hotmai.com\n", "hotmaİ.com", "",
]  # fmt: skip
NUMBERS = [
    "0", "7", "0012", "00", "1,200", "1.0", "1e3", "-1", "+1", "0x1F", "1_000", "٣", "１２", "1 2", "", "NaN",
    "9" * 18, "9" * 19, "0" * 30 + "9", "9223372036854775807", "9223372036854775808", "9" * 39, "12.", "½",
]  # fmt: skip
DECIMALS = [
    "1.5", "1,5", "1.234,5", "1,234.5", "1.234.567,89", "1,23,4", "0,5", "-1.234,5", "+7.25", "12.345", "1.2345678901",
    "1.123456789", f"{'9' * 18}.{'9' * 9}", "1.", ".5", "1..5", "1 234,5", "1'234.5", "yes", "No", "YES ", "1.234.56,7",
]  # fmt: skip
STREETS = [
    "1 High St",
    "1 High St\nApt 4",
    "\n",
    "  2  Low Rd ",
    "Ünter den Linden 5,",
    "PSC 1, Box 2",
    "",
    "ΟΔΟΣ 3",
    "a\r\nb",
]
PLACES = [
    "Columbus, OH 43004", "Columbus,, OH 43004", "St. Paul , MN 55101", "APO AA 34001", "DPO, AE 09001", "oh, oh 43004",
    "Columbus OH 4300", "Columbus, OH 43004-1234", "Columbus, Ohio 43004", ", OH 43004", " OH 43004", "OH 43004",
    "München, OH 43004", "Columbus, OH\t43004", "日本, OH 43004", "Columbus, OH ４３００４", "👩\u200d🔧, OH 43004",
]  # fmt: skip
HOW_MANY = 700  # of each kind


def kinds(seed: int = 19) -> dict[str, list[str | None]]:
    """Name of a kind to its texts; each has what others have too, some of it changed by a character or two."""
    chance = random.Random(seed)
    made: dict[str, list[str]] = {
        "words": [*WORDS, *(_recased(chance, chance.choice(WORDS)) for _ in range(200))],
        "moments": list(_moments(chance)),
        "emails": [f"{name}@{domain}" for name in NAMES for domain in DOMAINS],
        "numbers": [*NUMBERS, *(str(chance.randrange(10 ** chance.randrange(1, 24))) for _ in range(150))],
        "addresses": [
            f"{street}{end}{place}" for street in STREETS for end in ("\n", "\r\n", "\n ", ", ") for place in PLACES
        ],
        "written": [*_days_written_otherwise(chance), *DECIMALS],
    }
    return {kind: [None, *_hostile(chance, texts)][:HOW_MANY] for kind, texts in made.items()}


def _moments(chance: random.Random) -> Iterator[str]:
    """Every day, every time and every offset at least once beside good ones, then mixed."""
    yield from DAYS
    yield from (f"2025-11-20{mark}{time}" for time in TIMES for mark in " T")
    yield from (
        f"2025-11-20{mark}{time}{offset}" for offset in OFFSETS for mark, time in ((" ", "10:00:00"), ("T", "10:00"))
    )
    yield from (f"9999-12-31 23:59:59{offset}" for offset in ("+01:00", "-01:00", "-00:00"))
    yield from (f"2025-11-20{mark}10:00:00" for mark in ("t", "  ", "_", "\t", "\u00a0", ""))
    for _ in range(150):
        day = f"{chance.randrange(1000, 10000)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 32):02}"
        time = f"{chance.randrange(24):02}:{chance.randrange(60):02}"
        seconds = f":{chance.randrange(60):02}" * chance.randrange(2)
        fraction = f".{chance.randrange(10**9):09}"[: chance.randrange(2, 11)] if seconds else ""
        yield f"{day}{chance.choice(' T')}{time}{seconds}{fraction}{chance.choice(OFFSETS[:2] + OFFSETS[12:20])}"
    for _ in range(150):
        day, time, offset = (chance.choice(DAYS[:17]), chance.choice(TIMES), chance.choice(OFFSETS))
        yield f"{day}{chance.choice(' T')}{time}{offset}"


def _days_written_otherwise(chance: random.Random) -> Iterator[str]:
    """Day, month and year in each order, behind each mark, with one digit or two, and now and then a time."""
    for _ in range(250):
        year, month, day = str(chance.randrange(900, 10100)), chance.randrange(15), chance.randrange(34)
        parts = [year, *(f"{one:0{chance.randrange(1, 3)}}" for one in (month, day))]
        chance.shuffle(parts)
        text = chance.choice(["/", ".", "-", ""]).join(parts)
        yield text + chance.choice(["", "", f" {chance.choice(TIMES)}", f"T{chance.choice(TIMES)}Z", " 9:05:00 +02:00"])


def _recased(chance: random.Random, text: str) -> str:
    return "".join(chance.choice((one.upper(), one.lower(), one)) for one in text)


def _hostile(chance: random.Random, texts: list[str]) -> list[str]:
    """The texts, then ones between blanks or with a character added, gone or doubled."""
    changed = [_changed(chance, chance.choice(texts)) for _ in range(HOW_MANY)]
    return list(dict.fromkeys([*chance.sample(texts, len(texts)), *changed]))[: HOW_MANY - 1]


def _changed(chance: random.Random, text: str) -> str:
    for _ in range(chance.randrange(1, 3)):
        at = chance.randrange(len(text) + 1)
        odd = chance.choice(BLANKS + OTHER_BLANKS + "0:-+.TZz@,|_%'\\İΣ\u0307")
        match chance.randrange(5):
            case 0:
                text = text[:at] + odd + text[at:]
            case 1:
                text = text[:at] + text[at + 1 :]
            case 2:
                text = text[:at] + text[at : at + 1] * 2 + text[at + 1 :]
            case _:
                text = (
                    chance.choice(BLANKS + OTHER_BLANKS) * chance.randrange(3)
                    + text
                    + chance.choice(BLANKS) * chance.randrange(3)
                )
    return text
