"""What is not certain: asked on a terminal, else listed; an answer is given as NAME=VALUE."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from jobs.errors import ConfigurationError

NONE = "none"  # the answer where there is nothing of that kind


@dataclass(frozen=True)
class Question:
    """`allowed`: nothing, where any text is an answer; `assumed`: None, where nobody can know but who is asked."""

    name: str
    text: str
    allowed: tuple[str, ...] = ()
    assumed: str | None = None

    def __str__(self) -> str:
        allowed = f" [{' | '.join(self.allowed)}]" if self.allowed else ""
        return f"{self.name}{allowed}: {self.text}"


@dataclass
class Answers:
    """`given` by arguments; `ask`: on a terminal, else None."""

    given: Mapping[str, str] = field(default_factory=dict)
    ask: Callable[[Question], str] | None = None
    assumed: list[Question] = field(default_factory=list)
    unanswered: list[Question] = field(default_factory=list)
    _settled: dict[str, str] = field(default_factory=dict)

    def settle(self, question: Question) -> str:
        """The answer, once for all who ask; what nobody answered stays open until `require_all`, "" in its place."""
        if question.name not in self._settled:
            self._settled[question.name] = self._find(question)
        return self._settled[question.name]

    def _find(self, question: Question) -> str:
        if question.name in self.given:
            return _check(question, self.given[question.name])
        if question.assumed is not None:
            self.assumed.append(question)
            return question.assumed
        if self.ask and (answer := self.ask(question)):
            return _check(question, answer)
        self.unanswered.append(question)
        return ""

    def choose(self, name: str, usual: str, allowed: tuple[str, ...] = ()) -> str:
        """Of what is worth no question: `usual`, where no answer says otherwise."""
        answer = self.given.get(name, usual)
        self._settled[name] = answer
        return _check(Question(name, "", allowed), answer) if name in self.given else answer

    def require_answered(self) -> None:
        """Raises ConfigurationError where a question is open, without whose answer nothing more can be found."""
        if self.unanswered:
            lines = [f"  --answer {question}" for question in self.unanswered]
            raise ConfigurationError(
                "\n".join(["what the delivery does not tell, and nothing is written yet:", *lines])
            )

    def require_all(self) -> None:
        """Raises ConfigurationError where a question is open, or an answer is to none."""
        self.require_answered()
        if unknown := sorted({*self.given} - {*self._settled}):
            raise ConfigurationError(f"--answer {unknown}: nothing asks that; there are {sorted(self._settled)}")


def _check(question: Question, answer: str) -> str:
    if question.allowed and answer not in question.allowed:
        raise ConfigurationError(f"--answer {question.name}: found {answer!r}, allowed {list(question.allowed)}")
    return answer
