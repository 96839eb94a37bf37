"""HTTP requests that wait out what may pass: 429, 5xx, lost connections, answers cut off."""

import socket
import ssl
import time
from collections.abc import Callable
from http.client import IncompleteRead
from typing import TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError
from urllib3.util import Retry

from jobs.clients.options import Retries
from jobs.errors import ServiceError

CONNECT = 10.0  # seconds
PASSING = (429, 500, 502, 503, 504)
# Of the system, of TLS, and of an answer that ended too soon; others quote what came ("got length b'...'").
_QUOTES_NOTHING = (ssl.SSLError, ConnectionError, TimeoutError, socket.gaierror, IncompleteRead)
_Answer = TypeVar("_Answer")


def mount_retries(session: requests.Session, retries: Retries) -> None:
    """Have the session repeat a GET after a status that may pass, no sooner than a Retry-After asks for."""
    retry = Retry(
        total=retries.http,
        allowed_methods={"GET"},
        status_forcelist=PASSING,
        backoff_factor=retries.http_backoff,
        retry_after_max=int(retries.retry_after_max),  # by default six hours would be obeyed
        raise_on_status=False,
    )
    adapter = HTTPAdapter(max_retries=retry)
    session.mount("https://", adapter)
    session.mount("http://", adapter)


def confine(session: requests.Session) -> None:
    """Have the session follow no redirect, which raises TooManyRedirects, and read no ~/.netrc."""
    session.max_redirects = 0
    session.auth = lambda request: request  # with none a ~/.netrc would take the place of the token


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
