"""Landings without Spark: a file and the manifest, as `ingest` leaves them."""

from datetime import date
from io import BytesIO

import pyarrow.parquet as pq

from jobs import store
from jobs.ledger import Ledger, Manifest, landing_folder
from jobs.location import S3Location
from tests.manifests import manifest_of, table_of


def land(lake: S3Location, run_id: str, rows: int, day: date, more: tuple[str, ...] = ()) -> Manifest:
    """Of agents."""
    table = table_of(run_id, rows, day, more)
    file = BytesIO()
    pq.write_table(table, file)
    assert store.put_if_absent(landing_folder(lake, "agents", day, run_id) / "landed/part-0.parquet", file.getvalue())
    manifest = manifest_of(run_id, rows, day, table.column_names)
    assert Ledger(lake).commit(manifest)
    return manifest
