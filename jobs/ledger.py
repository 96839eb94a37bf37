"""Manifests and run reports: all the state there is besides the warehouse. No Spark here."""

import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime
from statistics import median
from typing import Literal

from pydantic import BaseModel, ConfigDict

from jobs import store
from jobs.location import Location
from jobs.store import Input

State = Literal["not_arrived", "arrived", "landed", "loaded", "unchanged", "refused", "failed"]
MANIFEST = "_manifest.json"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class DataFile(_Record):
    """A Parquet file, relative to its landing; `rows` as its footer says."""

    path: str
    rows: int
    bytes: int


class Manifest(_Record):
    """A landing's receipt and commit point."""

    source: str
    ingest_date: date
    run_id: str
    started_at: datetime
    finished_at: datetime
    code_version: str
    contract_fingerprint: str
    inputs: tuple[Input, ...]
    rows_delivered: int
    rows_landed: int
    rows_rejected: int
    bytes: int
    files: tuple[DataFile, ...]
    rejected_files: tuple[DataFile, ...] = ()
    reject_reasons: dict[str, int] = {}
    columns_delivered: tuple[str, ...]
    columns_landed: tuple[str, ...]
    drift: dict[str, list[str]] = {}
    corrected: bool = False
    odd_volume: str | None = None


class Outcome(_Record):
    """What a run did for one source's day, as its report and its table show it."""

    source: str
    ingest_date: date
    state: State
    corrected: bool = False
    empty: bool = False
    run_id: str | None = None
    bytes_delivered: int | None = None
    rows_delivered: int | None = None
    rows_landed: int | None = None
    rows_rejected: int | None = None
    rows_bronze: int | None = None
    seconds: float | None = None
    error: str | None = None
    error_kind: str | None = None
    retry_helps: bool | None = None
    exit_code: int = 0
    odd_volume: str | None = None
    drift: dict[str, list[str]] = {}


class RunReport(_Record):
    """`runs/<run_id>.json`, put once at the end; a run without one was killed."""

    run_id: str
    step: str
    started_at: datetime
    finished_at: datetime
    exit_code: int
    engine: str = ""  # who read the deliveries: in-process, spark
    outcomes: tuple[Outcome, ...]


def new_run_id(key: str | None = None) -> str:
    """Sorts by time; the tail keeps two runs of one microsecond apart, or is the key that the caller knows it by."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{key or secrets.token_hex(2)}"


def landing_folder(lake: Location, source: str, day: date, run_id: str) -> Location:
    """Where one source's day of one run lies; for readers it exists once its manifest does."""
    return lake / "raw" / source / f"ingest_date={day}" / f"run_id={run_id}"


class Ledger:
    """Reads and adds to what a lake remembers."""

    def __init__(self, lake: Location) -> None:
        self.lake = lake

    def manifests(self, source: str, day: date | None = None) -> list[Manifest]:
        """Of all landings of a source, or of one day of it, oldest run first."""
        return [_read(at) for at in self._committed(source, day)]

    def _committed(self, source: str, day: date | None = None) -> list[Location]:
        """Where the manifests of a source are, or of one day of it, oldest run first."""
        found = store.listed(self.lake / "raw" / source, f"ingest_date={day or '*'}/run_id=*/{MANIFEST}")
        return sorted(found, key=_run_id)

    def newest(self, source: str, day: date | None = None) -> Manifest | None:
        """The landing that counts: the latest run's."""
        committed = self._committed(source, day)
        return _read(committed[-1]) if committed else None

    def commit(self, manifest: Manifest) -> bool:
        """Make a landing visible; False where that landing was committed before."""
        folder = landing_folder(self.lake, manifest.source, manifest.ingest_date, manifest.run_id)
        return store.put_if_absent(folder / MANIFEST, manifest.model_dump_json(indent=1).encode())

    def report(self, report: RunReport) -> None:
        store.put_if_absent(self.lake / "runs" / f"{report.run_id}.json", report.model_dump_json(indent=1).encode())

    def reports(self, key: str = "") -> Iterator[RunReport]:
        """All run reports, oldest first; or only those of the runs that were given `key`."""
        for at in store.listed(self.lake / "runs", f"*-{key}.json" if key else "*.json"):
            yield RunReport.model_validate_json(store.read(at))

    def odd_volume(self, source: str, day: date, rows: int) -> str | None:
        """Says so where `rows` is outside 50-200 % of the median of the seven days landed before; else None."""
        newest = {known: at for at in self._committed(source) if (known := _day(at)) < day}
        recent = [_read(newest[known]).rows_delivered for known in sorted(newest)[-7:]]
        if not recent or (usual := median(recent)) * 0.5 <= rows <= usual * 2:
            return None
        return f"{rows} rows; the median of the last {len(recent)} landings is {usual:g}"


def _read(manifest: Location) -> Manifest:
    return Manifest.model_validate_json(store.read(manifest))


def _run_id(manifest: Location) -> str:
    """Of its folder's name."""
    return str(manifest).rpartition("/run_id=")[2]


def _day(manifest: Location) -> date:
    return date.fromisoformat(str(manifest).rpartition("/ingest_date=")[2][:10])
