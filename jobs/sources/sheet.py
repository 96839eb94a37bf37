"""Google Sheets: one request, its rows as JSON lines for a landing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from jobs.clients.store import Input
from jobs.config.environment import Environment
from jobs.contracts.deliveries import SheetDelivery
from jobs.sources import worksheet
from jobs.sources.answers import ITEMS, Fetched, read_answer
from jobs.sources.reading import Reading, Request


@dataclass(frozen=True)
class Worksheet(Fetched):
    """A worksheet of a spreadsheet; told apart by its content."""

    delivery: SheetDelivery
    environment: Environment

    def describe_place(self, day: date) -> str:
        return f"no worksheet {self.delivery.worksheet.format(date=day)}"

    def look(self, day: date) -> tuple[Input, ...]:
        """Raises as a landing does: that there is no worksheet is no state of a delivery."""
        return (worksheet.fetch(self.delivery, self.environment, day).input,)

    @contextmanager
    def read(self, request: Request, _inputs: tuple[Input, ...]) -> Iterator[Reading]:
        """Raises ConfigurationError where it is not shared with us, ContractError, ServiceError."""
        path = request.work / ITEMS
        with path.open("wb") as file:
            tally = worksheet.fetch(self.delivery, self.environment, request.day, file.write)
        yield read_answer(request, path, tally)
