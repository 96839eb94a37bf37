"""What becomes of a JSON delivery by Python's json: numbers kept as text; NaN and half surrogate pairs refused."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from jobs.contract import map_columns
from jobs.errors import ContractError
from jobs.settings import SourceContract
from tests.fuzz.outcome import Outcome, Rejected, Row, rejected, rescued

NOT_AN_OBJECT, NOT_UTF_8, TOO_DEEP = "not a JSON object", "not UTF-8", "nested too deeply"
BLANK = " \t\r\n"
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


def pairs(text: str) -> list[tuple[str, str]]:
    """Keys, and values as text."""
    halves = [tuple(parts(entry, ":")) for entry in entries(text)]
    return [(json.loads(key), value) for key, value in halves]


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


def checked(raw: bytes) -> str:
    """A value's text. Raises FaultyError."""
    try:
        text = raw.decode()
        json.dumps(parsed(text), ensure_ascii=False).encode()
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
    text = checked(raw)
    if not text.strip(BLANK).startswith("{"):
        raise FaultyError(NOT_AN_OBJECT)
    return [(key, own_text(value)) for key, value in pairs(text)]


class Delivery:
    """Its sound records and its faulty ones."""

    def __init__(self, contract: SourceContract, longest: int) -> None:
        self.contract, self.longest = contract, longest
        self.records: list[list[Member]] = []
        self.faulty: list[Rejected] = []

    def take(self, position: int, raw: bytes) -> None:
        try:
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
    """All that is allowed: a file that is no JSON as a whole lands line by line, or is refused."""
    delivery = Delivery(contract, longest)
    data = data.removeprefix(b"\xef\xbb\xbf")
    text = data.decode("utf-8", "surrogateescape").strip(BLANK)
    try:
        value = parsed(text)
    except (ValueError, RecursionError):
        return by_line(data, delivery)
    if isinstance(value, list):
        for position, entry in enumerate(entries(text)):
            delivery.take(position, entry.encode("utf-8", "surrogateescape"))
        return [delivery.outcome()]
    if not isinstance(value, tuple):
        return [Outcome(refused="a value that is no record")]
    members = pairs(text)
    if is_table(value):
        return [by_index(members, delivery)]
    delivery.take(0, text.encode("utf-8", "surrogateescape"))
    return [delivery.outcome()]


def by_line(data: bytes, delivery: Delivery) -> list[Outcome]:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip(b" \t\r"):
            delivery.take(number, line)
    refused = Outcome(refused="not JSON")
    if not delivery.records and all(one.reason == NOT_AN_OBJECT for one in delivery.faulty):
        return [refused]
    is_array = data.lstrip(BLANK.encode()).startswith(b"[")
    return [delivery.outcome()] + [refused] * (is_array or not delivery.records)


def is_table(value: tuple[tuple[str, Any], ...]) -> bool:
    """Members that are all objects and agree in an index, or are all empty."""
    columns = [member for _, member in value]
    if not columns or not all(isinstance(column, tuple) for column in columns):
        return False
    indexes = [{index for index, _ in column} for column in columns]
    return bool(set.intersection(*indexes)) or not any(indexes)


def by_index(members: Sequence[tuple[str, str]], delivery: Delivery) -> Outcome:
    names = [name for name, _ in members]
    columns = [pairs(text) for _, text in members]
    try:
        map_columns(delivery.contract, names, "input")
    except ContractError as error:
        return Outcome(refused=str(error))
    indexes = dict.fromkeys(index for column in columns for index, _ in column)
    for position, index in enumerate(indexes):
        found = [[value for key, value in column if key == index] for column in columns]
        try:
            if absent := [name for name, values in zip(names, found, strict=True) if not values]:
                raise FaultyError(f"no value for {absent}")
            record = [(name, entry(index, values)) for name, values in zip(names, found, strict=True)]
            delivery.records.append(record)
        except FaultyError as fault:
            delivery.faulty.append(Rejected(position, str(fault), ""))
    return delivery.outcome()


def entry(index: str, values: Sequence[str]) -> str | None:
    if len(values) > 1:
        raise FaultyError(f"index {index!r} stands twice in a column")
    return own_text(checked(values[0].encode("utf-8", "surrogateescape")))
