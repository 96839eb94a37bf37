"""Addresses: none that carries a secret, none in clear over a network, and of a stranger's link the host only."""

from collections.abc import Container
from urllib.parse import urlsplit

_HERE = ("127.0.0.1", "::1", "localhost")


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
