"""The recount: a day counted anew at each place where its rows are, and held against what the ledger says."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import pyarrow as pa

from jobs.bronze.bronze import Bronze, GoldIsMissingError
from jobs.bronze.choice import make_bronze
from jobs.clients import store
from jobs.config.environment import Environment
from jobs.contracts.source import SourceContract
from jobs.errors import BalanceError, NotArrivedError, PlatformError
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import DataFile, Manifest, locate_landing
from jobs.pipeline.compare_landings import count_landed_duplicates
from jobs.sources.recount import UncountableError, count_delivered

Place = Literal["delivered", "landed", "rejected", "bronze", "silver"]
Counts = dict[date, int]


@dataclass(frozen=True)
class Recounted:
    """A place's rows of a source's day: by the ledger, and counted now; None: `note` says why nothing was counted.

    `wrong`: what cannot be right, in words; "": it adds up, as far as it was counted.
    """

    source: str
    ingest_date: date
    place: Place
    ledger: int
    counted: int | None
    note: str = ""
    wrong: str = ""
    exit_code: int = 0


def recount(
    environment: Environment, contracts: dict[str, SourceContract], days: Sequence[date]
) -> Iterator[Recounted]:
    """Of each day from the first to the last of `days` that landed, or that Bronze or Silver has rows of."""
    bronze, ledger = make_bronze(environment), Ledger(environment.lake)
    for name, contract in contracts.items():
        landings = ledger.read_landings(name, days)
        held = bronze.count_rows(name, min(days), max(days))
        silver, why = _count_silver(bronze, name, days)
        for day in days:
            manifest, of_silver = landings.get(day), _Silver(None if silver is None else silver.get(day, 0), why)
            if manifest:
                places = _count(environment, contract, manifest, held.get(day, 0), of_silver)
                yield from _judge(places, manifest.rows_suppressed)
            elif strange := held.get(day, 0) or of_silver.rows or 0:
                what = f"{strange:,} rows of a day that the ledger knows no landing of"
                yield Recounted(name, day, "bronze", 0, strange, wrong=what, exit_code=BalanceError.exit_code)


@dataclass(frozen=True)
class _Silver:
    rows: int | None
    why: str


def _count_silver(bronze: Bronze, source: str, days: Sequence[date]) -> tuple[Counts | None, str]:
    """By day; or why it cannot be told."""
    query = (
        f"select ingest_date, count(*) as held_rows from {{silver}}.stg_{source} "  # noqa: S608 - a contract's name
        f"where ingest_date between date '{min(days)}' and date '{max(days)}' group by ingest_date"
    )
    try:
        answer = bronze.query({source: query})[source]
    except (NotArrivedError, GoldIsMissingError):
        return None, "it has not been built"
    return {row[0]: int(row[1]) for row in answer.rows}, ""


def _count(
    environment: Environment, contract: SourceContract, manifest: Manifest, held: int, silver: _Silver
) -> list[Recounted]:
    """Each place by itself, none of them judged; of a withdrawn landing nothing is expected anywhere."""
    known = Recounted(contract.name, manifest.ingest_date, "delivered", manifest.rows_delivered, None)
    landed, landed_note = _count_files(environment, manifest, manifest.files)
    rejected, rejected_note = _count_files(environment, manifest, manifest.rejected_files)
    delivered = _count_delivery(environment, contract, manifest, known)
    if not landed_note and (number := count_landed_duplicates(contract, environment.lake, manifest)):
        more = f"{number:,} rows besides the first of their {', '.join(contract.key)}"
        delivered = replace(delivered, note="; ".join(filter(None, (delivered.note, more))))
    return [
        delivered,
        replace(known, place="landed", ledger=manifest.rows_landed, counted=landed, note=landed_note),
        replace(known, place="rejected", ledger=manifest.rows_rejected, counted=rejected, note=rejected_note),
        replace(known, place="bronze", ledger=manifest.rows_landed, counted=held),
        replace(known, place="silver", ledger=manifest.rows_landed, counted=silver.rows, note=silver.why),
    ]


def _count_delivery(
    environment: Environment, contract: SourceContract, manifest: Manifest, known: Recounted
) -> Recounted:
    if manifest.decided == "withdrawn":
        return replace(known, note="withdrawn: what was delivered does not count")
    try:
        counted = count_delivered(contract, environment, manifest.ingest_date, manifest.inputs)
    except UncountableError as error:
        return replace(known, note=str(error))
    except PlatformError as error:
        return replace(known, note=f"cannot be counted: {error}", exit_code=error.exit_code)
    return replace(known, counted=counted)


def _count_files(environment: Environment, manifest: Manifest, files: Sequence[DataFile]) -> tuple[int, str]:
    """Rows of this landing in its files, read; and what is odd about a file."""
    folder = locate_landing(environment.lake, manifest.source, manifest.ingest_date, manifest.run_id)
    rows, notes = 0, []
    for file in files:
        seen = store.look(folder, file.path)
        if not seen:
            notes.append(f"{file.path} is gone")
            continue
        with store.open_parquet(folder / file.path) as parquet:
            found = Counter[object]()
            for batch in parquet.iter_batches(columns=["_run_id", "ingest_date"]):
                runs = pa.Table.from_batches([batch]).group_by(batch.schema.names).aggregate([([], "count_all")])
                for run_id, day, count in zip(*(column.to_pylist() for column in runs.columns), strict=True):
                    found[run_id, day] += count
        rows += found.pop((manifest.run_id, manifest.ingest_date), 0)
        if found or seen[0].size != file.bytes:
            others = f", {sum(found.values()):,} rows of other landings in it" if found else ""
            notes.append(f"{file.path} is another file: {seen[0].size:,} bytes, {file.bytes:,} landed{others}")
    return rows, "; ".join(notes)


_NAMES = {"delivered": "the delivery", "bronze": "Bronze", "silver": "Silver"}


def _judge(places: Sequence[Recounted], suppressed: int) -> Iterator[Recounted]:
    """Where all places agree among themselves, and not with the ledger, that is what is wrong; else the place is."""
    odd_files = [one.place for one in places if one.place in ("landed", "rejected") and one.note]
    is_ledger = not odd_files and _agree(places, suppressed)
    for one in places:
        missing = 0 if one.counted is None else one.ledger - one.counted
        if not missing and one.place not in odd_files:
            yield one
            continue
        who = "the ledger" if is_ledger else _NAMES.get(one.place, f"the {one.place} files")
        yield replace(one, wrong=f"{who}: off by {missing:,}", exit_code=BalanceError.exit_code)


def _agree(places: Sequence[Recounted], suppressed: int) -> bool:
    """Delivered = landed + rejected + suppressed, landed = Bronze = Silver, as they were counted."""
    delivered, landed, rejected, bronze, silver = (one.counted for one in places)
    accounted = (landed or 0) + (rejected or 0) + suppressed
    return delivered in (None, accounted) and bronze == landed and silver in (None, bronze)
