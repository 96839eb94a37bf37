"""Excel and Parquet deliveries from the file to Bronze, counted again by another reader."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from jobs.contracts.source import load_contracts
from jobs.ledger.ledger import Ledger
from jobs.sources import json_lines
from jobs.sources import parquet as parquet_files
from jobs.sources.recount import count_delivered
from tests.conftest import AGENTS_FROM_A_FILE, DAY
from tests.runner import Runner

HEADER = ["iD", "NamE", "experience", "state", "hired"]


def workbook(rows: int, first: int = 0, title: str = "agents") -> bytes:
    made = Workbook()
    page = made.active
    assert page
    page.title = title
    page.append(["Agents"])
    page.append(HEADER)
    for number in range(first, first + rows):
        page.append([f"a{number}", f"Ada {number}", number, None, DAY])
    page["B3"].data_type = "e"
    made.save(file := io.BytesIO())
    return file.getvalue()


def parquet(rows: int, first: int = 0) -> bytes:
    numbers = range(first, first + rows)
    columns = {
        "iD": [f"a{number}" for number in numbers],
        "NamE": [f"Ada {number}" for number in numbers],
        "experience": pa.array([*numbers], pa.float64()),
        "state": pa.nulls(rows, pa.string()),
        "hired": [DAY] * rows,
    }
    pq.write_table(pa.table(columns), file := io.BytesIO(), row_group_size=100)
    return file.getvalue()


DELIVERIES = {
    "xlsx": 'kind = "xlsx", paths = ["agents/*.xlsx"], header_row = 2, sheet = "agents"',
    "parquet": 'kind = "parquet", paths = ["agents/*.parquet"]',
}


def deliver(run: Runner, kind: str, *files: bytes) -> list[Path]:
    text = run.world.file.read_text()
    run.world.file.write_text(text.replace(AGENTS_FROM_A_FILE, f"[deliveries]\nagents = {{ {DELIVERIES[kind]} }}\n"))
    (folder := run.world.root / "sources/agents").mkdir(exist_ok=True)
    paths = [folder / f"{number}.{kind}" for number in range(len(files))]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content)
    return paths


@pytest.mark.parametrize("kind", DELIVERIES)
def test_typed_files_land_as_text_row_by_row(run: Runner, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "SPLIT", 3000)
    monkeypatch.setattr(parquet_files, "SPLIT", 3000)
    make = workbook if kind == "xlsx" else parquet
    paths = deliver(run, kind, make(250), make(50, 250), make(0))
    (outcome,) = run(sources=("agents",))
    assert (outcome.state, outcome.rows_delivered, outcome.rows_bronze) == ("loaded", 300, 300), outcome.error
    found = {str(row["agent_id"]): row for row in run.bronze("agents")}
    assert len(found) == 300
    assert [found["a7"][name] for name in ("experience", "state", "_rescued")] == ["7", None, f'{{"hired":"{DAY}"}}']
    assert found["a7"]["_source_uri"] == str(paths[0])
    assert outcome.drift.get("unknown_columns") == ["hired"]
    (manifest,) = Ledger(run.world.lake).read_manifests("agents")
    environment = run.world.environment
    assert count_delivered(load_contracts(environment)["agents"], environment, DAY, manifest.inputs) == 300
    if kind == "xlsx":
        assert (outcome.drift["error_values"], outcome.lines_apart) == (["cells: 2"], {"skipped lines": 3})
    assert [*run.world.lake.joinpath("scratch").rglob("*")] == []


@pytest.mark.parametrize("kind", DELIVERIES)
def test_a_typed_file_that_is_cut_off_lands_nothing(run: Runner, kind: str) -> None:
    content = workbook(250) if kind == "xlsx" else parquet(250)
    deliver(run, kind, content, content[:-100])
    (outcome,) = run(sources=("agents",))
    assert (outcome.state, outcome.exit_code) == ("refused", 65)
    assert f"1.{kind}: no " in (outcome.error or "")
    assert [*run.world.lake.joinpath("scratch").rglob("*")] == []
