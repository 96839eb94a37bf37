"""What all kinds of files have in common: where they lie, and that another may take their place."""

from dataclasses import dataclass
from datetime import date

from jobs.clients import store
from jobs.clients.location import Location
from jobs.clients.store import Input


@dataclass(frozen=True)
class Files:
    """Objects below `root`; of the path templates the first that matches any counts."""

    root: Location
    paths: tuple[str, ...]
    is_fetched = False
    is_replaceable = True
    pauses = ()

    def describe_place(self, day: date) -> str:
        paths = " nor ".join(template.format(date=day) for template in self.paths)
        return f"no {paths} in {self.root}"

    def look(self, day: date) -> tuple[Input, ...]:
        return store.look_for_any(self.root, self.paths, day)
