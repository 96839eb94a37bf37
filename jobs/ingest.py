"""Landing: a source's day from its delivery into the raw zone, committed by a manifest that adds up."""

import hashlib
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from logging import INFO, WARNING
from typing import TypeVar, assert_never

from pyspark.sql import DataFrame

from jobs import deliveries, raw, store
from jobs.errors import BalanceError, ContractError, DeliveryChangedError, ServiceError
from jobs.failures import first_task_failure
from jobs.ledger import DataFile, Ledger, Manifest
from jobs.location import CODE_VERSION
from jobs.logs import fact
from jobs.metadata import with_metadata
from jobs.reading import REJECTED_COLUMNS, REJECTED_SCHEMA, Reading, Request
from jobs.session import explained
from jobs.settings import (
    METADATA_COLUMNS,
    CsvDelivery,
    JsonDelivery,
    PostgresDelivery,
    RestDelivery,
    SheetDelivery,
)
from jobs.sources import csv, json, postgres, rest, sheet
from jobs.store import Input

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class _Written:
    """What one pass over a delivery read, and the files it wrote."""

    reading: Reading
    landed: tuple[DataFile, ...]
    rejected: tuple[DataFile, ...] = ()

    @property
    def missing(self) -> int:
        """Rows delivered that are neither landed nor rejected; negative: more came out than went in."""
        return self.reading.rows_delivered - _rows(self.landed) - _rows(self.rejected)


def land(request: Request, ledger: Ledger, inputs: tuple[Input, ...]) -> Manifest:
    """Read `inputs`, write them as Parquet, balance the rows, commit. Raises PlatformError; then nothing landed."""
    started = datetime.now(UTC)
    contract = request.contract
    earlier = ledger.newest(contract.name, request.day)
    landing = raw.Landing(ledger.lake, contract.name, request.day, request.run_id)
    try:
        written = _write_all(request, landing, inputs, started)
    finally:
        shutil.rmtree(request.work, ignore_errors=True)
        if request.scratch != request.work:
            store.discard(request.scratch)
    reading = written.reading
    odd = ledger.odd_volume(contract.name, request.day, reading.rows_delivered)
    if odd and contract.odd_volume == "refuse":
        raise ContractError(f"{odd}; odd_volume in its source contract says refuse")
    manifest = Manifest(
        source=contract.name,
        ingest_date=request.day,
        run_id=request.run_id,
        started_at=started,
        finished_at=datetime.now(UTC),
        code_version=CODE_VERSION,
        contract_fingerprint=hashlib.sha256(contract.model_dump_json().encode()).hexdigest(),
        inputs=reading.inputs,
        rows_delivered=reading.rows_delivered,
        rows_landed=_rows(written.landed),
        rows_rejected=_rows(written.rejected),
        bytes=sum(file.bytes for file in written.landed),
        files=written.landed,
        rejected_files=written.rejected,
        reject_reasons=reading.reasons,
        columns_delivered=reading.columns_delivered,
        columns_landed=(*contract.columns.values(), *METADATA_COLUMNS),
        drift=reading.drift,
        corrected=earlier is not None and earlier.inputs != reading.inputs,
        odd_volume=odd,
    )
    if not ledger.commit(manifest):
        raise BalanceError(f"run {request.run_id} landed it before")
    _log(request, "manifest", rows=manifest.rows_landed, rejected=manifest.rows_rejected, drift=manifest.drift)
    return manifest


def _write_all(request: Request, landing: raw.Landing, inputs: tuple[Input, ...], at: datetime) -> _Written:
    """One pass over the delivery; a second, careful one only where the rows of the first do not add up."""
    is_file = isinstance(request.contract.delivery, CsvDelivery | JsonDelivery)
    written = _write_steadily(request, landing, inputs, at)
    if written.missing and is_file:
        careful = replace(request, careful=True)
        written = _write_pass(careful, landing, inputs, at, first=written)
    if written.missing:
        raise BalanceError(
            f"{written.reading.rows_delivered} rows delivered, {_rows(written.landed)} landed, "
            f"{_rows(written.rejected)} rejected: {written.missing} are missing; nothing was published"
        )
    # A table was read in one snapshot, an answer is what it is; a file may have been replaced meanwhile.
    now = deliveries.look(request.contract, request.environment, request.day) if is_file else inputs
    if [found.model_dump() for found in now] != [found.model_dump() for found in inputs]:  # times and versions too
        raise DeliveryChangedError(f"{inputs[0].uri} changed while it was read; run again")
    return written


def _write_steadily(request: Request, landing: raw.Landing, inputs: tuple[Input, ...], at: datetime) -> _Written:
    """One pass; of a table again from its beginning, in a new snapshot, where the database went away or timed out."""

    def write(attempt: int) -> _Written:
        return _write_pass(request, landing, inputs, at, into=f"landed-{attempt}" if attempt > 1 else "landed")

    return steadily(request, write)


def steadily(request: Request, attempt: Callable[[int], _Result]) -> _Result:
    """What the first attempt gives that does not end in a ServiceError; only of a database.

    Spark's own retries come at once, into the same snapshot: they do not outlive a database's restart.
    """
    pauses = request.environment.retries.landing if isinstance(request.contract.delivery, PostgresDelivery) else ()
    for number, pause in enumerate(pauses, start=1):
        try:
            return attempt(number)
        except Exception as error:
            reason = explained(error)
            if not isinstance(reason, ServiceError):
                raise
            first = "" if reason is error else first_task_failure(request.spark(), request.description)
            _log(
                request, "retry", level=WARNING, error=str(reason), first_task_failure=first, tried=number, pause=pause
            )
            time.sleep(pause)
    return attempt(len(pauses) + 1)


def _write_pass(
    request: Request,
    landing: raw.Landing,
    inputs: tuple[Input, ...],
    at: datetime,
    first: _Written | None = None,
    into: str = "landed",
) -> _Written:
    """Read and write once. What the `first` pass landed stands where only rejected rows were missing from it."""
    request.work.mkdir(parents=True, exist_ok=True)
    with _reading(request, inputs) as reading:
        size = sum(found.size for found in reading.inputs)
        _log(request, "read", rows=reading.rows_delivered, bytes=size, careful=request.careful)
        _check_limit(request, reading)
        if first and _rows(first.landed) == reading.rows_delivered - reading.rows_rejected:
            landed = first.landed
        else:
            landed = landing.write(_complete(request, reading.frame, at), "landed-again" if first else into)
        rejected: tuple[DataFile, ...] = ()
        if reading.rejected_file and reading.rows_rejected:
            file = store.escaped(store.handed(reading.rejected_file, request.scratch))
            records = request.spark().read.schema(REJECTED_SCHEMA).json(file)
            complete = with_metadata(records, request.contract, request.day, request.run_id, at)
            rejected = landing.write(complete.select(*REJECTED_COLUMNS, *METADATA_COLUMNS), raw.REJECTED)
    _log(request, "written", rows=_rows(landed), rejected=_rows(rejected), bytes=sum(file.bytes for file in landed))
    return _Written(reading, landed, rejected)


def _complete(request: Request, frame: DataFrame, at: datetime) -> DataFrame:
    complete = with_metadata(frame, request.contract, request.day, request.run_id, at)
    return complete.select(*request.contract.columns.values(), *METADATA_COLUMNS)


def _reading(request: Request, inputs: tuple[Input, ...]) -> AbstractContextManager[Reading]:
    match request.contract.delivery:
        case CsvDelivery() as delivery:
            return csv.reading(request, inputs, delivery)
        case JsonDelivery() as delivery:
            return json.reading(request, inputs, delivery)
        case PostgresDelivery() as delivery:
            return postgres.reading(request, delivery, inputs)
        case SheetDelivery() as delivery:
            return sheet.reading(request, delivery)
        case RestDelivery() as delivery:
            return rest.reading(request, delivery)
        case _ as unknown:
            assert_never(unknown)


def _check_limit(request: Request, reading: Reading) -> None:
    """Above `max_rejected` nothing is published: a changed delimiter must not "land" nothing."""
    allowed = request.contract.max_rejected
    if reading.rows_rejected > allowed * reading.rows_delivered:
        raise ContractError(
            f"{reading.rows_rejected} of {reading.rows_delivered} rows cannot land, allowed are "
            f"{allowed:.1%} (max_rejected): {reading.reasons}; first: {reading.first_rejected}"
        )


def _rows(files: tuple[DataFile, ...]) -> int:
    return sum(file.rows for file in files)


def _log(request: Request, event: str, *, level: int = INFO, **facts: object) -> None:
    fact(event, request.contract.name, request.day, request.run_id, level=level, **facts)
