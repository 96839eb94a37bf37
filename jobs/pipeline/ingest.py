"""Landing one delivery: read it, write it, count it, commit it. What does not add up is never published."""

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from logging import INFO, WARNING
from typing import Any, TypeVar

from jobs.clients import store
from jobs.clients.store import Input
from jobs.contracts.mapping import map_columns
from jobs.engines.session import explain_error
from jobs.errors import BalanceError, ContractError, DeliveryChangedError, ServiceError, SupersededError
from jobs.landing.raw import Landing
from jobs.landing.split import SplitResult
from jobs.landing.task import REJECTED
from jobs.landing.writer import Stamp
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import CODE_VERSION, DataFile, Manifest, Refusal, count_rows
from jobs.logs import log_fact
from jobs.metadata import METADATA_COLUMNS
from jobs.sources.reading import Reading, Request, add_counts, merge_drift
from jobs.sources.source import Source

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class _Written:
    """What was read of a delivery, and what its splits were written to, below the sub-folder `into`."""

    reading: Reading
    results: Sequence[SplitResult]
    into: str

    @property
    def records(self) -> int:
        """Delivered: as the source itself says where it can, else what the splits counted."""
        counted = sum(result.records for result in self.results)
        return counted if self.reading.records is None else self.reading.records

    @property
    def landed(self) -> tuple[DataFile, ...]:
        return tuple(DataFile(path=f"{self.into}/{one.path}", rows=one.rows, bytes=one.bytes) for one in self.results)

    @property
    def rejected(self) -> tuple[DataFile, ...]:
        found = [result.rejected for result in self.results if result.rejected.rows]
        return tuple(DataFile(path=f"{REJECTED}/{one.path}", rows=one.rows, bytes=one.bytes) for one in found)

    @property
    def reasons(self) -> dict[str, int]:
        return add_counts(result.rejected.reasons for result in self.results)

    @property
    def apart(self) -> dict[str, int]:
        return add_counts([self.reading.apart, *(result.apart for result in self.results)])

    def check(self, max_rejected: float) -> None:
        """Raises BalanceError; ContractError above `max_rejected`: a changed delimiter must not "land" nothing."""
        landed, rejected = count_rows(self.landed), count_rows(self.rejected)
        if rejected > max_rejected * self.records:
            first = next(result.rejected.first for result in self.results if result.rejected.first)
            raise ContractError(
                f"{rejected} of {self.records} rows cannot land, allowed are {max_rejected:.1%} (max_rejected): "
                f"{self.reasons}; first: {first}"
            )
        if missing := self.records - landed - rejected:
            raise BalanceError(
                f"{self.records} rows delivered, {landed} landed, {rejected} rejected: {missing} are missing; "
                "nothing was published"
            )


def land(request: Request, source: Source, ledger: Ledger, inputs: tuple[Input, ...]) -> Manifest:
    """Read `inputs`, write them as Parquet, balance the rows, commit. Raises PlatformError; then nothing landed."""
    begun = _Begun(request, datetime.now(UTC))
    stamp = Stamp(begun.at, request.contract.system, request.run_id, request.day)
    landing = Landing(ledger.lake, request.contract.name, tuple(request.contract.columns.values()), stamp)
    written: _Written | None = None
    with ExitStack() as unlanded:
        unlanded.callback(landing.discard)
        try:
            written = retry(request, source.pauses, lambda attempt: _write(request, source, landing, inputs, attempt))
            columns, drift = _merge_columns(request, written)
            written.check(request.contract.max_rejected)
            written = _identify(source, written)
            _check_unchanged(request, source, inputs)
            odd = _odd_volume(request, ledger, written)
            earlier = ledger.find_newest(request.contract.name, request.day)  # as late as can be: another may be at it
            manifest = _hold(request, ledger, begun.manifest(written, columns, drift, odd, earlier), earlier)
            _commit(ledger, manifest, earlier)
        except ContractError as error:
            ledger.refuse(begun.refusal(error, inputs, written))
            unlanded.pop_all()  # its rejected rows are to be read
            raise
        finally:
            _clean_up(request, source)
        unlanded.pop_all()
    _log(request, "manifest", rows=manifest.rows_landed, rejected=manifest.rows_rejected, drift=manifest.drift)
    return manifest


def _clean_up(request: Request, source: Source) -> None:
    shutil.rmtree(request.work, ignore_errors=True)
    if request.scratch != request.work and source.fills_scratch:
        store.discard(request.scratch)


@dataclass(frozen=True)
class _Begun:
    """A landing that began at a moment, and what is told of it once it ended."""

    request: Request
    at: datetime

    def manifest(
        self,
        written: _Written,
        columns: tuple[str, ...],
        drift: dict[str, list[str]],
        odd: str | None,
        earlier: Manifest | None,
    ) -> Manifest:
        """`odd`: why its volume is; `earlier`: the landing that counts until then."""
        return Manifest(
            **self._facts(),
            inputs=written.reading.inputs,
            rows_delivered=written.records,
            rows_landed=count_rows(written.landed),
            rows_rejected=count_rows(written.rejected),
            bytes=sum(file.bytes for file in written.landed),
            files=written.landed,
            rejected_files=written.rejected,
            reject_reasons=written.reasons,
            lines_apart=written.apart,
            columns_delivered=columns,
            columns_landed=(*self.request.contract.columns.values(), *METADATA_COLUMNS),
            drift=drift,
            corrected=earlier is not None and earlier.inputs != written.reading.inputs,
            odd_volume=odd,
        )

    def refusal(self, error: ContractError, inputs: tuple[Input, ...], written: _Written | None) -> Refusal:
        """`written`: None where it was refused while it was read."""
        refusal = Refusal(**self._facts(), inputs=inputs, error=str(error))
        if written is None:
            return refusal
        rejected = {"rejected_files": written.rejected, "reject_reasons": written.reasons}
        return refusal.model_copy(update={"rows_delivered": written.records, **rejected})

    def _facts(self) -> dict[str, Any]:
        contract = self.request.contract
        return {
            "source": contract.name,
            "ingest_date": self.request.day,
            "run_id": self.request.run_id,
            "started_at": self.at,
            "finished_at": datetime.now(UTC),
            "code_version": CODE_VERSION,
            "contract_fingerprint": contract.fingerprint,
        }


def _odd_volume(request: Request, ledger: Ledger, written: _Written) -> str | None:
    """Raises ContractError where the volume is odd, and its source contract says refuse."""
    odd = ledger.describe_odd_volume(request.contract.name, request.day, written.records)
    if odd and request.contract.odd_volume == "refuse":
        raise ContractError(f"{odd}; odd_volume in its source contract says refuse")
    return odd


def _commit(ledger: Ledger, manifest: Manifest, earlier: Manifest | None) -> None:
    """Raises SupersededError where a newer run landed the day meanwhile."""
    if earlier and earlier.run_id > manifest.run_id:
        raise SupersededError(f"the newer run {earlier.run_id} landed it meanwhile; nothing was published")
    if not ledger.put_manifest(manifest):
        raise BalanceError(f"run {manifest.run_id} landed it before")


def _hold(request: Request, ledger: Ledger, manifest: Manifest, earlier: Manifest | None) -> Manifest:
    """A correction is held where its source contract says so, and more rows are other ones than may be."""
    contract = request.contract
    if earlier is None or not manifest.corrected or contract.on_correction == "publish":
        return manifest
    if not contract.hold_above:
        return manifest.model_copy(update={"held": True})
    from jobs.pipeline.compare_landings import compare_landings  # only here: it needs Arrow's joins

    share = 100 * compare_landings(contract, (ledger.lake, earlier), (ledger.lake, manifest)).share
    _log(request, "compared", per_cent=round(share, 3), hold_above=contract.hold_above)
    return manifest.model_copy(update={"held": share > contract.hold_above})


def _identify(source: Source, written: _Written) -> _Written:
    """Before the last look at it: the bytes that are hashed are those that were read."""
    inputs = source.identify(written.reading.inputs)
    return replace(written, reading=replace(written.reading, inputs=inputs))


def _check_unchanged(request: Request, source: Source, inputs: tuple[Input, ...]) -> None:
    """Raises DeliveryChangedError where the delivery is no longer the one that was looked at."""
    now = source.look(request.day) if source.is_replaceable else inputs
    if [found.model_dump() for found in now] != [found.model_dump() for found in inputs]:  # times and versions too
        raise DeliveryChangedError(f"{inputs[0].uri} changed while it was read; run again")


def retry(request: Request, pauses: Sequence[float], attempt: Callable[[int], _Result]) -> _Result:
    """What the first attempt gives that does not end in a ServiceError; `pauses`: seconds before each further one."""
    for number, pause in enumerate(pauses, start=1):
        try:
            return attempt(number)
        except Exception as error:  # also those of Spark, which explain_error knows
            reason = explain_error(error)
            if not isinstance(reason, ServiceError):
                raise
            first = "" if reason is error else request.engine.find_failure(request.description)
            _log(
                request, "retry", level=WARNING, error=str(reason), first_task_failure=first, tried=number, pause=pause
            )
            time.sleep(pause)
    return attempt(len(pauses) + 1)


def _write(request: Request, source: Source, landing: Landing, inputs: tuple[Input, ...], attempt: int) -> _Written:
    """One pass over the delivery; of a table again, in a new snapshot, where the database went away or timed out."""
    request.work.mkdir(parents=True, exist_ok=True)
    into = f"landed-{attempt}" if attempt > 1 else "landed"
    with source.read(request, inputs) as reading:
        _log(request, "read", rows=reading.records, bytes=sum(found.size for found in reading.inputs))
        results = landing.write(request.engine, reading.splits, into)
    written = _Written(reading, results, into)
    landed, rejected = written.landed, written.rejected
    _log(
        request,
        "written",
        rows=count_rows(landed),
        rejected=count_rows(rejected),
        bytes=sum(file.bytes for file in landed),
        apart=written.apart,
    )
    return written


def _merge_columns(request: Request, written: _Written) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """What all splits together met as columns, file by file, held against the source contract: names and drift."""
    reading, results = written.reading, written.results
    by_uri: dict[str, dict[str, None]] = {}
    for split, result in zip(reading.splits, results, strict=True):
        by_uri.setdefault(split.uri, {}).update(dict.fromkeys(result.columns))
    if reading.columns and not any(by_uri.values()):
        return reading.columns, reading.drift
    # Of a file whose every record is rejected nothing is known; one without any record lacks its columns.
    rejected = {split.uri for split, result in zip(reading.splits, results, strict=True) if result.rejected.rows}
    known = {uri: tuple(names) for uri, names in by_uri.items() if names or uri not in rejected}
    mappings = [map_columns(request.contract, names, uri) for uri, names in known.items()]
    columns = mappings[0].delivered if mappings else ()
    return columns, merge_drift([*(mapping.drift for mapping in mappings), reading.drift])


def _log(request: Request, event: str, *, level: int = INFO, **facts: object) -> None:
    log_fact(event, request.contract.name, request.day, request.run_id, level=level, **facts)
