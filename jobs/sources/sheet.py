"""Google Sheets: one request, its rows as JSON lines for Spark."""

from collections.abc import Iterator
from contextlib import contextmanager

from jobs.contracts.deliveries import SheetDelivery
from jobs.sources import worksheet as sheets
from jobs.sources.answers import ITEMS, answered
from jobs.sources.reading import Reading, Request


@contextmanager
def reading(request: Request, delivery: SheetDelivery) -> Iterator[Reading]:
    """Read a worksheet. Raises ConfigurationError where it is not shared with us, ContractError, ServiceError."""
    path = request.work / ITEMS
    with path.open("wb") as file:
        tally = sheets.fetch(delivery, request.environment, request.day, file.write)
    yield answered(request, path, tally)
