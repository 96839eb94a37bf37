"""Manifests and source contracts, and the columns of what they are of, without a run."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from jobs.config import toml
from jobs.config.environment import ROOT
from jobs.contracts.source import SourceContract
from jobs.ledger.manifest import DataFile, Manifest

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MOMENT = datetime(2026, 1, 1, 1, 2, 3, 456789, tzinfo=UTC)  # when rows were ingested
SCHEMA = pa.schema(
    [
        ("agent_id", pa.string()),
        ("_ingested_at", pa.timestamp("us", "UTC")),
        *((name, pa.string()) for name in ("_source_system", "_source_uri", "_run_id", "_rescued")),
        ("ingest_date", pa.date32()),
    ]
)


def contract_of(*columns: str) -> SourceContract:
    """Of agents, with columns that land under the names they come with."""
    contract = toml.load(SourceContract, ROOT / "conf/sources/agents.toml")
    return contract.model_copy(update={"columns": {name: name for name in columns}})


def manifest_of(run_id: str, rows: int, day: date, columns: Sequence[str], source: str = "agents") -> Manifest:
    """Of a landing with one file, `landed/part-0.parquet`."""
    return Manifest(
        source=source,
        ingest_date=day,
        run_id=run_id,
        started_at=NOW,
        finished_at=NOW,
        code_version="0",
        contract_fingerprint="0",
        inputs=(),
        rows_delivered=rows,
        rows_landed=rows,
        rows_rejected=0,
        bytes=0,
        files=(DataFile(path="landed/part-0.parquet", rows=rows, bytes=0),),
        columns_delivered=("agent_id",),
        columns_landed=tuple(columns),
    )


def table_of(run_id: str, rows: int, day: date, more: tuple[str, ...] = ()) -> pa.Table:
    """Rows of agents as they land."""
    values: dict[str, list[Any]] = {
        "agent_id": [str(row) for row in range(rows)],
        "_run_id": [run_id] * rows,
        "_ingested_at": [MOMENT] * rows,
        "ingest_date": [day] * rows,
    }
    columns = [name for name in SCHEMA.names if name != "agent_id"]
    fields = [SCHEMA.field("agent_id"), *(pa.field(name, pa.string()) for name in more), *map(SCHEMA.field, columns)]
    schema = pa.schema(fields)
    return pa.table({name: values.get(name, [None] * rows) for name in schema.names}, schema=schema)
