"""REST APIs: fetched once, by the driver, into JSON lines; what Spark recomputes never asks the API again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from jobs.clients import store
from jobs.clients.store import Input
from jobs.config.environment import Environment
from jobs.contracts.deliveries import RestDelivery
from jobs.errors import ContractError, NotArrivedError
from jobs.ledger.manifest import locate_landing
from jobs.sources import rest_pages
from jobs.sources.answers import ITEMS, Fetched, read_answer
from jobs.sources.reading import Reading, Request


@dataclass(frozen=True)
class RestItems(Fetched):
    """All pages of a day's items; told apart by their content."""

    delivery: RestDelivery
    environment: Environment

    def describe_place(self, day: date) -> str:
        return f"nothing at {self.delivery.path.format(date=day)} of {self.delivery.service}"

    def look(self, day: date) -> tuple[Input, ...]:
        try:
            return (rest_pages.fetch(self.delivery, self.environment, day).input,)
        except NotArrivedError:
            return ()

    @contextmanager
    def read(self, request: Request, _inputs: tuple[Input, ...]) -> Iterator[Reading]:
        """Raises ContractError, with the raw page kept where it cannot be parsed."""
        path = request.work / ITEMS
        with path.open("wb") as file:
            try:
                tally = rest_pages.fetch_twice(self.delivery, self.environment, request.day, file.write)
            except rest_pages.UnreadablePageError as error:
                folder = locate_landing(self.environment.lake, request.contract.name, request.day, request.run_id)
                kept = folder / "unreadable" / f"page-{error.number}"
                store.put_if_absent(kept, error.body)
                raise ContractError(f"{error}; kept as {kept}") from None
        yield read_answer(request, path, tally)
