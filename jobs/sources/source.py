"""What the pipeline asks of a source, whatever its kind."""

from contextlib import AbstractContextManager
from datetime import date
from typing import Protocol, assert_never

from jobs.clients.store import Input
from jobs.config.environment import Environment
from jobs.contracts.deliveries import (
    CsvDelivery,
    JsonDelivery,
    MysqlDelivery,
    ParquetDelivery,
    PostgresDelivery,
    RestDelivery,
    SheetDelivery,
    XlsxDelivery,
)
from jobs.contracts.source import SourceContract
from jobs.sources.reading import Reading, Request


class Source(Protocol):
    """A feed as an environment delivers it; a kind is a module here with a class of this shape."""

    @property
    def is_fetched(self) -> bool:
        """Whether a look costs as much as a landing, because it reads everything."""
        ...

    @property
    def fills_scratch(self) -> bool:
        """Whether a read puts what was delivered into scratch, to be removed with the landing."""
        ...

    @property
    def is_replaceable(self) -> bool:
        """Whether another delivery may take its place while it is read."""
        ...

    @property
    def pauses(self) -> tuple[float, ...]:
        """Seconds before each further try to read it, where the service went away."""
        ...

    def describe_place(self, day: date) -> str:
        """Where a delivery that has not arrived was looked for, for messages."""
        ...

    def look(self, day: date) -> tuple[Input, ...]:
        """The delivery's inputs; none: it has not arrived. Equal inputs are the same delivery."""
        ...

    def identify(self, inputs: tuple[Input, ...], /) -> tuple[Input, ...]:
        """What a look saw, with a hash of its content where that costs little and is not known yet."""
        ...

    def read(self, request: Request, inputs: tuple[Input, ...], /) -> AbstractContextManager[Reading]:
        """The delivery cut into splits, valid within the context; `inputs`: what a look saw. Raises PlatformError."""
        ...


def look_closely(source: Source, day: date, known: tuple[Input, ...]) -> tuple[Input, ...]:
    """A look that also tells whether what seems to be another delivery than `known` was only touched."""
    inputs = source.look(day)
    are_comparable = [(one.uri, one.size) for one in inputs] == [(one.uri, one.size) for one in known]
    is_known = are_comparable and inputs != known and all(one.content for one in known)
    closer = source.identify(inputs) if is_known else inputs
    return closer if closer == known else inputs


def make_source(contract: SourceContract, environment: Environment) -> Source:
    """Only the kind that is asked for is imported."""
    match contract.delivery:
        case CsvDelivery() as delivery:
            from jobs.sources.csv import CsvFiles

            return CsvFiles(environment.sources, delivery)
        case JsonDelivery() as delivery:
            from jobs.sources.json import JsonFiles

            return JsonFiles(environment.sources, delivery)
        case XlsxDelivery() as delivery:
            from jobs.sources.xlsx import XlsxFiles

            return XlsxFiles(environment.sources, delivery)
        case ParquetDelivery() as delivery:
            from jobs.sources.parquet import ParquetFiles

            return ParquetFiles(environment.sources, delivery)
        case PostgresDelivery() as delivery:
            from jobs.sources.postgres import PostgresTable

            return PostgresTable(delivery, environment)
        case MysqlDelivery() as delivery:
            from jobs.sources.mysql import MysqlTable

            return MysqlTable(delivery, environment)
        case SheetDelivery() as delivery:
            from jobs.sources.sheet import Worksheet

            return Worksheet(delivery, environment)
        case RestDelivery() as delivery:
            from jobs.sources.rest import RestItems

            return RestItems(delivery, environment)
        case _ as unknown:
            assert_never(unknown)
