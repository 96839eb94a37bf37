"""The raw zone: a folder a landing, invisible to readers until its manifest is there."""

from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import DataFrame

from jobs.ledger import DataFile, landing_folder


class Landing:
    """Writes one source's day in one run; each attempt into a folder of its own, nothing is overwritten."""

    def __init__(self, lake: Path, source: str, day: date, run_id: str) -> None:
        self.folder = landing_folder(lake, source, day, run_id)

    def write(self, frame: DataFrame, into: str) -> tuple[DataFile, ...]:
        """Write `frame` to a sub-folder as Parquet; the row counts are read back from the files' footers."""
        target = self.folder / into
        frame.write.parquet(str(target))
        return tuple(
            DataFile(path=f"{into}/{path.name}", rows=pq.read_metadata(path).num_rows, bytes=path.stat().st_size)
            for path in sorted(target.glob("part-*.parquet"))
        )
