"""Landings without Spark: files and the manifest, as `ingest` leaves them."""

from datetime import date
from io import BytesIO

import pyarrow.parquet as pq

from jobs.clients import store
from jobs.clients.location import S3Location
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import DataFile, Manifest, locate_landing
from tests.manifests import manifest_of, table_of


def land(lake: S3Location, run_id: str, rows: int, day: date, more: tuple[str, ...] = (), parts: int = 1) -> Manifest:
    """Of agents, in as many files as `parts`."""
    table = table_of(run_id, rows, day, more)
    files = []
    for number in range(parts):
        first, last = rows * number // parts, rows * (number + 1) // parts
        files.append(DataFile(path=f"landed/part-{number}.parquet", rows=last - first, bytes=0))
        content = BytesIO()
        pq.write_table(table.slice(first, last - first), content)
        folder = locate_landing(lake, "agents", day, run_id)
        assert store.put_if_absent(folder / files[-1].path, content.getvalue())
    manifest = manifest_of(run_id, rows, day, table.column_names).model_copy(update={"files": tuple(files)})
    assert Ledger(lake).put_manifest(manifest)
    return manifest
