"""Google Sheets: one request, its rows as JSON lines for Spark."""

from collections.abc import Iterator
from contextlib import contextmanager

from jobs import sheets
from jobs.reading import Reading, Request
from jobs.settings import SheetDelivery
from jobs.sources.answers import ITEMS, answered


@contextmanager
def reading(request: Request, delivery: SheetDelivery) -> Iterator[Reading]:
    """Read a worksheet. Raises ConfigurationError where it is not shared with us, ContractError, ServiceError."""
    path = request.work / ITEMS
    with path.open("wb") as file:
        tally = sheets.fetch(delivery, request.environment, request.day, file.write)
    yield answered(request, path, tally)
