"""A write outlasts its token. In the stand-in a token lives for so many appended bytes, not for an hour.

Each file of the landing appends a good 10,000: a token lives for two of them, and not for four.
"""

from collections.abc import Callable, Iterator
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.bronze.bigquery import append
from jobs.bronze.choice import make_bronze
from jobs.clients import store
from jobs.contracts.source import load_contracts
from jobs.errors import ServiceError
from jobs.ledger.manifest import DataFile, Manifest, locate_landing
from jobs.pipeline.load import stage_audit_publish
from tests.bigquery.conftest import Cloud
from tests.conftest import DAYS
from tests.manifests import manifest_of, table_of

DAY, FILES, ROWS = DAYS[0], 4, 10  # of each file
Load = Callable[[], tuple[str, int]]


@pytest.fixture
def landed(cloud: Cloud) -> Manifest:
    """A landing of four files."""
    folder = locate_landing(cloud.world.environment.lake, "agents", DAY, "R1")
    table = table_of("R1", FILES * ROWS, DAY, ("name", "experience", "state"))
    long = pa.array([f"{row:01000}" for row in range(FILES * ROWS)])
    table = table.set_column(table.column_names.index("name"), "name", long)
    files = []
    for number in range(FILES):
        content = BytesIO()
        pq.write_table(table.slice(number * ROWS, ROWS), content)
        files.append(DataFile(path=f"landed/part-{number}.parquet", rows=ROWS, bytes=len(content.getvalue())))
        assert store.put_if_absent(folder / files[-1].path, content.getvalue())
    manifest = manifest_of("R1", FILES * ROWS, DAY, table.column_names)
    return manifest.model_copy(update={"files": tuple(files)})


@pytest.fixture
def load(cloud: Cloud, landed: Manifest) -> Iterator[tuple[Load, list[str]]]:
    """The load, with tokens that live for 30,000 bytes, and what it notes."""
    environment, events = cloud.world.environment, list[str]()
    contract = load_contracts(environment)["agents"]

    def note(event: str, **_: object) -> None:
        events.append(event)

    cloud.stand_in.life.write_text("30000")
    bronze = make_bronze(environment, cloud.session)
    yield (lambda: stage_audit_publish(bronze, contract, landed, note)), events
    cloud.stand_in.life.unlink()


def test_a_write_that_outlasts_its_token_is_made_again_in_halves_with_fresh_ones(
    cloud: Cloud, load: tuple[Load, list[str]]
) -> None:
    loading, events = load
    assert loading() == ("R1", FILES * ROWS)
    assert events == ["staging", "expired", "appended", "staged", "published", "dropped"]
    assert cloud.bronze("agents") == [(DAY, "R1", FILES * ROWS)]


def test_writes_of_a_bounded_size_each_have_a_token_of_their_own(
    cloud: Cloud, load: tuple[Load, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(append, "MOST_BYTES", 1)
    loading, events = load
    before = len(cloud.stand_in.tokens)
    assert loading() == ("R1", FILES * ROWS)
    assert events == ["staging", "appended", "staged", "published", "dropped"]
    assert len(cloud.stand_in.tokens) - before >= FILES
    assert cloud.bronze("agents") == [(DAY, "R1", FILES * ROWS)]


def test_a_file_that_outlasts_its_token_is_named_and_nothing_is_published(
    cloud: Cloud, load: tuple[Load, list[str]]
) -> None:
    loading, _ = load
    cloud.stand_in.life.write_text("5000")
    with pytest.raises(ServiceError, match=r"agents landed/part-0\.parquet: BigQuery no longer took the token"):
        loading()
    assert cloud.bronze("agents") == []


def test_batches_keep_the_files_order_and_a_large_file_is_one_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(append, "MOST_BYTES", 10)
    files = [DataFile(path=str(size), rows=1, bytes=size) for size in (4, 6, 1, 99, 5, 5, 0)]
    assert [[file.bytes for file in batch] for batch in append.cut_batches(files)] == [[4, 6], [1], [99], [5, 5, 0]]
    assert append.cut_batches([]) == []
