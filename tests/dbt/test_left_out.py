"""An environment with fewer sources than the models read builds what it can, and the summary says what is left out."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest
import warehouse

from tests.dbt.world import COMPLAINTS, DAYS, ROOT, SOURCES, World, product

CHANNELS = {"call_logs": "Call", "social_media": "Social media", "web_forms": "Web form"}


def contracts_of(sources: Iterable[str], folder: Path) -> Path:
    folder.mkdir()
    for source in sources:
        shutil.copy(ROOT / f"conf/sources/{source}.toml", folder)
    return folder


def rows(file: Path) -> dict[str, int]:
    with duckdb.connect(file, read_only=True) as connection:
        names = [name for (name,) in connection.sql("SELECT schemaname || '.' || tablename FROM pg_tables").fetchall()]
        return {name.partition(".")[2]: len(connection.table(name)) for name in names}


def complaints(file: Path) -> dict[str, int]:
    with duckdb.connect(file, read_only=True) as connection:
        return dict(
            connection.sql("SELECT channel, count(*) FROM coretelecoms_gold.fact_complaints GROUP BY ALL").fetchall()
        )


@pytest.mark.parametrize(
    "missing",
    [("customers", "agents", "service_outages"), ("social_media",), SOURCES[1:]],
    ids=" ".join,
)
def test_without_some_sources_the_others_are_built_and_tested(
    missing: tuple[str, ...], base: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [source for source in SOURCES if source not in missing]
    bronze = tmp_path / "bronze"
    for source in there:
        shutil.copytree(base.root / "base/bronze" / source, bronze / source)
    monkeypatch.setenv("CORETELECOMS_CONTRACTS", str(contracts_of(there, tmp_path / "contracts")))
    monkeypatch.setenv("CORETELECOMS_BRONZE", str(bronze))
    monkeypatch.setenv("CORETELECOMS_WAREHOUSE", str(tmp_path / "warehouse.duckdb"))
    monkeypatch.delenv("CORETELECOMS_SOURCES", raising=False)

    said = product.build(DAYS[0], DAYS[-1])

    assert said.splitlines()[-1] == f"left out: {', '.join(sorted(missing))}: environment 'local' has no such source"
    found, whole = rows(warehouse.warehouse()), rows(base.root / "base/warehouse.duckdb")
    assert {name: found[f"stg_{name}"] for name in SOURCES} == {
        name: 0 if name in missing else whole[f"stg_{name}"] for name in SOURCES
    }
    assert found.keys() == whole.keys()
    assert found["dim_customer"] == (1 if "customers" in missing else whole["dim_customer"])
    channels, left = complaints(base.root / "base/warehouse.duckdb"), complaints(warehouse.warehouse())
    of_left_out = {CHANNELS[source] for source in missing if source in COMPLAINTS}
    assert left == {name: count for name, count in channels.items() if name not in of_left_out}
    assert "Complaints by channel and category" in "\n".join(product.headline())
