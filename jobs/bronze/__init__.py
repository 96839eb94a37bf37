"""One module a warehouse. Each gives `load` (stage, audit, publish a landing) and `loaded` (what Bronze holds)."""

from typing import Any, NamedTuple


class Answer(NamedTuple):
    """Of a query: the columns' names in lower case, and the rows."""

    names: list[str]
    rows: list[tuple[Any, ...]]
