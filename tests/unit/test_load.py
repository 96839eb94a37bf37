"""Stage, audit and publish, into a Bronze that is a dictionary: what a load asks of any warehouse."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import pytest

from jobs.bronze.bronze import Answer, Bronze, Count, Log, Published
from jobs.contracts.source import SourceContract
from jobs.errors import BalanceError
from jobs.ledger.manifest import Manifest
from jobs.pipeline.load import load
from tests.conftest import DAY
from tests.manifests import contract_of, manifest_of


@dataclass
class InMemory:
    """`lost`: rows that go on the way into staging, and on the way out of it; `strange`: staged of another run."""

    lost: tuple[int, int] = (0, 0)
    strange: int | None = None
    days: dict[date, Published] = field(default_factory=dict)
    is_staged: bool = False

    def published(self, source: str, day: date | None = None, last: date | None = None) -> dict[date, Published]:
        return self.days

    @contextmanager
    def stage(self, contract: SourceContract, manifest: Manifest, log: Log) -> Iterator["InMemoryStaged"]:
        self.is_staged = True
        try:
            yield InMemoryStaged(self, manifest)
        finally:
            self.is_staged = False

    def dbt_variables(self, contracts: Iterable[SourceContract]) -> dict[str, str]:
        return {}

    def query(self, queries: Mapping[str, str]) -> dict[str, Answer]:
        return {}


@dataclass
class InMemoryStaged:
    bronze: InMemory
    manifest: Manifest

    def count(self) -> list[Count]:
        landed = self.manifest.rows_landed
        return [Count("staging", landed - self.bronze.lost[0], landed, self.bronze.strange)]

    def publish(self) -> Published:
        held = self.bronze.days.get(DAY)
        if not held or held.version <= self.manifest.version:
            self.bronze.days[DAY] = Published(self.manifest.run_id, self.manifest.rows_landed - self.bronze.lost[1])
        return self.bronze.days[DAY]


def load_into(bronze: Bronze, run_id: str, rows: int) -> Published:
    return load(bronze, contract_of("agent_id"), manifest_of(run_id, rows, DAY, ["agent_id"]))


def test_a_landing_is_published_and_nothing_stays_in_staging() -> None:
    bronze = InMemory()
    assert load_into(bronze, "R1", 10) == ("R1", 10)
    assert (bronze.days, bronze.is_staged) == ({DAY: ("R1", 10)}, False)


def test_the_answer_names_the_newer_run_that_stays() -> None:
    bronze = InMemory()
    load_into(bronze, "R2", 20)
    assert load_into(bronze, "R1", 10) == ("R2", 20)


@pytest.mark.parametrize(
    ("bronze", "words"),
    [
        (InMemory(lost=(1, 0)), "staging: 9 rows staged, the manifest says 10; nothing was published"),
        (InMemory(lost=(1, 0), strange=0), "staging: 9 rows staged, 0 of them of other runs; the manifest says 10;"),
        (InMemory(strange=2), "staging: 10 rows staged, 2 of them of other runs; the manifest says 10; nothing was"),
    ],
)
def test_what_is_staged_and_does_not_balance_is_not_published(bronze: InMemory, words: str) -> None:
    with pytest.raises(BalanceError, match=words):
        load_into(bronze, "R1", 10)
    assert (bronze.days, bronze.is_staged) == ({}, False)


def test_what_bronze_then_holds_has_to_balance_too() -> None:
    with pytest.raises(BalanceError, match="10 rows landed, 9 in Bronze"):
        load_into(InMemory(lost=(0, 1)), "R1", 10)
