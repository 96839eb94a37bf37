"""An address of a REST API -> how its items and pages are found, proven by reading them, and a sample of them."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jobs.adopt.found import Entry, Found
from jobs.adopt.objects import make_sample, parse_lines
from jobs.adopt.places import find_template
from jobs.adopt.questions import Answers, Question
from jobs.adopt.sample import EnoughError, Lines, Samples
from jobs.clients.credentials import resolve_address
from jobs.clients.url import checked_url, find_next_link
from jobs.config.environment import Environment
from jobs.contracts.deliveries import RestDelivery
from jobs.errors import ConfigurationError, ContractError, DeliveryChangedError
from jobs.sources import rest_pages
from jobs.sources.json_text import Answer

NONE = "none"
GOOGLES = "sheets"  # the environment's entry of the Sheets API
_CURSORS = {  # field that holds it -> parameter that takes it
    "next": "cursor",
    "cursor": "cursor",
    "next_cursor": "cursor",
    "nextCursor": "cursor",
    "nextPageToken": "pageToken",
    "next_page_token": "page_token",
    "continuation": "continuation",
}
_TOTALS = re.compile(r"total|count|total_?(count|items|results)|size", re.IGNORECASE)


def find_api(place: str, name: str, environment: Environment, answers: Answers) -> Found:
    """Raises PlatformError: an answer that cannot be read, or is no list of items, is no delivery."""
    service, path, entries = _find_service(place, name, environment)
    services = environment.services | {entry.name: entry.value for entry in entries}
    there = environment.model_copy(update={"services": services})
    delivery, days = _make_delivery(place, service, path, there, answers)
    day = days[0] if days else datetime.now(UTC).date()
    body, link = rest_pages.fetch_first(RestDelivery.model_validate(delivery), there, day)
    answer = _parse(body, f"{service}{path}")
    delivery |= _find_items(answer, answers)
    delivery |= _find_pages(answer, link, delivery, answers)
    answers.require_answered()
    lines, is_whole, notes = _read(RestDelivery.model_validate(delivery), there, day)
    sample = make_sample(parse_lines(lines), is_whole)
    if not sample.rows:
        raise ConfigurationError(f"{service}{path}: no item that day; a delivery with items tells what they are")
    return Found("rest", delivery, Samples((sample,)), tuple(days), not days, notes, entries)


def _find_service(place: str, name: str, environment: Environment) -> tuple[str, str, tuple[Entry, ...]]:
    """The environment's entry that the address begins with, or a new one; and the path behind it."""
    address = place.partition("?")[0]
    try:
        parts = urlsplit(checked_url(place))
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    for service, reference in environment.services.items():
        base = "" if service == GOOGLES else resolve_address(reference)
        if base and address.startswith(f"{base}/"):
            return service, address.removeprefix(base), ()
    return name, parts.path or "/", (Entry("services", name, f"{parts.scheme}://{parts.netloc}"),)


def _make_delivery(
    place: str, service: str, path: str, environment: Environment, answers: Answers
) -> tuple[dict[str, Any], list[date]]:
    """What the address tells: a day in its path or its parameters, and whose secret is sent."""
    asked = dict(parse_qsl(urlsplit(place).query))
    template, days = find_template([path], answers)
    parameters = {}
    for parameter, value in asked.items():
        parameters[parameter], more = find_template([value], answers)
        days += more
    delivery: dict[str, Any] = {"kind": "rest", "service": service, "path": template}
    if parameters:
        delivery["parameters"] = parameters
    usual = f"{service}_token" if f"{service}_token" in environment.secrets else NONE
    what = f"which entry of [secrets] is sent as Authorization: Bearer ...? {usual}"
    secret = answers.settle(Question("secret", what, (*sorted(environment.secrets), NONE), usual))
    return delivery | ({} if secret == NONE else {"auth": {"secret": secret}}), sorted({*days})


def _parse(body: bytes, where: str) -> Any:
    try:
        return Answer(body).find_value("")
    except ValueError:
        raise ContractError(f"{where}: no JSON; {len(body)} bytes") from None


def _find_items(answer: Any, answers: Answers) -> dict[str, str]:
    """The dotted path to the list of objects, the longest where there are several; and to their number."""
    lists = {path: value for path, value in _walk(answer) if isinstance(value, list) and _are_objects(value)}
    if not lists:
        raise ConfigurationError("no list of objects in the answer; a day with items tells where they are")
    longest = max(lists, key=lambda path: len(lists[path]))
    path = answers.choose("items", longest, tuple(lists))
    numbers = {
        at: value for at, value in _walk(answer) if type(value) is int and _TOTALS.fullmatch(at.rpartition(".")[2])
    }
    total = next((at for at, value in numbers.items() if value >= len(lists[path])), NONE)
    total = answers.choose("total", total, (*numbers, NONE))
    return ({"items": path} if path else {}) | ({} if total == NONE else {"total": total})


def _are_objects(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(value, dict) for value in values)


def _walk(value: Any, path: str = "", depth: int = 3) -> Iterator[tuple[str, Any]]:
    """Dotted paths into an answer, from the outside in; not into lists."""
    yield path, value
    if isinstance(value, dict) and depth:
        for name, below in value.items():
            if "." not in name:
                yield from _walk(below, f"{path}.{name}" if path else name, depth - 1)


def _find_pages(answer: Any, link: str, delivery: dict[str, Any], answers: Answers) -> dict[str, Any]:
    """Which of the ways to turn pages the first one shows."""
    pages: dict[str, Any] | None = {"by": "link"} if link and find_next_link(link) else None
    parameters = delivery.get("parameters", {})
    for path, value in _walk(answer):
        field = path.rpartition(".")[2]
        if pages or field not in _CURSORS or not isinstance(value, str | int | None):
            continue
        if isinstance(value, str) and value.startswith(("https://", "http://", "/", "?")):
            pages = {"by": "link", "field": path}
        else:
            parameter = answers.choose("pages.parameter", _CURSORS[field])
            pages = {"by": "cursor", "field": path, "parameter": parameter}
    if not pages and (counted := next((name for name in ("page", "offset") if name in parameters), None)):
        pages = {"by": "number" if counted == "page" else "offset", "parameter": counted}
        del parameters[counted]
    told = json.dumps(pages) if pages else "there is one page"
    answers.settle(Question("pages", f"{told}; another way is written into the source contract", (), told))
    return {"pages": pages} if pages else {}


def _read(delivery: RestDelivery, environment: Environment, day: date) -> tuple[list[bytes], bool, tuple[str, ...]]:
    """Items as far as a sample goes; where all were read, their number was held against what the service says."""
    lines = Lines()
    try:
        rest_pages.fetch(delivery, environment, day, lines.write)
    except EnoughError:
        return lines.taken, False, ()
    except DeliveryChangedError:
        note = "the number of items that came is not the one that the service tells: are pages turned so?"
        return lines.taken, True, (note,)
    return lines.taken, True, ()
