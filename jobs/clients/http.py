"""HTTP requests that wait out what may pass: statuses that say so, lost connections, answers cut off."""

import socket
import ssl
import time
from collections.abc import Callable
from http.client import IncompleteRead
from typing import TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util import Retry

from jobs.clients.options import Retries
from jobs.errors import ServiceError

CONNECT = 10.0  # seconds
# RFC 9110, 15.5.9 and 15.6; RFC 8470 (425), 6585 (429), 4918 (507); a CDN's that cannot reach its origin (520 to 530).
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 507, *range(520, 531)})
_CHUNK = 64 * 2**10  # bytes
# Of the system, of TLS, and of an answer that ended too soon; others quote what came ("got length b'...'").
_QUOTES_NOTHING = (ssl.SSLError, ConnectionError, TimeoutError, socket.gaierror, IncompleteRead)
_Answer = TypeVar("_Answer")


class _Retry(Retry):
    """A refusal that says when to come back is a limit of requests, not of rights."""

    RETRY_AFTER_STATUS_CODES = Retry.RETRY_AFTER_STATUS_CODES | {403}


def may_pass(response: requests.Response) -> bool:
    """Whether an answer's status says that the same request may be answered later."""
    asks_to_wait = response.status_code in _Retry.RETRY_AFTER_STATUS_CODES and "Retry-After" in response.headers
    return asks_to_wait or response.status_code in PASSING


def mount_retries(session: requests.Session, retries: Retries, method: str = "GET", raises: bool = False) -> None:
    """Have the session repeat a request after a status that may pass, no sooner than a Retry-After asks for.

    `raises`: the last try's status as RetryError, where nobody would look at it.
    """
    retry = _Retry(
        total=retries.http,
        allowed_methods={method},
        status_forcelist=PASSING,
        backoff_factor=retries.http_backoff,
        retry_after_max=int(retries.retry_after_max),  # by default six hours would be obeyed
        raise_on_status=raises,
    )
    adapter = HTTPAdapter(max_retries=retry)
    session.mount("https://", adapter)
    session.mount("http://", adapter)


def confine(session: requests.Session) -> None:
    """Have the session follow no redirect, which raises TooManyRedirects, and read no ~/.netrc."""
    session.max_redirects = 0
    session.auth = lambda request: request  # with none a ~/.netrc would take the place of the token


def read_body(response: requests.Response, limit: int, seconds: float) -> bytes:
    """The whole body of a streamed answer, by what comes at a time: a buffer is filled by a trickle for ever.

    Raises RequestException where it was cut off, ValueError above `limit` bytes, TimeoutError after `seconds`.
    """
    body, deadline = bytearray(), time.monotonic() + seconds
    try:
        while some := response.raw.read1(_CHUNK, decode_content=True):
            body += some
            if len(body) > limit:
                raise ValueError("too long")
            if time.monotonic() > deadline:
                raise TimeoutError
    except HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error
    return bytes(body)


def retry_request(ask: Callable[[], _Answer], retries: Retries, where: str) -> _Answer:
    """What `ask` gives, asked again where its answer was cut off. Raises ServiceError with what happened last.

    urllib3's own retries end when the body begins; JSON that ends too soon is nothing to it.
    """
    for attempt in range(retries.http + 1):
        try:
            return ask()
        except requests.RequestException as error:
            # Its text may hold the whole request's address: only what it is.
            fault = f"{type(error).__name__}: {_find_cause(error)}"
            if isinstance(error.args[0] if error.args else None, MaxRetryError):
                break  # these were urllib3's tries
        if attempt < retries.http:
            time.sleep(retries.http_backoff * 2**attempt)
    raise ServiceError(f"{where}: {retries.http + 1} tries, the last one: {fault}; run again later")


def _find_cause(error: BaseException) -> str:
    """The innermost reason, a line; of one whose text may quote the answer only what it is."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(error).partition("\n")[0][:200] if isinstance(error, _QUOTES_NOTHING) else type(error).__name__
