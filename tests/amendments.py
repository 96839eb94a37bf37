"""Amendments as whoever erases, or lands rejected rows again, makes them."""

from io import BytesIO
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.clients import store
from jobs.clients.location import Location
from jobs.ledger.amendment import Change
from jobs.ledger.manifest import DataFile, Manifest, locate_landing


def suppress(lake: Location, landing: Manifest, rows: int) -> Change:
    """The first landed file without so many of its rows."""
    first, folder = landing.files[0], f"landed-{uuid4().hex}"
    kept = put(lake, landing, folder, read(lake, landing, first).slice(rows))
    return Change(
        removed=(first.path,),
        files=(kept,),
        reject_reasons=landing.reject_reasons,
        rows_landed=landing.rows_landed - rows,
        rows_rejected=landing.rows_rejected,
        rows_suppressed=landing.rows_suppressed + rows,
        rows_supplemented=landing.rows_supplemented,
    )


def supplement(lake: Location, landing: Manifest) -> Change:
    """All rejected rows land, each as a copy of the first landed row."""
    row = read(lake, landing, landing.files[0]).slice(0, 1)
    mended = put(lake, landing, f"landed-{uuid4().hex}", pa.concat_tables([row] * landing.rows_rejected))
    return Change(
        removed=tuple(file.path for file in landing.rejected_files),
        files=(mended,),
        rows_landed=landing.rows_landed + landing.rows_rejected,
        rows_rejected=0,
        rows_suppressed=landing.rows_suppressed,
        rows_supplemented=landing.rows_supplemented + landing.rows_rejected,
    )


def locate(lake: Location, landing: Manifest) -> Location:
    return locate_landing(lake, landing.source, landing.ingest_date, landing.run_id)


def read(lake: Location, landing: Manifest, file: DataFile) -> pa.Table:
    with store.open_parquet(locate(lake, landing) / file.path) as parquet:
        return parquet.read()


def put(lake: Location, landing: Manifest, folder: str, table: pa.Table) -> DataFile:
    content = BytesIO()
    pq.write_table(table, content)
    path = f"{folder}/part-00000.zstd.parquet"
    assert store.put_if_absent(locate(lake, landing) / path, content.getvalue())
    return DataFile(path=path, rows=len(table), bytes=len(content.getvalue()))
