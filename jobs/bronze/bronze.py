"""The shape of Bronze: what a warehouse offers to a load, to `status`, to dbt and to the pages."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import Any, NamedTuple, Protocol

from jobs.contracts.source import SourceContract
from jobs.errors import ConfigurationError, PlatformError
from jobs.ledger.manifest import Manifest

Log = Callable[..., None]  # of an event and its facts


class Published(NamedTuple):
    """What Bronze holds of a source's day: the landing, by its version, and how many rows the warehouse counts.

    `version`: the run that the rows name, and the amendment that was published of its landing, if any. "" where they
    name more than one run, or none: somebody else wrote there.
    """

    version: str
    rows: int

    @classmethod
    def of_rows(cls, recorded: str, first: str | None, last: str | None, rows: int) -> "Published":
        """By the least and the greatest run that rows name.

        `recorded`: the version that was published last; it counts where the day has no rows, or they are of its run.
        """
        if last is None or (first == last and recorded.startswith(f"{last}.")):
            return cls(recorded, rows)
        return cls(last if first == last else "", rows)


class Count(NamedTuple):
    """The rows of a staged table or file, as the warehouse counts them, and as the manifest says."""

    place: str
    rows: int
    landed: int  # by the manifest
    of_other_runs: int | None = None  # among `rows`; None: not counted


class Answer(NamedTuple):
    """Of a query: the columns' names in lower case, and the rows."""

    names: list[str]
    rows: list[tuple[Any, ...]]


class Staged(Protocol):
    """One landing beside its table, where no reader of Bronze sees it."""

    def count(self) -> Sequence[Count]:
        """What was staged, to be held against the manifest before anything is published."""

    def publish(self) -> Published:
        """Replace the day in one transaction, and tell what Bronze then holds of it.

        A newer run's rows stay: then the answer names that run. Raises ServiceError where other transactions always
        came first.
        """


class Bronze(Protocol):
    """The Bronze tables of one environment; all methods raise ConfigurationError, ServiceError, PlatformError."""

    def published(self, source: str, day: date | None = None, last: date | None = None) -> dict[date, Published]:
        """What is held of each day of a source, of one `day`, or of those from it to `last`.

        A day that was never published is not in it.
        """

    def count_rows(self, source: str, first: date, last: date) -> dict[date, int]:
        """The rows of each day that has any, read one by one: no count that was kept is believed."""

    def stage(self, contract: SourceContract, manifest: Manifest, log: Log) -> AbstractContextManager[Staged]:
        """A landing staged, for as long as the block lasts.

        Raises BalanceError where the landing's files are not those of the manifest.
        """

    def dbt_variables(self, contracts: Iterable[SourceContract]) -> dict[str, str]:
        """The variables of dbt/profiles.yml, the target among its outputs too; secrets by names that dbt masks.

        A source that has not arrived yet is given its empty table, which dbt reads like any other, where dbt does not
        make one itself.
        """

    def dbt_renewal(self) -> dict[str, str]:
        """Variables by which dbt outlasts its first token; they serve this process and what it becomes by exec."""

    def query(self, queries: Mapping[str, str]) -> dict[str, Answer]:
        """What Silver and Gold answer, by the queries' names; `{gold}` and `{silver}` in a query are schemas.

        Raises NotArrivedError where a table has not been built.
        """


class GoldIsHeldError(PlatformError):
    """Another process writes the file that Gold is in."""

    exit_code = 75
    retry_helps = True


class GoldIsMissingError(ConfigurationError):
    """Nothing was built yet, or before the pages needed a table."""
