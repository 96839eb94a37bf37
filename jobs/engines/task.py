"""What an engine runs: a function of one named split, that can be pickled."""

from typing import Protocol, TypeVar

Split = TypeVar("Split")
Split_contra = TypeVar("Split_contra", contravariant=True)
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


class Task(Protocol[Split_contra, Result_co]):
    """Called with a split and the name of its file."""

    @property
    def description(self) -> str:
        """What a person sees of it, in Spark's UI."""
        ...

    def __call__(self, named: tuple[str, Split_contra]) -> Result_co: ...
