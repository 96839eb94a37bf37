import hashlib
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import duckdb
import duckdb_extension_delta
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from jobs.bronze.choice import make_bronze
from jobs.bronze.delta.bounds import bounds
from jobs.errors import BalanceError
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import DataFile, Manifest, locate_landing
from jobs.pipeline.load import stage_audit_publish
from tests.conftest import DAY, DAYS, World
from tests.manifests import contract_of, manifest_of, table_of


def landing(world: World, run_id: str, rows: int, day: date = DAY, more: tuple[str, ...] = ()) -> Manifest:
    folder = locate_landing(world.lake, "agents", day, run_id) / "landed"
    folder.mkdir(parents=True)
    table = table_of(run_id, rows, day, more)
    pq.write_table(table, folder / "part-0.parquet")
    manifest = manifest_of(run_id, rows, day, table.column_names)
    Ledger(world.lake).put_manifest(manifest)
    return manifest


def load(
    world: World, manifest: Manifest, *more: str, log: Callable[[str], None] = lambda event: None
) -> tuple[str, int]:
    return stage_audit_publish(make_bronze(world.environment), contract_of("agent_id", *more), manifest, log)


def held(world: World) -> dict[date, tuple[str, int]]:
    return make_bronze(world.environment).published("agents")


def live_files(world: World) -> dict[str, str]:
    uris = DeltaTable(world.bronze / "agents").file_uris()
    return {uri: hashlib.sha256(Path(uri.removeprefix("file://")).read_bytes()).hexdigest() for uri in uris}


def test_a_day_is_replaced_and_the_other_days_keep_their_bytes(world: World) -> None:
    for number, day in enumerate(DAYS):
        load(world, landing(world, "R1", 10 + number, day))
    before = live_files(world)
    assert load(world, landing(world, "R2", 5)) == ("R2", 5)
    after = live_files(world)
    assert held(world) == {DAYS[0]: ("R1", 10), DAY: ("R2", 5), DAYS[2]: ("R1", 12), DAYS[3]: ("R1", 13)}
    assert {uri: content for uri, content in before.items() if str(DAY) not in uri}.items() <= after.items()


def test_twice_is_as_good_as_once(world: World) -> None:
    manifest = landing(world, "R1", 10)
    assert load(world, manifest) == load(world, manifest) == ("R1", 10)
    assert held(world) == {DAY: ("R1", 10)}


def test_an_older_run_never_replaces_a_newer_one(world: World) -> None:
    older, newer = landing(world, "R1", 10), landing(world, "R2", 20)
    load(world, newer)
    assert load(world, older) == ("R2", 20)
    assert held(world) == {DAY: ("R2", 20)}


def test_a_day_that_became_empty_is_empty_and_remembers_its_run(world: World) -> None:
    load(world, landing(world, "R1", 10))
    assert load(world, landing(world, "R2", 0)) == ("R2", 0)
    assert held(world) == {DAY: ("R2", 0)}


def test_a_staged_file_that_does_not_hold_the_manifests_rows_is_not_published(world: World) -> None:
    load(world, landing(world, "R1", 10))
    wrong = landing(world, "R2", 20)
    wrong = wrong.model_copy(update={"files": (DataFile(path="landed/part-0.parquet", rows=21, bytes=0),)})
    with pytest.raises(BalanceError, match="20 rows staged, the manifest says 21; nothing was published"):
        load(world, wrong)
    assert held(world) == {DAY: ("R1", 10)}


def test_ten_runs_of_one_day_at_once_end_with_the_newest_whole(world: World) -> None:
    manifests = [landing(world, f"R{number}", 10 + number) for number in range(10)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda manifest: load(world, manifest), manifests))
    assert held(world) == {DAY: ("R9", 19)}
    assert len(live_files(world)) == 1


def test_runs_of_different_days_at_once_all_arrive(world: World) -> None:
    manifests = [landing(world, "R1", 10 + number, date(2025, 1, 1 + number)) for number in range(10)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda manifest: load(world, manifest), manifests))
    assert sorted(rows for _, rows in held(world).values()) == list(range(10, 20))


def test_a_column_that_the_source_contract_gained_is_null_in_older_days(world: World) -> None:
    load(world, landing(world, "R1", 10, DAYS[0]))
    load(world, landing(world, "R2", 5, DAYS[1], more=("team",)), "team")
    rows = in_duckdb(world, "select ingest_date, count(*), count(team) from {} group by all order by all")
    assert rows == [(DAYS[0], 10, 0), (DAYS[1], 5, 0)]


def test_another_engine_reads_what_was_published_and_nothing_else(world: World) -> None:
    load(world, landing(world, "R1", 10))
    load(world, landing(world, "R2", 20))
    landing(world, "R3", 30)
    rows = in_duckdb(world, "select ingest_date, _run_id, count(*) from {} group by all")
    assert rows == [(DAY, "R2", 20)]


def test_the_run_is_read_from_the_rows_whoever_wrote_their_files(world: World) -> None:
    load(world, landing(world, "R1", 10))
    table(world).optimize.z_order(["agent_id"])
    assert held(world) == {DAY: ("R1", 10)}
    table(world).delete("agent_id = '3'")
    table(world).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    assert held(world) == {DAY: ("R1", 9)}
    assert load(world, landing(world, "R2", 10)) == ("R2", 10)
    assert load(world, landing(world, "R3", 20)) == ("R3", 20)
    assert held(world) == {DAY: ("R3", 20)}


def test_files_compacted_into_one_are_the_run_s_still(world: World) -> None:
    manifest = landing(world, "R1", 10)
    again = manifest.files[0].model_copy(update={"path": "landed/part-1.parquet"})
    folder = locate_landing(world.lake, "agents", DAY, "R1") / "landed"
    shutil.copyfile(folder / "part-0.parquet", folder / "part-1.parquet")
    twice = manifest.model_copy(update={"files": (*manifest.files, again), "rows_landed": 20, "rows_delivered": 20})
    assert load(world, twice) == ("R1", 20)
    table(world).optimize.compact()
    assert len(live_files(world)) == 1
    assert held(world) == {DAY: ("R1", 20)}


def test_rows_that_name_several_runs_are_told_and_no_run_is_named(world: World) -> None:
    load(world, landing(world, "R1", 10))
    table(world).update({"_run_id": "'R9'"}, predicate="agent_id = '3'")
    assert held(world) == {DAY: ("", 10)}
    table(world).update({"_run_id": "cast(null as string)"})
    assert held(world) == {DAY: ("", 10)}
    assert load(world, landing(world, "R2", 10)) == ("R2", 10)


def test_a_column_without_statistics_is_read(tmp_path: Path) -> None:
    pq.write_table(table_of("R1", 5, DAY), tmp_path / "x.parquet", write_statistics=False)
    assert bounds(tmp_path / "x.parquet", "_run_id") == (5, "R1", "R1")


def table(world: World) -> DeltaTable:
    return DeltaTable(world.bronze / "agents")


def in_duckdb(world: World, query: str) -> list[tuple[object, ...]]:
    (extension,) = Path(duckdb_extension_delta.__file__).parent.rglob("*.duckdb_extension")
    with duckdb.connect() as connection:
        connection.execute(f"load '{extension}'")
        return connection.sql(query.format(f"delta_scan('{world.bronze}/agents')")).fetchall()
