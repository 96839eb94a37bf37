"""Samples of rejected rows, with everything personal masked: only the shape of a row is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import pyarrow.parquet as pq

from jobs.clients import store
from jobs.config.environment import Environment
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import Manifest, Refusal, locate_landing
from jobs.ledger.outcome import Outcome
from jobs.masking import mask

LANDINGS, ROWS, CHARACTERS = 30, 3, 160  # newest landings shown, rows of each, characters of each row


@dataclass(frozen=True)
class Sample:
    """A rejected row: why, where it stood, and its shape."""

    reason: str
    uri: str
    position: int
    shape: str


@dataclass(frozen=True)
class Rejects:
    """What a landing rejected, or a delivery that was refused for it."""

    manifest: Manifest | Refusal
    rows: list[Sample]


def samples(environment: Environment, rejecting: Sequence[Outcome]) -> list[Rejects]:
    """Of the newest landings that rejected rows, and of those that were refused, the newest first."""
    ledger = Ledger(environment.lake)
    rejects = []
    for outcome in rejecting[: -LANDINGS - 1 : -1]:
        if manifest := _of(ledger, outcome):
            rejects.append(Rejects(manifest, _first_rows(environment, manifest)))
    return rejects


def _of(ledger: Ledger, outcome: Outcome) -> Manifest | Refusal | None:
    """What the day's last attempt rejected, where that was refused for it, else its landing."""
    if outcome.attempt == "refused" and outcome.attempt_run_id:
        refusal = ledger.refusal(outcome.source, outcome.ingest_date, outcome.attempt_run_id)
        if refusal and refusal.rejected_files:
            return refusal
    return ledger.find_newest(outcome.source, outcome.ingest_date) if outcome.rows_rejected else None


def _first_rows(environment: Environment, manifest: Manifest | Refusal) -> list[Sample]:
    landing = locate_landing(environment.lake, manifest.source, manifest.ingest_date, manifest.run_id)
    for file in manifest.rejected_files:
        if file.rows:
            parquet = pq.ParquetFile(BytesIO(store.read(landing / file.path)))
            names = ["_reason", "_source_uri", "_position", "_raw"]
            first = next(parquet.iter_batches(batch_size=ROWS, columns=names)).to_pylist()
            return [
                Sample(row["_reason"], row["_source_uri"], row["_position"], mask(row["_raw"] or "", CHARACTERS))
                for row in first
            ]
    return []
