"""A landing's files beside those of its Delta table, counted by their footers and published by one commit."""

import json
import time
from dataclasses import dataclass
from typing import NamedTuple

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction, Transaction

from jobs.bronze.bronze import Count, Log, Published
from jobs.bronze.delta import table
from jobs.clients import store
from jobs.clients.location import Location
from jobs.errors import ServiceError
from jobs.landing.writer import create_parquet_file, make_schema
from jobs.ledger.amendment import parse_number
from jobs.ledger.manifest import Manifest, locate_landing
from jobs.metadata import METADATA_COLUMNS

TRIES = 50  # each means that another run committed to the same table in between


class StagedFile(NamedTuple):
    """A copy of a landing's file: `rows` as its own footer says, `landed` as the manifest does."""

    at: Location
    rows: int
    landed: int
    bytes: int


def stage_files(path: Location, lake: Location, manifest: Manifest) -> list[StagedFile]:
    """Copy the manifest's files beside the table's own, where no reader sees them yet, and count them there."""
    landing = locate_landing(lake, manifest.source, manifest.ingest_date, manifest.run_id)
    folder = path / f"ingest_date={manifest.ingest_date}"
    copies = []
    for number, file in enumerate(manifest.files):
        target = folder / f"{manifest.version}.part-{number:05}.parquet"
        store.copy(landing / file.path, target)
        rows, size, *_ = store.read_footer(target)
        copies.append(StagedFile(target, rows, file.rows, size))
    return copies or [_stage_nothing(folder / f"{manifest.version}.part-00000.parquet", manifest)]


def _stage_nothing(target: Location, manifest: Manifest) -> StagedFile:
    """A file without a row, by whose name Bronze remembers which landing left none."""
    own = [name for name in manifest.columns_landed if name not in METADATA_COLUMNS]
    with create_parquet_file(target, make_schema(own)):
        pass
    rows, size, *_ = store.read_footer(target)
    return StagedFile(target, rows, 0, size)


@dataclass(frozen=True)
class DeltaStaged:
    """One landing beside the table at `path`; `columns`: those of its source contract."""

    path: Location
    manifest: Manifest
    columns: list[str]
    files: list[StagedFile]
    log: Log

    def count(self) -> list[Count]:
        """By file."""
        return [Count(str(file.at), file.rows, file.landed) for file in self.files]

    def publish(self) -> Published:
        """Replace the day by one commit, and tell what Bronze then holds of it; a newer run's rows stay.

        Raises ServiceError where other commits always came first.
        """
        day, actions = self.manifest.ingest_date, self._make_actions()
        for _ in range(TRIES):
            delta_table = table.opened_or_made(self.path, self.columns)
            current = table.published_in(delta_table, self.path, day).get(day)
            if current and current.version > self.manifest.version:
                return current
            try:
                self._commit(delta_table, actions)
            except CommitFailedError:
                time.sleep(0.05)
                continue
            self.log("published")
            delta_table.update_incremental()
            return table.published_in(delta_table, self.path, day)[day]
        raise ServiceError(f"{self.path}: {TRIES} other commits came first; is something else writing this table?")

    def _commit(self, delta_table: DeltaTable, actions: list[AddAction | RemoveAction]) -> None:
        table.evolve(delta_table, self.columns)
        delta_table.create_write_transaction(
            actions,
            "overwrite",
            delta_table.schema(),
            ["ingest_date"],
            [("ingest_date", "=", str(self.manifest.ingest_date))],
            # No retries inside: one would publish on top of rows that were not looked at.
            commit_properties=CommitProperties(
                {"run_id": self.manifest.version}, max_commit_retries=0, app_transactions=self._name_amendment()
            ),
        )

    def _name_amendment(self) -> list[Transaction] | None:
        """For whom looks later: rows name their run alone."""
        number, of = parse_number(self.manifest), self.manifest
        return [Transaction(table.name_transaction(of.ingest_date, of.run_id), number)] if number else None

    def _make_actions(self) -> list[AddAction | RemoveAction]:
        day = str(self.manifest.ingest_date)
        return [
            AddAction(
                f"ingest_date={day}/{file.at.name}",
                file.bytes,
                {"ingest_date": day},
                int(time.time() * 1000),
                True,
                json.dumps({"numRecords": file.rows}),
            )
            for file in self.files
        ]
