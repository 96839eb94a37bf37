"""Gold for its readers: what a build made is published in one transaction, or readers see what they saw before."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from complaints import write_channels
from errors import CONFIGURATION, SOFTWARE, BuildError
from operation import Invoke, run_macro
from warehouse import artifacts, host, is_local

PROJECT = Path(__file__).resolve().parent
PATIENCE = timedelta(hours=1)  # with a build of another machine's that does not end: it may have been killed


@dataclass(frozen=True)
class Publication:
    """A build on its way to Gold's readers. `base`: the build that they saw when it began; `held`: its version."""

    build: str
    base: str
    version: str
    held: str

    @property
    def seen(self) -> str:
        """What readers see for as long as it is not published."""
        return f"build {self.base}" if self.base else "never built"

    @property
    def is_first_of_its_version(self) -> bool:
        return self.version != self.held


def prepare(invoke: Invoke) -> Publication:
    """Readers' tables are there, with the columns of this version, and no other build is at work. Raises BuildError."""
    now, version = datetime.now(UTC), _version()
    ours = "" if is_local() else f"-{host().replace('_', '-')}-{sha256(str(artifacts()).encode()).hexdigest()[:6]}"
    build = f"{now:%Y%m%dT%H%M%S%f}{ours}"
    given = {"build": build, "version": version, "at": _text(now), "before": _text(now - PATIENCE), "ours": ours}
    said = run_macro(invoke, "prepare_gold", "Gold could not be prepared", CONFIGURATION, **given)
    (held,) = (json.loads(text.partition("gold holds ")[2]) for text in said if text.startswith("gold holds "))
    return Publication(build, held["build"], version, held["version"])


def publish(invoke: Invoke, it: Publication, first: date | None, last: date | None) -> None:
    """All that was built, in one transaction. Raises BuildError; readers then see what they saw before."""
    days = [str(first), str(last)] if first else ["", ""]
    given = {"build": it.build, "base": it.base, "version": it.version, "days": days, "at": _text(datetime.now(UTC))}
    run_macro(invoke, "publish_gold", f"Gold was not published, and is as it was ({it.seen})", SOFTWARE, **given)
    if it.is_first_of_its_version:
        old = "Gold is published, but keeps columns and descriptions of an older version"
        run_macro(invoke, "finish_version", old, SOFTWARE)


@contextmanager
def at_work(invoke: Invoke, it: Publication, full: bool) -> Iterator[None]:
    """In the block dbt builds on what is published, or all anew; whatever fails, another build may come at once."""
    os.environ["CORETELECOMS_GOLD_IS_THERE"] = "no" if full or it.is_first_of_its_version else "yes"
    try:
        yield
    except BuildError:
        with suppress(BuildError):  # it may be what failed; then the others wait for PATIENCE
            run_macro(invoke, "yield_gold", "", SOFTWARE, build=it.build)
        raise
    finally:
        del os.environ["CORETELECOMS_GOLD_IS_THERE"]


def is_whole(results: list[Any], manifest: Any) -> bool:
    """Was every table of Gold built, and nothing failed? Else what an earlier build left would be published too."""
    tables = {key for key, node in manifest.nodes.items() if node.config.materialized == "published"}
    return tables <= {result.node.unique_id for result in results if result.status == "success"}


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _version() -> str:
    """Of all that decides what Gold holds: another one is built anew."""
    digest = sha256(write_channels().encode())
    for path in _files():
        digest.update(f"{path.relative_to(PROJECT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _files() -> Iterator[Path]:
    for folder in ("macros", "models", "seeds"):
        yield from sorted(path for path in (PROJECT / folder).rglob("*") if path.suffix in (".sql", ".yml", ".csv"))
