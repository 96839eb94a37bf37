"""Each environment has a DuckDB file of its own, named by it; one that another made is neither built in nor asked."""

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import owner
import pytest
import query
import warehouse

from tests.dbt.world import DAYS, ROOT, World, product

FROM_OTHERS = r"is of environment 'local' \(Bronze: .*/bronze\), not of environment '(\w+)' \(Bronze: (.*)\)\. .*--env"


def unnamed(file: Path) -> None:
    """As an older version left it."""
    with duckdb.connect(file) as connection:
        connection.execute("DROP VIEW main.environment")


def owned(file: Path) -> object:
    with duckdb.connect(file, read_only=True) as connection:
        return warehouse.owner_of(connection)


def of(bronze: Path) -> object:
    return warehouse.Owner("local", str(bronze))


ASKED: dict[str, Callable[[Path], object]] = {
    "build": lambda _: product.build(DAYS[3], DAYS[3]),
    "headline": lambda _: list(product.headline()),
    "query": lambda _: list(query.show("SELECT 1")),
    "docs": lambda _: product.docs(),
    "export": lambda folder: product.export(folder / "gold.duckdb"),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("variable", ["CORETELECOMS_ENVIRONMENT", "CORETELECOMS_BRONZE"])
def test_a_file_of_another_environment_is_refused(
    variable: str, ask: Callable[[Path], object], base: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = base.file.read_bytes()
    monkeypatch.setenv(variable, "another" if variable == "CORETELECOMS_ENVIRONMENT" else str(tmp_path / "bronze"))
    with pytest.raises(product.BuildError, match=FROM_OTHERS) as caught:
        ask(tmp_path)
    assert caught.value.code == 78
    assert base.file.read_bytes() == before
    assert list(tmp_path.iterdir()) == []


def test_each_environment_has_a_file_that_is_named_by_it(base: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert owned(base.file) == of(base.bronze)
    monkeypatch.delenv("CORETELECOMS_WAREHOUSE")
    monkeypatch.delenv("DBT_TARGET_PATH")
    for name in ("local", "s3"):
        monkeypatch.setenv("CORETELECOMS_ENVIRONMENT", name)
        assert warehouse.warehouse() == ROOT / f".local/warehouse/{name}/warehouse.duckdb"
        assert warehouse.artifacts() == ROOT / f".local/dbt/{name}"


def test_an_older_versions_file_is_this_environments_where_it_holds_a_run_of_its_bronze(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unnamed(world.file)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("CORETELECOMS_BRONZE", str(tmp_path))
        with pytest.raises(product.BuildError, match="no run of it is in this one") as caught:
            product.build(DAYS[3], DAYS[3])
    assert caught.value.code == 78
    assert owned(world.file) is None
    before = world.tables()
    world.build(DAYS[3], tests=False)
    assert owned(world.file) == of(world.bronze)
    assert world.tables() == before


@pytest.mark.parametrize("is_ours", [True, False])
def test_the_file_that_all_environments_shared_goes_to_the_one_it_was_built_of(
    is_ours: bool, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORETELECOMS_CONTRACTS", str(ROOT / "conf/sources"))
    monkeypatch.setattr(warehouse, "ROOT", tmp_path)
    older = tmp_path / ".local/warehouse.duckdb"
    monkeypatch.setattr(owner, "OLDER", older)
    monkeypatch.delenv("CORETELECOMS_WAREHOUSE")
    older.parent.mkdir()
    shutil.copy(world.file, older)
    unnamed(older)
    if not is_ours:
        monkeypatch.setenv("CORETELECOMS_BRONZE", str(tmp_path / "bronze"))

    owner.claim()

    assert older.exists() != is_ours
    with warehouse.opened(read_only=True) as connection:
        assert bool(connection.execute("FROM pg_tables").fetchall()) == is_ours
    assert owned(warehouse.warehouse()) == warehouse.ours()
