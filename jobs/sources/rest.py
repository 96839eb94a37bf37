"""REST APIs: fetched once, by the driver, into JSON lines; what Spark recomputes never asks the API again."""

from collections.abc import Iterator
from contextlib import contextmanager

from jobs.clients import store
from jobs.contracts.deliveries import RestDelivery
from jobs.errors import ContractError
from jobs.ledger.manifest import landing_folder
from jobs.sources import rest_pages as api
from jobs.sources.answers import ITEMS, answered
from jobs.sources.reading import Reading, Request


@contextmanager
def reading(request: Request, delivery: RestDelivery) -> Iterator[Reading]:
    """Read all pages of a day. Raises ContractError, with the raw page kept where it cannot be parsed."""
    path = request.work / ITEMS
    with path.open("wb") as file:
        try:
            tally = api.fetch(delivery, request.environment, request.day, file.write)
        except api.UnreadablePageError as error:
            folder = landing_folder(request.environment.lake, request.contract.name, request.day, request.run_id)
            kept = folder / "unreadable" / f"page-{error.number}"
            store.put_if_absent(kept, error.body)
            raise ContractError(f"{error}; kept as {kept}") from None
    yield answered(request, path, tally)
