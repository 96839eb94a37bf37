"""What becomes of a JSON delivery by Python's json: numbers kept as text; NaN and half surrogate pairs refused."""

import json
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from jobs.contracts.mapping import map_columns
from jobs.contracts.source import SourceContract
from jobs.errors import ContractError
from tests.fuzz.outcome import Outcome, Rejected, Row, rejected, rescued

NOT_AN_OBJECT, NOT_UTF_8, TOO_DEEP = "not a JSON object", "not UTF-8", "nested too deeply"
DEEP = 500  # brackets open at once within a value
BLANK = " \t\r\n"
TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")|"|[^"{}\[\]:, \t\r\n]+', re.DOTALL)
Member = tuple[str, str | None]  # key and text


class FaultyError(Exception):
    """Why a record cannot land."""


def no_constant(name: str) -> None:
    raise ValueError(name)


def parsed(text: str) -> Any:
    """Objects as lists of pairs within a tuple, so that no key is lost and no array is taken for one."""
    return json.loads(text, object_pairs_hook=tuple, parse_int=str, parse_float=str, parse_constant=no_constant)


def parts(text: str, separator: str) -> Iterator[str]:
    """What stands between separators outside strings, brackets and braces; `text` is sound."""
    depth, is_text, is_escaped, begin = 0, False, False, 0
    for at, character in enumerate(text):
        if is_text:
            is_text = is_escaped or character != '"'
            is_escaped = character == "\\" and not is_escaped
        elif character == separator and not depth:
            yield text[begin:at].strip(BLANK)
            begin = at + 1
        else:
            is_text = character == '"'
            depth += (character in "{[") - (character in "}]")
    if last := text[begin:].strip(BLANK):
        yield last


def entries(text: str) -> list[str]:
    """Of an array or an object, as text."""
    return list(parts(text.strip(BLANK)[1:-1], ","))


def halves(text: str) -> list[tuple[str, str]]:
    """Keys and values, both as they are written. Raises ValueError."""
    return [(key, value) for key, value in (tuple(parts(entry, ":")) for entry in entries(text))]


def pairs(text: str) -> list[tuple[str, str]]:
    """Keys, and values as text."""
    return [(json.loads(key), value) for key, value in halves(text)]


def own_text(value: str) -> str | None:
    if value.startswith('"'):
        return str(json.loads(value))
    if value == "null":
        return None
    return "".join(without_blanks(value)) if value[0] in "{[" else value


def without_blanks(text: str) -> Iterator[str]:
    is_text = is_escaped = False
    for character in text:
        if is_text:
            is_text = is_escaped or character != '"'
            is_escaped = character == "\\" and not is_escaped
        elif character in BLANK:
            continue
        else:
            is_text = character == '"'
        yield character


def checked(raw: bytes, must_be_object: bool = False) -> str:
    """A value's text. Raises FaultyError."""
    try:
        text = raw.decode()
        if must_be_object and not text.lstrip(BLANK).startswith("{"):
            raise FaultyError(NOT_AN_OBJECT)
        value = parsed(text)
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        raise FaultyError(NOT_UTF_8) from None
    except RecursionError:
        raise FaultyError(TOO_DEEP) from None
    except ValueError:
        raise FaultyError(NOT_AN_OBJECT) from None
    return text


def record_of(raw: bytes, longest: int) -> list[Member]:
    """Raises FaultyError."""
    if len(raw) > longest:
        raise FaultyError("longer than allowed")
    if is_odd(raw) and depth(raw.decode("utf-8", "replace")) > DEEP + 1:
        raise FaultyError(f"{NOT_UTF_8}|{TOO_DEEP}|{NOT_AN_OBJECT}")
    text = checked(raw, must_be_object=True)
    if any(depth(value) > DEEP for _, value in pairs(text)):
        raise FaultyError(TOO_DEEP)
    return [(key, own_text(value)) for key, value in pairs(text)]


def is_odd(raw: bytes) -> bool:
    """Whether it may hold half a letter."""
    return b"\\ud" in raw.lower() or "\ufffd" in raw.decode("utf-8", "replace")


def depth(text: str) -> int:
    steps = ((bracket in "{[") - (bracket in "}]") for bracket in TOKEN.sub("", text))
    return max(accumulate(steps), default=0)


class Delivery:
    """Its sound records and its faulty ones."""

    def __init__(self, contract: SourceContract, longest: int) -> None:
        self.contract, self.longest = contract, longest
        self.records: list[list[Member]] = []
        self.faulty: list[Rejected] = []

    def take(self, position: int, raw: bytes, reason: str = "") -> None:
        try:
            if reason:
                raise FaultyError(reason)
            self.records.append(record_of(raw, self.longest))
        except FaultyError as fault:
            self.faulty.append(rejected(position, str(fault), raw))

    def outcome(self) -> Outcome:
        names = list(dict.fromkeys(key for record in self.records for key, _ in record))
        try:
            mapping = map_columns(self.contract, names, "input") if names else None
        except ContractError as error:
            return Outcome(refused=str(error))
        places = {} if mapping is None else mapping.positions
        own = {column: None if at is None else names[at] for column, at in places.items()}
        return Outcome(tuple(self.row(record, own) for record in self.records), tuple(self.faulty))

    def row(self, record: list[Member], own: dict[str, str | None]) -> Row:
        """The last value of a key lands; what else was given to it, and what nobody asked for, is rescued."""
        last = dict(record)
        columns = tuple(self.contract.columns.values())
        taken = {own.get(column) for column in columns}
        kept = {key: value for key, value in last.items() if key in taken}
        extra = list(record)
        for member in kept.items():
            extra.reverse()
            extra.remove(member)
            extra.reverse()
        found: dict[str, list[str]] = {}
        for key, value in extra:
            if value is not None:
                found.setdefault(key, []).append(value)
        return (
            *(kept.get(own.get(column) or "\0") for column in columns),
            rescued(json.dumps(found)) if found else None,
        )


def outcome(data: bytes, contract: SourceContract, longest: int) -> list[Outcome]:
    """All that is allowed: what is no JSON by its structure either lands by what can be told apart, or is refused."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    text = data.decode("utf-8", "surrogateescape").strip(BLANK)
    first, _, behind = text.partition("\n")
    by_line = of_lines(data, Delivery(contract, longest))
    refused = Outcome(refused="not JSON")
    if not text:
        return [refused]
    if text[0] not in "{[":
        is_seen = any(is_object(line) for line in text[:longest].split("\n"))
        return [by_line] if is_seen else [by_line, refused]
    if text[0] == "{" and behind and is_object(first):
        return [by_line]
    whole = of_value(text, Delivery(contract, longest))
    return [whole] if is_sound(text) else [by_line, refused, whole]


def is_object(line: str) -> bool:
    """But for letters that are none, and depth."""
    try:
        return isinstance(parsed(letters(shallow(line))), tuple)
    except (ValueError, RecursionError):
        return False


def letters(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def shallow(text: str) -> str:
    """As deep as Python's json goes down: one bracket in the place of a hundred and more."""
    is_even = text.count("[") == text.count("]")
    return re.sub(r"\[{100,}", "[", re.sub(r"\]{100,}", "]", text)) if is_even else text


def is_sound(text: str) -> bool:
    """Whether it is JSON but for what its texts, numbers and words say."""
    skeleton = TOKEN.sub(lambda found: '""' if found[1] else "!" if found[0] == '"' else "0", shallow(text))
    try:
        json.loads(skeleton)
    except (ValueError, RecursionError):
        return False
    return True


def of_lines(data: bytes, delivery: Delivery) -> Outcome:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip(b" \t\r"):
            delivery.take(number, line)
    return delivery.outcome()


def of_value(text: str, delivery: Delivery) -> Outcome:
    """An array's entries, an object's columns, or a single record."""
    found = [(entry, "") for entry in entries(text)] if text[0] == "[" else rows(text)
    found = [(text, "")] if found is None else found
    for position, (entry, reason) in enumerate(found):
        delivery.take(position, entry.encode("utf-8", "surrogateescape"), reason)
    return delivery.outcome()


def rows(text: str) -> list[tuple[str, str]] | None:
    """Of columns, each as a record, and why it cannot land; None: it is no table.

    A table's members are objects that agree in an index, or are all empty.
    """
    try:
        members = halves(text)
        if not members or not all(column.startswith("{") for _, column in members):
            return None
        columns = [(name, halves(column)) for name, column in members]
    except ValueError:
        return None
    found = []
    for index in dict.fromkeys(index for _, column in columns for index, _ in column):
        record = [f"{name}:{value}" for name, column in columns for key, value in column if key == index]
        is_whole = all(index in dict(column) for _, column in columns)
        found.append(("{" + ",".join(record) + "}", "" if is_whole else "no value for some columns"))
    return found if not found or not all(reason for _, reason in found) else None
