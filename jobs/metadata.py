"""The ingestion metadata that every raw and Bronze row carries."""

from datetime import date, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.settings import SourceContract


def with_metadata(frame: DataFrame, contract: SourceContract, day: date, run_id: str, at: datetime) -> DataFrame:
    """Rows with `_source_uri` (and `_rescued`) in -> the same rows with all metadata.

    `at`: UTC, one moment for the whole landing, so that a row's age does not depend on its task.
    """
    added = {
        "_ingested_at": F.lit(at.isoformat()).cast("timestamp"),
        "_source_system": F.lit(contract.system),
        "_run_id": F.lit(run_id),
        "ingest_date": F.lit(day.isoformat()).cast("date"),
    }
    if "_rescued" not in frame.columns:
        added["_rescued"] = F.lit(None).cast("string")
    return frame.withColumns(added)
