"""Addresses: none that carries a secret, none in clear over a network, and of a stranger's link the host only."""

import re
from collections.abc import Container
from urllib.parse import urlsplit, urlunsplit

_HERE = ("127.0.0.1", "::1", "localhost")
_PORTS = {"http": 80, "https": 443}
_TARGET = re.compile(r"[\s,]*<([^>]*)>")
_PARAMETER = re.compile(r"""\s*;\s*(?:([^\s=;,"]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?)?""")
_END = re.compile(r"\s*(?:,|$)")


def checked_url(url: str, plain: Container[str] = ()) -> str:
    """https://, or http:// on this machine or to a host in `plain`. Raises ValueError that shows none of it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # of a port that is none it raises
    except ValueError:
        raise ValueError("an address whose parts cannot be told apart (not shown)") from None
    if "@" in url or parts.fragment:
        raise ValueError("an address with a password in it, or with # (not shown); use a secret")
    is_clear = parts.scheme == "http" and (host in _HERE or host in plain)
    if not host or (parts.scheme != "https" and not is_clear):
        raise ValueError("an address (not shown): allowed is https://, and http:// on this machine only")
    return url


def host_of(link: str) -> str:
    """Where a link leads, without what else stands in it: paths, users and parameters may be content."""
    try:
        return urlsplit(link).hostname or "the same host"
    except ValueError:
        return "an address that cannot be read"


def is_same_origin(one: str, other: str) -> bool:
    """Whether two addresses are at the same scheme, host and port (RFC 3986, 6.2.2 and 6.2.3), neither with a user."""
    return _origin_of(one) == _origin_of(other) is not None


def _origin_of(url: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return None if "@" in parts.netloc or not parts.hostname else (parts.scheme, parts.hostname, port)


def add_path(base: str, path: str) -> str:
    """`path`, and the query in it, behind those of an address."""
    parts, (path, _, query) = urlsplit(base), path.partition("?")
    both = "&".join(filter(None, (parts.query, query)))
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + path, query=both))


def find_next_link(header: str) -> str | None:
    """The target of the first link of relation `next` in a Link header (RFC 8288, 3). Raises ValueError.

    Relations are several words, of any case; a link with an `anchor` is another page's.
    """
    at = 0
    while header[at:].strip(" \t,"):
        if not (target := _TARGET.match(header, at)):
            raise ValueError("a Link header that cannot be read")
        parameters, at = _read_parameters(header, target.end())
        if not _END.match(header, at):
            raise ValueError("a Link header that cannot be read")
        if "next" in parameters.get("rel", "").lower().split() and "anchor" not in parameters:
            return target[1].strip()
    return None


def _read_parameters(header: str, at: int) -> tuple[dict[str, str], int]:
    """A link's parameters, of one that comes twice the first, and where they end."""
    parameters: dict[str, str] = {}
    while found := _PARAMETER.match(header, at):
        name, quoted, plain = found.groups()
        if name:
            parameters.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted or "") or plain or "")
        at = found.end()
    return parameters, at
