"""The columns every raw and Bronze row carries besides its source's own."""

METADATA_COLUMNS = ("_ingested_at", "_source_system", "_source_uri", "_run_id", "_rescued", "ingest_date")
