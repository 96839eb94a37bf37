"""Records of an answer as JSON lines, counted and hashed while they pass by."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from jobs.clients.store import Input

Keep = Callable[[bytes], object]  # takes a record's line


def to_texts(entry: dict[str, Any]) -> dict[str, str | None]:
    """Values as text: strings as they are, anything nested as JSON."""
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
        self._sum = self._content = 0
        self._keep = keep or (lambda _line: None)

    def add(self, item: object, text: bytes | None = None) -> None:
        """Count an item in, and keep its own text; one that is no object, or no text, too: reading it rejects it.

        The hash is of the values as one writes them in Python, whatever else stood in the text between them.
        """
        texts = to_texts(item) if isinstance(item, dict) else item
        line = json.dumps(texts, ensure_ascii=False)
        try:
            hashed, is_text = line.encode(), True
        except UnicodeEncodeError:
            hashed, is_text = line.encode("utf-8", "backslashreplace"), False
        self.rows += 1
        self._bytes += len(hashed)
        # Added up, not chained: a service may give the same rows in another order each time.
        self._sum = (self._sum + _hash(hashed)) % 2**256
        self._content = (self._content + _hash(json.dumps(texts, sort_keys=True).encode())) % 2**256
        if isinstance(item, dict) and is_text:
            self.columns |= dict.fromkeys(item)
        if text is None:  # half a surrogate pair: only an escape can say that
            text = hashed if is_text else json.dumps(item).encode()
        self._keep(text + b"\n")

    @property
    def input(self) -> Input:
        """What makes this delivery equal to another one."""
        head = hashlib.sha256(json.dumps(sorted(self.columns)).encode()).hexdigest()
        etag, content = (f"{self.rows}-{found:064x}-{head[:8]}" for found in (self._sum, self._content))
        return Input(uri=self.uri, size=self._bytes, etag=etag, content=content)


def _hash(line: bytes) -> int:
    return int.from_bytes(hashlib.sha256(line).digest())
