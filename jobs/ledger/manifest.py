"""The manifest: a landing's receipt and commit point, `_manifest.json` in the landing's folder."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from jobs import VERSION
from jobs.clients.location import ROOT, Location
from jobs.clients.store import Input

MANIFEST, REFUSED = "_manifest.json", "_refused.json"
_COMMIT = ROOT / "jobs/COMMIT"  # only an image has it
CODE_VERSION = VERSION + (f"+{_COMMIT.read_text(encoding='utf-8').strip()}" if _COMMIT.exists() else "")


Decided = Literal["approved", "discarded", "withdrawn"]  # of a landing, by a person


class Record(BaseModel):
    """What the ledger keeps, as a JSON file each."""

    model_config = ConfigDict(frozen=True)


class DataFile(Record):
    """A Parquet file, relative to its landing; `rows` as its footer says."""

    path: str
    rows: int
    bytes: int


class _Ended(Record):
    """A landing that came to an end: of what, by which run, when, and by which code and source contract."""

    source: str
    ingest_date: date
    run_id: str
    started_at: datetime
    finished_at: datetime
    code_version: str
    contract_fingerprint: str
    inputs: tuple[Input, ...]


class Manifest(_Ended):
    """A landing's receipt and commit point; `amendment` and what follows: of its amendments, never in its own file."""

    rows_delivered: int
    rows_landed: int
    rows_rejected: int
    bytes: int
    files: tuple[DataFile, ...]
    rejected_files: tuple[DataFile, ...] = ()
    reject_reasons: dict[str, int] = {}
    lines_apart: dict[str, int] = {}  # of text that are no records, by what they are: skipped, comments, footer
    columns_delivered: tuple[str, ...]
    columns_landed: tuple[str, ...]
    drift: dict[str, list[str]] = {}
    corrected: bool = False
    odd_volume: str | None = None
    held: bool = False  # a correction that counts only once somebody approves of it
    amendment: str = Field(default="", exclude=True)  # the last one's id
    decided: Decided | None = Field(default=None, exclude=True)
    removed: tuple[str, ...] = Field(default=(), exclude=True)  # files that count no more, and may still be there
    rows_suppressed: int = Field(default=0, exclude=True)
    rows_supplemented: int = Field(default=0, exclude=True)
    passed_over: "Manifest | None" = Field(default=None, exclude=True)  # the day's newest, which was held

    @property
    def waiting(self) -> "Manifest | None":
        """The correction of it that waits for approval."""
        return self.passed_over if self.passed_over and self.passed_over.decided is None else None

    @property
    def counts(self) -> bool:
        """Whether its rows are those of its day: nobody discarded it, and it waits for nobody."""
        return self.decided != "discarded" and (not self.held or self.decided in ("approved", "withdrawn"))

    @property
    def version(self) -> str:
        """By which Bronze knows what it holds: the run, and the amendment if any. The greater one is the newer."""
        return name_version(self.run_id, self.amendment)


class Refusal(_Ended):
    """What stands in the place of a manifest where a delivery breaks its source contract: why, and its rejected rows.

    `rows_delivered`: None where it was refused before its rows were counted.
    """

    error: str
    rows_delivered: int | None = None
    rejected_files: tuple[DataFile, ...] = ()
    reject_reasons: dict[str, int] = {}


def name_version(run_id: str, amendment: str | None) -> str:
    """Of a landing and its last amendment, if any."""
    return f"{run_id}.{amendment}" if amendment else run_id


def count_rows(files: Iterable[DataFile]) -> int:
    return sum(file.rows for file in files)


def locate_landing(lake: Location, source: str, day: date, run_id: str) -> Location:
    """Where one source's day of one run lies; for readers it exists once its manifest does."""
    return lake / "raw" / source / f"ingest_date={day}" / f"run_id={run_id}"
