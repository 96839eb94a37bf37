"""What all kinds of files have in common: where they lie, and that another may take their place."""

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from jobs.clients import store
from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.contracts.deliveries import FileDelivery, PathsDelivery
from jobs.sources.packed import make_plain
from jobs.sources.reading import Request

CHEAP = 256 * 2**20  # bytes of a delivery whose content is looked at, to know it from one that was only touched


@dataclass(frozen=True)
class Files:
    """Objects below `root`; of the path templates the first that matches any counts."""

    root: Location
    delivery: PathsDelivery
    is_fetched = False
    is_replaceable = True
    pauses = ()

    def describe_place(self, day: date) -> str:
        paths = " nor ".join(template.format(date=day) for template in self.delivery.paths)
        return f"no {paths} in {self.root}"

    def look(self, day: date) -> tuple[Input, ...]:
        return store.look_for_any(self.root, self.delivery.paths, day)

    def identify(self, inputs: tuple[Input, ...]) -> tuple[Input, ...]:
        """On S3 an `etag` is a hash of the bytes."""
        if not isinstance(self.root, Path) or sum(found.size for found in inputs) > CHEAP:
            return inputs
        return tuple(found.model_copy(update={"content": _hash(found)}) for found in inputs)


def _hash(file: Input) -> str:
    with open(file.uri, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@dataclass(frozen=True)
class TextFiles(Files):
    """Those that may be packed, or in an encoding that they are not cut in."""

    delivery: FileDelivery

    @property
    def transcoded(self) -> str | None:
        """The encoding of files that are made UTF-8 before they are cut."""
        return None

    @property
    def fills_scratch(self) -> bool:
        return bool(self.delivery.compression or self.transcoded)

    def open(self, request: Request, file: Input) -> tuple[Location, Input]:
        """The bytes that a file is cut in, and below which location they are read. Raises ContractError."""
        if not self.fills_scratch:
            return self.root, file
        return make_plain(request, self.root, file, self.delivery, self.transcoded)
