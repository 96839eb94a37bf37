"""A REST API's items, page by page: bounded, repeated where a fault may pass, refused where they cannot be all."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from http.client import responses
from typing import assert_never
from urllib.parse import urlencode, urljoin

import requests

from jobs.clients.credentials import read_secret, resolve_address, shown
from jobs.clients.http import CONNECT, may_pass, mount_retries, read_body, retry_request
from jobs.clients.url import add_path, find_next_link, host_of, is_same_origin
from jobs.config.environment import Environment
from jobs.contracts.deliveries import CursorPages, HeaderAuth, LinkPages, NumberPages, OffsetPages, RestDelivery
from jobs.errors import ConfigurationError, ContractError, DeliveryChangedError, NotArrivedError, ServiceError
from jobs.sources.json_text import Answer, Item
from jobs.sources.tally import Keep, Tally

_SLOWEST = 600.0  # seconds that one page may take, however steadily it trickles


class UnreadablePageError(ContractError):
    """A page that is no JSON, as often as it was asked for; its bytes are kept for whoever has to find out why."""

    def __init__(self, message: str, number: int, body: bytes) -> None:
        super().__init__(message)
        self.number, self.body = number, body


@dataclass(frozen=True)
class _Page:
    """An answer, and its Link header."""

    number: int
    url: str
    answer: Answer
    items: list[Item]
    link: str
    digest: bytes


class _Auth(requests.auth.AuthBase):
    """The header with the secret; as `auth` of the session it also keeps a ~/.netrc out."""

    def __init__(self, auth: HeaderAuth | None, environment: Environment) -> None:
        self._header = auth.header if auth else ""
        reference = environment.secrets[auth.secret] if auth else ""
        self._value = auth.prefix + read_secret(reference).get_secret_value() if auth else ""
        try:
            self._value.encode("latin-1")
        except UnicodeEncodeError:
            raise ConfigurationError(f"secret {shown(reference)}: has characters that no header may have") from None
        if "\n" in self._value or "\r" in self._value:
            raise ConfigurationError(f"secret {shown(reference)}: is more than one line")

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._header:
            request.headers[self._header] = self._value
        return request


def fetch_twice(delivery: RestDelivery, environment: Environment, day: date, keep: Keep) -> Tally:
    """As `fetch`, and pages that are counted once more: an item that goes in between shifts another out of sight.

    Neither a total nor ids tell of that where one comes, too. Raises DeliveryChangedError where they differ.
    """
    tally = fetch(delivery, environment, day, keep)
    if isinstance(delivery.pages, NumberPages | OffsetPages):
        again = fetch(delivery, environment, day)
        if again.input != tally.input:
            raise DeliveryChangedError(
                f"{tally.uri}: {tally.rows} items, and {again.rows} when they were read again, are not the same ones: "
                "they changed while they were paged; run again"
            )
    return tally


def fetch(delivery: RestDelivery, environment: Environment, day: date, keep: Keep | None = None) -> Tally:
    """All items of a day. Raises NotArrivedError where the service says 404, and as its pages do."""
    base = resolve_address(environment.services[delivery.service])
    path = delivery.path.format(date=day)
    query = urlencode({name: text.format(date=day) for name, text in delivery.parameters.items()})
    # Not by its address, which may change, without the delivery becoming another one.
    tally = Tally(f"rest:{delivery.service}{path}{f'?{query}' if query else ''}", keep)
    with _open_session(delivery, environment) as session:
        totals: dict[object, None] = {}  # as the pages tell them
        for page in _Pages(delivery, environment, session, add_path(base, path), tally.uri, day):
            for item in page.items:
                tally.add(*item)
            if delivery.total is not None and (total := page.answer.find_value(delivery.total)) is not None:
                totals[total if type(total) is int else "no number of"] = None
    if delivery.total is not None and [*totals] != [tally.rows]:
        said = ", then ".join(map(str, totals)) or "no number of"
        raise DeliveryChangedError(
            f"{tally.uri}: {delivery.total!r} says {said} items, {tally.rows} came: they changed while they were "
            "paged, or the pages are not what the source contract says; run again"
        )
    return tally


def fetch_first(delivery: RestDelivery, environment: Environment, day: date) -> tuple[bytes, str]:
    """The first page's bytes and Link header, for who has yet to find out where its items are. Raises as `fetch`."""
    url = add_path(resolve_address(environment.services[delivery.service]), delivery.path.format(date=day))
    with _open_session(delivery, environment) as session:
        pages = _Pages(delivery, environment, session, url, f"rest:{delivery.service}{delivery.path}", day)
        return pages.read_first()


def _open_session(delivery: RestDelivery, environment: Environment) -> requests.Session:
    session = requests.Session()
    session.auth = _Auth(delivery.auth, environment)
    mount_retries(session, environment.retries)
    return session


@dataclass
class _Pages:
    delivery: RestDelivery
    environment: Environment
    session: requests.Session
    url: str
    uri: str
    day: date
    _seen: set[object] = field(default_factory=set)

    def __iter__(self) -> Iterator[_Page]:
        """Until the last page. Raises ContractError where there would be no end."""
        url, parameters = self.url, self._make_parameters()
        page_parameters: dict[str, str] | None = parameters | self._make_first_parameters()
        before, items = b"", 0
        for number in range(1, self.delivery.max_pages + 1):
            page = self._read_page(number, url, page_parameters)
            if page.items and page.digest == before and isinstance(self.delivery.pages, NumberPages | OffsetPages):
                raise ContractError(
                    f"{self.uri}: page {number} is page {number - 1} again; is {self.delivery.pages.parameter!r} "
                    "the parameter that turns the pages?"
                )
            yield page
            before, items = page.digest, items + len(page.items)
            if (following := self._find_following(page, items)) is None:
                return
            url, page_parameters = (
                (following, None) if isinstance(following, str) else (self.url, parameters | following)
            )
        raise ContractError(
            f"{self.uri}: more than {self.delivery.max_pages} pages (max_pages); does the service ever end them?"
        )

    def read_first(self) -> tuple[bytes, str]:
        """Whatever it holds."""
        response, body = self._ask(1, self.url, self._make_parameters(), f"{self.uri}, page 1")
        return body, response.headers.get("Link", "")

    def _make_parameters(self) -> dict[str, str]:
        """The day's, whichever page is asked for."""
        return {name: text.format(date=self.day) for name, text in self.delivery.parameters.items()}

    def _make_first_parameters(self) -> dict[str, str]:
        match self.delivery.pages:
            case NumberPages() as pages:
                return {pages.parameter: str(pages.first)}
            case OffsetPages() as pages:
                return {pages.parameter: "0"}
            case LinkPages() | CursorPages() | None:
                return {}
            case _ as unknown:
                assert_never(unknown)

    def _find_following(self, page: _Page, items: int) -> str | dict[str, str] | None:
        """What to ask for behind `page`: an address, parameters, or None where it was the last."""
        match self.delivery.pages:
            case LinkPages() as pages:
                link = page.answer.find_value(pages.field) if pages.field else self._find_link(page)
                return self._check_link(page.url, link) if link else None
            case CursorPages() as pages:
                cursor = page.answer.find_value(pages.field)
                return {pages.parameter: str(self._require_new(cursor))} if cursor not in (None, "") else None
            case NumberPages() as pages:
                return {pages.parameter: str(pages.first + page.number)} if page.items else None
            case OffsetPages() as pages:
                return {pages.parameter: str(items)} if page.items else None
            case None:
                return None
            case _ as unknown:
                assert_never(unknown)

    def _find_link(self, page: _Page) -> str | None:
        try:
            return find_next_link(page.link)
        except ValueError as error:
            raise ContractError(f"{self.uri}, page {page.number}: {error}; is the next page behind it?") from None

    def _check_link(self, page_url: str, next_link: object) -> str:
        """A link that leads on, and not elsewhere."""
        try:
            link = urljoin(page_url, next_link if isinstance(next_link, str) else "//[")
        except ValueError:
            raise ContractError(f"{self.uri}: the next page's address cannot be read") from None
        if not is_same_origin(link, self.url):
            raise ContractError(f"{self.uri}: the next page is at {host_of(link)}: no secret is sent there")
        self._require_new(link)
        return link

    def _require_new(self, cursor: object) -> object:
        if str(cursor) in self._seen:
            raise ContractError(f"{self.uri}: a cursor comes twice, the pages go in circles; ask whoever runs it")
        self._seen.add(str(cursor))
        return cursor

    def _read_page(self, number: int, url: str, parameters: dict[str, str] | None) -> _Page:
        """One page, asked for again where it was cut off."""
        where = f"{self.uri}, page {number}"
        retries = self.environment.retries
        for attempt in range(retries.http + 1):
            response, body = self._ask(number, url, parameters, where)
            try:
                answer = Answer(body)
                break
            except ValueError as error:
                fault = f"{error}; {len(body)} bytes"
            if attempt < retries.http:
                time.sleep(retries.http_backoff * 2**attempt)
        else:
            raise UnreadablePageError(f"{where}: no JSON in {retries.http + 1} tries: {fault}", number, body)
        items = answer.items(self.delivery.items)
        if items is None:
            whole = answer.find_value("")
            found = f"an object of {len(whole)} keys" if isinstance(whole, dict) else f"a {type(whole).__name__}"
            raise ContractError(f"{where}: no list of items at {self.delivery.items!r}; found {found}")
        link = response.headers.get("Link", "")
        return _Page(number, response.url, answer, items, link, hashlib.sha256(body).digest())

    def _ask(
        self, number: int, url: str, parameters: dict[str, str] | None, where: str
    ) -> tuple[requests.Response, bytes]:
        """An answer of status 200, whatever is in it."""
        retries = self.environment.retries
        response, body = retry_request(lambda: self._read_body(url, parameters, where), retries, where)
        self._check(response, body, number, where)
        return response, body

    def _read_body(self, url: str, parameters: dict[str, str] | None, where: str) -> tuple[requests.Response, bytes]:
        """The answer's bytes, never more than `max_page_bytes` of them in memory."""
        limit, timeout = self.delivery.max_page_bytes, (CONNECT, self.delivery.timeout)
        with self.session.get(url, params=parameters, stream=True, timeout=timeout, allow_redirects=False) as response:
            try:
                return response, read_body(response, limit, _SLOWEST)
            except ValueError:
                raise ContractError(
                    f"{where}: longer than {limit} bytes (max_page_bytes); ask for smaller pages"
                ) from None
            except TimeoutError:
                raise ServiceError(f"{where}: not complete after {_SLOWEST:g} s") from None

    def _check(self, response: requests.Response, body: bytes, number: int, where: str) -> None:
        """Raises what a status means; the body is shown only where it cannot be about the secret."""
        status = response.status_code
        secret = f" (secrets.{self.delivery.auth.secret})" if self.delivery.auth else ""
        if may_pass(response):
            raise ServiceError(f"{where}: still {status} after {self.environment.retries.http + 1} tries")
        if status in (401, 403):
            raise ConfigurationError(f"{where}: {status}, the token{secret} is refused: renew it, or ask for access")
        if status == 404 and number == 1:
            raise NotArrivedError(f"{where}: 404")
        if 300 <= status < 400:
            to = host_of(response.headers.get("Location", ""))
            raise ConfigurationError(f"{where}: moved to {to}; no secret is sent there by itself")
        if status != 200:
            phrase = responses.get(status, "(no status that is known)")  # not the service's own words
            raise ContractError(f"{where}: {status} {phrase}; {len(body)} bytes of explanation not shown")
