"""A Bronze of the tests' own, made of the demo's deliveries, and the product's build on top of it, in this process."""

import csv
import json
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from arro3.core import Array, DataType, Table
from deltalake import write_deltalake

from demo.faithful import delivery_path, generate
from demo.outages import outages

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "dbt"))

import build as product  # noqa: E402  # dbt/build.py, which is a script

DAYS = tuple(date(2025, 11, day) for day in (20, 21, 22, 23))
COMPLAINTS = ("call_logs", "social_media", "web_forms")
DAILY = (*COMPLAINTS, "service_outages")
SOURCES = (*DAILY, "customers", "agents")
LAYERS = ("coretelecoms_silver", "coretelecoms_gold", "coretelecoms_gold_private")
# Remembers builds, so that a rebuild cannot give the same.
NOT_REBUILT = {"agents_snapshot", "builds", "build_days", "newest_build", "int_days_begun", "int_days_settled"}
EPOCH = date(1970, 1, 1)

Row = dict[str, str | None]
Tables = dict[str, list[tuple[object, ...]]]


@dataclass
class World:
    """Paths stay the same for all tests, so that dbt parses the project once; contents are put back for each."""

    root: Path
    landings: int = 0

    @property
    def bronze(self) -> Path:
        return self.root / "bronze"

    @property
    def file(self) -> Path:
        return self.root / "warehouse.duckdb"

    def delivered(self, source: str, day: date | None = None) -> list[Row]:
        """Rows of the generator's own, as text, under the names of the source contract."""
        rows, contract = _read(self.root / "sources", source, day), _contract(source)
        return [{contract["columns"][header]: value for header, value in row.items()} for row in rows]

    def land(self, source: str, day: date, rows: Sequence[Row]) -> None:
        """Replace the source's day in Bronze, as a run that is newer than all before."""
        self.landings += 1
        whole = [row_of(source, row, f"run-{self.landings:04}") for row in rows]
        columns = {name: Array([row[name] for row in whole], type=DataType.utf8()) for name in row_of(source, {}, "")}
        moment = int(datetime(2025, 12, 1, 0, self.landings // 60, self.landings % 60, tzinfo=UTC).timestamp() * 1e6)
        moments = Array([moment] * len(rows), type=DataType.int64())
        days = Array([(day - EPOCH).days] * len(rows), type=DataType.int32())
        columns["_ingested_at"] = moments.cast(DataType.timestamp("us", tz="UTC"))
        columns["ingest_date"] = days.cast(DataType.date32())
        there = (self.bronze / source / "_delta_log").exists()
        write_deltalake(
            self.bronze / source,
            Table.from_pydict(columns),
            mode="overwrite",
            partition_by=["ingest_date"],
            predicate=f"ingest_date = '{day}'" if there else None,
        )

    def build(
        self,
        first: date | None = None,
        last: date | None = None,
        full: bool = False,
        tests: bool = True,
        look_back: bool = False,
    ) -> str:
        chosen = [] if tests else ["--exclude-resource-type", "test"]
        return product.build(first, last or first, full, chosen, look_back=look_back)

    def tables(self) -> Tables:
        """All rows of Silver and Gold, sorted."""
        found: Tables = {}
        with duckdb.connect(self.file, read_only=True) as connection:
            for layer, name in connection.sql("SELECT schemaname, tablename FROM pg_tables").fetchall():
                if layer in LAYERS and name not in NOT_REBUILT:
                    found[name] = sorted(connection.table(f"{layer}.{name}").fetchall(), key=repr)
        return found

    def rebuilt(self) -> Tables:
        """The same tables, built from Bronze with nothing there before."""
        kept = self.file.rename(self.root / "kept.duckdb")
        try:
            self.build(tests=False)
            return self.tables()
        finally:
            kept.rename(self.file)

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        with duckdb.connect(self.file, read_only=True) as connection:
            return connection.sql(sql).fetchall()


def row_of(source: str, row: Row, run: str) -> Row:
    """As a run lands it, all its text columns in their order."""
    contract = _contract(source)
    metadata = {"_source_system": contract["system"], "_source_uri": source, "_run_id": run, "_rescued": None}
    return dict.fromkeys(contract["columns"].values()) | row | metadata


@cache
def _contract(source: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / f"conf/sources/{source}.toml").read_text(encoding="utf-8"))


def _read(sources: Path, source: str, day: date | None) -> list[Row]:
    if source == "service_outages":
        assert day
        return [{name: value and str(value) for name, value in outage.items()} for outage in outages(day)]
    path = delivery_path(sources, (source, str(day) if day else ""))
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            return list(csv.DictReader(file))
        columns = json.load(file)
    return [{name: values[at] for name, values in columns.items()} for at in next(iter(columns.values()))]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Four days delivered, landed and built once."""
    world = World(tmp_path_factory.mktemp("dbt"))
    with pytest.MonkeyPatch.context() as patch:
        for variable, path in (
            ("CORETELECOMS_WAREHOUSE", world.file),
            ("CORETELECOMS_BRONZE", world.bronze),
            ("CORETELECOMS_DOCS", world.root / "docs.html"),
            ("DBT_TARGET_PATH", world.root / "target"),
        ):
            patch.setenv(variable, str(path))
        generate(world.root / "sources", DAYS, calls=300, customers=200)
        for source in ("customers", "agents"):
            world.land(source, DAYS[0], world.delivered(source))
        for day in DAYS:
            for source in DAILY:
                world.land(source, day, world.delivered(source, day))
        world.build()
        shutil.copytree(world.bronze, world.root / "base/bronze")
        shutil.copy(world.file, world.root / "base")
        yield world


@pytest.fixture
def world(base: World) -> World:
    """The built world as it was at first."""
    shutil.rmtree(base.bronze, ignore_errors=True)
    shutil.copytree(base.root / "base/bronze", base.bronze)
    shutil.copy(base.root / "base/warehouse.duckdb", base.file)
    assert Path(os.environ["CORETELECOMS_WAREHOUSE"]) == base.file
    return base
