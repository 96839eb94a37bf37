"""The raw zone: a folder a landing, invisible to readers until its manifest is there."""

from datetime import date

from pyspark.sql import DataFrame

from jobs import store
from jobs.ledger import DataFile, landing_folder
from jobs.location import Location

REJECTED = "rejected"


class Landing:
    """Writes one source's day in one run; each attempt into a folder of its own, nothing is overwritten."""

    def __init__(self, lake: Location, source: str, day: date, run_id: str) -> None:
        self.folder = landing_folder(lake, source, day, run_id)

    def write(self, frame: DataFrame, into: str) -> tuple[DataFile, ...]:
        """Write `frame` to a sub-folder as Parquet; the row counts are read back from the files' footers."""
        target = self.folder / into
        frame.write.parquet(store.for_spark(str(target)))
        files = []
        for file in store.listed(target, "part-*.parquet"):
            if into == REJECTED:
                store.tag(file, zone=REJECTED)  # by which a bucket's lifecycle knows them: prefixes have no wildcard
            rows, size = store.parquet(file)
            files.append(DataFile(path=f"{into}/{file.name}", rows=rows, bytes=size))
        return tuple(files)
