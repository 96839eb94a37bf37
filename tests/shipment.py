"""Many small deliveries as sources of one run of the command, each with a source contract of its own."""

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from jobs.config.environment import ROOT
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import Manifest, locate_landing
from jobs.ledger.outcome import Outcome
from tests.conftest import DAY


@dataclass(frozen=True)
class Parcel:
    """A delivery: `kind` csv or json, `columns` as delivered -> as landed; all of its records may be rejected."""

    name: str
    kind: str
    data: bytes
    columns: Mapping[str, str]
    optional: Sequence[str] = ()
    max_rejected: float = 1.0

    def contract(self) -> str:
        key, *_ = self.columns.values()
        columns = "".join(f"{json.dumps(name)} = {json.dumps(landed)}\n" for name, landed in self.columns.items())
        return (
            f'description = "Made by a test."\nsystem = "s3"\nstatic = true\nkey = ["{key}"]\n'
            f"max_rejected = {self.max_rejected}\noptional = {json.dumps(list(self.optional))}\n"
            f'[delivery]\nkind = "{self.kind}"\npaths = ["{self.name}.{self.kind}"]\n[columns]\n{columns}'
        )


@dataclass(frozen=True)
class Arrival:
    """What became of it: the landed columns of each row in order, `_rescued` apart, and the rejected records."""

    outcome: Outcome
    rows: list[tuple[str | None, ...]] = field(default_factory=list)
    rescued: list[Any] = field(default_factory=list)
    rejected: list[tuple[int, str, str]] = field(default_factory=list)
    drift: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def refused(self) -> str:
        return (self.outcome.error or "refused") if self.outcome.state == "refused" else ""


def ship(parcels: Iterable[Parcel], root: Path, step: str, *options: str) -> dict[str, Arrival]:
    """By name."""
    (root / "contracts").mkdir()
    (root / "sources").mkdir()
    for parcel in parcels:
        (root / "contracts" / f"{parcel.name}.toml").write_text(parcel.contract())
        (root / "sources" / f"{parcel.name}.{parcel.kind}").write_bytes(parcel.data)
    (root / "env.toml").write_text(
        f'sources = "{root}/sources"\nlake = "{root}/lake"\ncontracts = "{root}/contracts"\nlogs = "{root}/logs"\n'
        f'warehouse = {{ kind = "delta", path = "{root}/bronze" }}\n'
    )
    command = [str(ROOT / "spark-submit.sh"), step, "--date", str(DAY), "--env", str(root / "env.toml"), *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    report = next(Ledger(root / "lake").read_reports(), None)  # of one that failed, each delivery tells how
    assert report, done.stderr[-3000:]
    return {outcome.source: _arrival(root / "lake", outcome) for outcome in report.outcomes}


def _arrival(lake: Path, outcome: Outcome) -> Arrival:
    manifest = Ledger(lake).find_newest_of_all(outcome.source)
    if manifest is None:
        return Arrival(outcome)
    names = manifest.columns_landed[: manifest.columns_landed.index("_ingested_at")]
    landed = list(_rows(lake, manifest, [file.path for file in manifest.files]))
    rejected = list(_rows(lake, manifest, [file.path for file in manifest.rejected_files]))
    assert (len(landed), len(rejected)) == (manifest.rows_landed, manifest.rows_rejected)
    return Arrival(
        outcome,
        [tuple(row[name] for name in names) for row in landed],
        [row["_rescued"] and json.loads(row["_rescued"]) for row in landed],
        [(row["_position"], row["_reason"], row["_raw"]) for row in rejected],
        manifest.drift,
    )


def _rows(lake: Path, manifest: Manifest, paths: Sequence[str]) -> Iterator[dict[str, Any]]:
    folder = locate_landing(lake, manifest.source, manifest.ingest_date, manifest.run_id)
    for path in paths:
        yield from pq.ParquetFile(folder / path).read().to_pylist()
