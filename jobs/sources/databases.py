"""What tables of all databases have in common: how a day's is named, and that it is read in one snapshot."""

from dataclasses import dataclass
from datetime import date

from jobs.clients.store import Input
from jobs.config.environment import Environment
from jobs.contracts.deliveries import TableDelivery


@dataclass(frozen=True)
class DatabaseTable:
    """A table or view a day, or a day's rows of one that grows."""

    delivery: TableDelivery
    environment: Environment
    is_fetched = False
    is_replaceable = False

    @property
    def pauses(self) -> tuple[float, ...]:
        """A database's restart is outlived: Spark's own retries come at once, into the same snapshot."""
        return self.environment.retries.landing

    @property
    def reference(self) -> str:
        """Of the secret."""
        return self.environment.secrets[self.delivery.secret]

    def describe_place(self, day: date) -> str:
        where = self.delivery.select(day)
        return f"no table {self.delivery.table.format(date=day)}{where and f' with rows where {where}'}"

    def identify(self, inputs: tuple[Input, ...]) -> tuple[Input, ...]:
        return inputs


def count_rows(table: Input) -> int:
    """The rows that a look counted; every `etag` begins with them."""
    return int(table.etag.partition("-")[0])
