"""Records of an answer as JSON lines: every value as text, counted and hashed while they pass by."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from jobs.store import Input

Keep = Callable[[bytes], object]  # takes a record's line


def texts(entry: dict[str, Any]) -> dict[str, str | None]:
    """Values as the text Spark would give: strings as they are, anything nested as JSON."""
    return {
        name: value if isinstance(value, str) or value is None else json.dumps(value, ensure_ascii=False)
        for name, value in entry.items()
    }


class Tally:
    """What was delivered at `uri` so far: its rows, bytes, columns, and a hash that no order of the rows changes."""

    def __init__(self, uri: str, keep: Keep | None = None) -> None:
        self.uri = uri
        self.rows = 0
        self.columns: dict[str, None] = {}  # in order of their first appearance
        self._bytes = 0
        self._sum = 0
        self._keep = keep or (lambda _line: None)

    def add(self, item: object) -> None:
        """Count an item in; one that is no object, or no text, is kept too: reading the lines rejects it."""
        whole = texts(item) if isinstance(item, dict) else item
        try:
            line = json.dumps(whole, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # half a surrogate pair: only an escape can say that
            line = json.dumps(whole).encode()
        self.rows += 1
        self._bytes += len(line)
        # Added up, not chained: a service may give the same rows in another order each time.
        self._sum = (self._sum + int.from_bytes(hashlib.sha256(line).digest())) % 2**256
        if isinstance(item, dict):
            self.columns |= dict.fromkeys(item)
        self._keep(line + b"\n")

    @property
    def input(self) -> Input:
        """What makes this delivery equal to another one."""
        head = hashlib.sha256(json.dumps(sorted(self.columns)).encode()).hexdigest()
        return Input(uri=self.uri, size=self._bytes, etag=f"{self.rows}-{self._sum:064x}-{head[:8]}")
