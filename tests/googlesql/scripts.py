"""A script as the statements that the analyzer takes one by one, and the control around them that it does not take.

The grammar of the whole has been checked before, by Google's parser; here is only found where what begins and ends.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<space>\s+ | --[^\n]* | \#[^\n]* | /\*.*?\*/)
    | (?P<text>(?:[rR][bB]?|[bB][rR]?)?
        (?:\"\"\".*?(?<!\\)\"\"\" | '''.*?(?<!\\)''' | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*'))
    | (?P<name>`[^`]*` | [A-Za-z_]\w*)
    | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind == "name" else self.text

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True)
class Part:
    """`kind`: statement, or the control's keyword. `start`, `text`: of what can be analysed, an expression after SET,
    IF and the like; none where a keyword stands alone. `names`, `of`: what DECLARE or SET names, and its type."""

    kind: str
    text: str = ""
    start: int = 0
    names: tuple[str, ...] = ()
    of: str = ""


class UnknownControlError(Exception):
    """A script with what no statement of this project has used so far."""


def tokens(sql: str) -> list[Token]:
    """Without white space and comments."""
    found = (Token(str(one.lastgroup), one[0], one.start()) for one in _TOKEN.finditer(sql))
    return [token for token in found if token.kind != "space"]


def paths(sql: str) -> set[str]:
    """Every a.b and a.b.c in it, without backticks: names of tables among them."""
    found, here, after_dot = set(), "", False
    for token in [*tokens(sql), Token("other", ";", len(sql))]:
        if token.text == "." and here:
            after_dot = True
        elif token.kind == "name" and (not here or after_dot):
            here, after_dot = f"{here}.{token.text.strip('`')}".lstrip("."), False
        else:
            found.add(here)
            here, after_dot = token.text.strip("`") if token.kind == "name" else "", False
    return {path for path in found if "." in path}


@dataclass
class _Reader:
    script: str
    left: list[Token] = field(default_factory=list)

    def parts(self) -> Iterator[Part]:
        self.left = tokens(self.script)
        while self.left:
            yield from self._next()

    def _next(self) -> Iterator[Part]:
        first, second = self.left[0].word, self.left[1].word if len(self.left) > 1 else ""
        match first:
            case ";":
                self.left.pop(0)
            case "DECLARE":
                yield self._declared(self._until(";"))
            case "SET":
                yield self._set(self._until(";"))
            case "IF" | "ELSEIF":
                self.left.pop(0)
                yield self._expression(first, self._until("THEN"))
            case "ELSE" | "EXCEPTION":
                yield self._alone(first, 1 if first == "ELSE" else 4)  # EXCEPTION WHEN ERROR THEN
            case "END":
                yield self._alone("END", 2 if second == "IF" else 1)
            case "BEGIN" if second not in ("TRANSACTION", ";", ""):
                yield self._alone("BEGIN", 1)
            case "RAISE":
                taken = self._until(";")
                yield self._expression("RAISE", taken[4:]) if len(taken) > 1 else Part("RAISE")
            case "LOOP" | "WHILE" | "REPEAT" | "FOR" | "CASE" | "CALL" | "EXECUTE" | "BREAK" | "LEAVE" | "RETURN":
                raise UnknownControlError(f"{first} is not known to tests/googlesql/scripts.py")
            case _:
                yield self._expression("statement", self._until(";"))

    def _until(self, end: str) -> list[Token]:
        """What comes before it; both are taken. THEN ends a condition, where it is not of a CASE in it."""
        taken: list[Token] = []
        cases = 0
        while self.left and (self.left[0].word != end or cases):
            token = self.left.pop(0)
            cases += {"CASE": 1, "END": -1}.get(token.word, 0) if end == "THEN" else 0
            taken.append(token)
        del self.left[:1]
        return taken

    def _alone(self, kind: str, words: int) -> Part:
        start = self.left[0].start
        del self.left[:words]
        return Part(kind, start=start)

    def _expression(self, kind: str, taken: list[Token], names: tuple[str, ...] = (), of: str = "") -> Part:
        if not taken:
            return Part(kind, names=names, of=of)
        start, end = taken[0].start, taken[-1].end
        return Part(kind, self.script[start:end], start, names, of)

    def _set(self, taken: list[Token]) -> Part:
        at = next(number for number, token in enumerate(taken) if token.text == "=")
        names = tuple(token.text for token in taken[1:at] if token.kind == "name")
        return self._expression("SET", taken[at + 1 :], names)

    def _declared(self, taken: list[Token]) -> Part:
        """DECLARE a, b TYPE [DEFAULT expression]"""
        at = next((number for number, token in enumerate(taken) if token.word == "DEFAULT"), len(taken))
        names, number = [taken[1].text], 2
        while number < at and taken[number].text == ",":
            names.append(taken[number + 1].text)
            number += 2
        of = self.script[taken[number].start : taken[at - 1].end] if number < at else ""
        return self._expression("DECLARE", taken[at + 1 :], tuple(names), of)


def parts(script: str) -> list[Part]:
    """Raises UnknownControlError."""
    return list(_Reader(script).parts())
