"""An answer that was fetched into JSON lines, as what a landing reads: every column a string, mapped by name."""

from pathlib import Path

from pyspark.sql import functions as F

from jobs import store
from jobs.contract import map_columns
from jobs.lines import Tally
from jobs.reading import Reading, RejectedFile, Request

ITEMS = "items.jsonl"


def answered(request: Request, path: Path, tally: Tally, rejected: RejectedFile | None = None) -> Reading:
    """Read the lines at `path`. An answer without items has the columns that its source contract expects."""
    headers = tuple(tally.columns) or tuple(request.contract.columns)
    mapping = map_columns(request.contract, headers, tally.uri)
    names = [f"`{header.replace('`', '``')}`" for header in headers]
    schema = ", ".join(f"{name} string" for name in names)
    file = store.escaped(store.handed(path, request.scratch))
    frame = request.spark().read.schema(schema).json(file)
    return Reading(
        frame=frame.select(*mapping.select([F.col(name) for name in names]), F.lit(tally.uri).alias("_source_uri")),
        inputs=(tally.input,),
        rows_delivered=tally.rows,
        columns_delivered=headers,
        drift=mapping.drift,
        rows_rejected=rejected.rows if rejected else 0,
        rejected_file=rejected.path if rejected else None,
        reasons=rejected.reasons if rejected else {},
        first_rejected=rejected.first if rejected else "",
    )
