"""A JSON answer (RFC 8259, strict) of which some values are needed as the text that they were sent as."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

_BLANKS = re.compile(r"[ \t\r\n]*")
_DIGITS = 4300  # of an integer; Python reads no longer one


class Item(NamedTuple):
    """An entry of a list: its value (fractions as their text), and its own text in one line."""

    value: Any
    text: bytes


class Answer:
    """A whole answer. Raises ValueError where it is no JSON."""

    def __init__(self, body: bytes) -> None:
        self._text = body.decode(json.detect_encoding(body))
        try:
            self._value = json.loads(self._text, cls=_Strict)
        except RecursionError:
            raise ValueError("nested too deeply") from None

    def find_value(self, path: str) -> Any:
        """What stands at a dotted path, fractions as their text; None where nothing does. "": the answer itself."""
        value = self._value
        for name in path.split(".") if path else ():
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def items(self, path: str) -> list[Item] | None:
        """The entries of the list at a dotted path; None: there is no list."""
        if not isinstance(self.find_value(path), list):
            return None
        at = _skip_blanks(self._text, 0)
        for name in path.split(".") if path else ():
            at = dict(_read_members(self._text, at))[name]  # of a key that stands there twice, the last
        return list(_read_entries(self._text, at))


class _Strict(json.JSONDecoder):
    """Python's reader without its own additions to JSON (NaN, Infinity)."""

    def __init__(self) -> None:
        super().__init__(parse_float=str, parse_int=_parse_integer, parse_constant=_refuse)


def _parse_integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _DIGITS else digits


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_strict = _Strict()


def _skip_blanks(text: str, at: int) -> int:
    return _BLANKS.match(text, at).end()  # type: ignore[union-attr] # none at all match too


def _read_members(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Name and place of each value of the object at `at`; the text is sound."""
    at = _skip_blanks(text, at + 1)
    while text[at] != "}":
        name, at = _strict.raw_decode(text, at)
        start = _skip_blanks(text, _skip_blanks(text, at) + 1)
        yield name, start
        at = _skip_blanks(text, _strict.raw_decode(text, start)[1])
        at = _skip_blanks(text, at + 1) if text[at] == "," else at


def _read_entries(text: str, at: int) -> Iterator[Item]:
    """The entries of the list at `at`; the text is sound, so that line ends stand between tokens only."""
    at = _skip_blanks(text, at + 1)
    while text[at] != "]":
        value, end = _strict.raw_decode(text, at)
        yield Item(value, text[at:end].replace("\n", " ").encode())
        at = _skip_blanks(text, end)
        at = _skip_blanks(text, at + 1) if text[at] == "," else at
