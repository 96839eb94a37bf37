"""Which runs the rows of a Parquet file name, by its footer: what a file is called says nothing of them."""

from typing import NamedTuple

from jobs.clients import store
from jobs.clients.location import Location


class Bounds(NamedTuple):
    """The rows of a Parquet file, and the least and the greatest text of one column; "" where one is null.

    None: there are no rows.
    """

    rows: int
    first: str | None
    last: str | None


def bounds(at: Location, column: str) -> Bounds:
    """By the footer's statistics; where its writer left none, the column is read."""
    found, _ = store.metadata(at)
    if not found.num_rows:
        return Bounds(0, None, None)
    number = found.schema.names.index(column)
    chunks = [found.row_group(group).column(number) for group in range(found.num_row_groups)]
    if all(one.statistics and one.statistics.has_min_max and one.statistics.null_count == 0 for one in chunks):
        ends = [end for one in chunks for end in (one.statistics.min, one.statistics.max)]
        return Bounds(found.num_rows, min(ends), max(ends))
    with store.open_parquet(at) as file:
        values = {value or "" for value in file.read(columns=[column]).column(0).unique().to_pylist()}
    return Bounds(found.num_rows, min(values), max(values))
