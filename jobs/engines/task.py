"""What an engine runs: a function of one named split, that can be pickled."""

from typing import Protocol, TypeVar

Split = TypeVar("Split")
SplitIn = TypeVar("SplitIn", contravariant=True)
Result = TypeVar("Result", covariant=True)


class Task(Protocol[SplitIn, Result]):
    """Called with a split and the name of its file."""

    @property
    def description(self) -> str:
        """What a person sees of it, in Spark's UI."""
        ...

    def __call__(self, named: tuple[str, SplitIn]) -> Result: ...
