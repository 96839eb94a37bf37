"""What was found out once about a text, kept in the project's cache under the text's hash."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

CACHE = Path(
    os.environ.get("CORETELECOMS_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "coretelecoms").expanduser()
)


def digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def get(key: str) -> Any:
    """None where nothing is kept."""
    path = _path(key)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def put(key: str, value: Any) -> Any:
    """The value, as `get` will give it back."""
    path = _path(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(value), encoding="utf-8")
    fresh.rename(path)
    return get(key)


def _path(key: str) -> Path:
    return CACHE / "googlesql" / key[:2] / f"{key}.json"
