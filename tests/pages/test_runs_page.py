"""The run page of a lake with everything in it that can go wrong, and of one with nothing in it."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser

from jobs.bronze.choice import make_bronze
from jobs.config.environment import load_environment
from jobs.contracts.source import load_contracts
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import DataFile, locate_landing
from jobs.ledger.outcome import Outcome, RunReport, State
from jobs.pipeline.load import load
from pages import runs
from pages.runs import Line
from tests.conftest import DAYS, World, make_world
from tests.manifests import SCHEMA, contract_of, manifest_of
from tests.pages.world import Made, Opened, gold, make

HOSTILE = "<script>alert('here')</script>"
RAW = "77,Jane Canary,jane.canary@mail.example,12 Élan Road,+1 555 0100"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Three days: one that adds up with rejected rows, one refused and one not arrived; outages never came."""
    world = make_world(tmp_path_factory.mktemp("runs"))
    _landed(world, "call_logs", DAYS[0], "run-1", 1200, rejected=2)
    _landed(world, "agents", DAYS[0], "run-1", 100)
    _landed(world, "web_forms", DAYS[1], "run-2", 10, drift={"unknown_columns": [HOSTILE]}, odd_volume="10 rows; odd")
    _reported(
        world,
        "run-1",
        _outcome("call_logs", DAYS[0], "loaded", "run-1", seconds=3.5),
        _outcome("agents", DAYS[0], "loaded", "run-1"),
    )
    _reported(
        world,
        "run-2",
        _outcome("web_forms", DAYS[1], "loaded", "run-2"),
        _outcome("call_logs", DAYS[1], "refused", error=f"column {HOSTILE} is gone", exit_code=65),
        _outcome("social_media", DAYS[2], "not_arrived", error="nothing there", retry_helps=True, exit_code=75),
    )
    (world.root / "logs").mkdir()
    for run in ("run-1", "run-2", "run-3-killed"):
        (world.root / f"logs/{run}.jsonl").touch()
    _built_by_dbt(world)
    return world


@pytest.fixture(scope="module")
def made(world: World) -> Made:
    return make(world, gold(world.root / "gold.duckdb", []).file)


def _landed(world: World, source: str, day: date, run: str, rows: int, rejected: int = 0, **more: object) -> None:
    folder = locate_landing(world.lake, source, day, run)
    (folder / "landed").mkdir(parents=True)
    values = {"_run_id": [run] * rows, "ingest_date": [day] * rows}
    table = pa.table({name: values.get(name, [None] * rows) for name in SCHEMA.names}, schema=SCHEMA)
    pq.write_table(table, folder / "landed/part-0.parquet")
    manifest = manifest_of(run, rows, day, SCHEMA.names, source).model_copy(update=more)
    if rejected:
        (folder / "rejected").mkdir()
        records = {"_reason": ["7 fields, not 9"], "_source_uri": ["calls.csv"], "_position": [12], "_raw": [RAW]}
        pq.write_table(
            pa.table({name: value * rejected for name, value in records.items()}), folder / "rejected/part-0.parquet"
        )
        file = DataFile(path="rejected/part-0.parquet", rows=rejected, bytes=0)
        counts = {"rows_delivered": rows + rejected, "rows_rejected": rejected, "rejected_files": (file,)}
        manifest = manifest.model_copy(update=counts | {"reject_reasons": {"7 fields, not 9": rejected}})
    Ledger(world.lake).put_manifest(manifest)
    load(make_bronze(world.environment), contract_of("agent_id"), manifest)


def _outcome(source: str, day: date, state: str, run: str | None = None, **more: object) -> Outcome:
    return Outcome.model_validate({"source": source, "ingest_date": day, "state": state, "run_id": run} | more)


def _reported(world: World, run: str, *outcomes: Outcome) -> None:
    started = datetime(2025, 11, 24, 1, tzinfo=UTC)
    code = max(outcome.exit_code for outcome in outcomes)
    report = RunReport(
        run_id=run,
        step="run",
        started_at=started,
        finished_at=started + timedelta(seconds=42.5),
        exit_code=code,
        outcomes=outcomes,
    )
    Ledger(world.lake).put_report(report)


def _built_by_dbt(world: World) -> None:
    (world.root / "dbt").mkdir()
    nodes = {
        f"test.coretelecoms.{name}.1": {"name": name, "attached_node": "model.coretelecoms.fact_complaints"}
        for name in ("keys", "few_orphans", "balance")
    }
    results = [
        {"unique_id": unique_id, "status": status, "message": message, "execution_time": 0.1}
        for unique_id, status, message in zip(
            nodes, ("pass", "warn", "fail"), (None, "Got 21 results", "cannot cast 'Jane Canary'"), strict=True
        )
    ]
    for name, status in (("built", "success"), ("broken", "error"), ("behind_it", "skipped")):
        unique_id = f"model.coretelecoms.{name}"
        results.append({"unique_id": unique_id, "status": status, "message": "no 'Canary'", "execution_time": 2.5})
    said = {"metadata": {"generated_at": "2025-11-24T02:00:00Z"}, "args": {"which": "build"}, "elapsed_time": 3.0}
    (world.root / "dbt/run_results.json").write_text(json.dumps(said | {"results": results}))
    (world.root / "dbt/manifest.json").write_text(json.dumps({"nodes": nodes}))


def test_what_needs_attention_stands_first_the_worst_on_top(chromium: Browser, made: Made) -> None:
    opened = Opened(chromium, made, "runs")

    said = [text.lstrip("✕△ ") for text in opened.page.locator(".attention li").all_inner_texts()]

    assert opened.page.locator("#verdict").inner_text() == "3 things are wrong"
    assert said == [
        f"call_logs, 2025-11-21: refused: column {HOSTILE} is gone",
        "dbt, fail: balance",
        "dbt, error: broken",
        "web_forms, 2025-11-21: 10 rows; odd",
        f"web_forms, 2025-11-21: unknown columns: {HOSTILE}",
        "social_media, 2025-11-22: not arrived",
        "dbt, warn: few_orphans",
        "dbt, skipped: behind_it",
        "customers: nothing of it has ever landed",
        "service_outages: nothing of it has ever landed",
        "social_media: nothing of it has ever landed",
        "run run-3-killed left no report: it was killed, or is still going",
    ]
    assert (opened.said, opened.asked) == ([], [])
    assert "<script>alert" not in made.text("runs")
    opened.close()


def test_the_ledger_shows_counts_and_whether_they_add_up(chromium: Browser, made: Made) -> None:
    opened = Opened(chromium, made, "runs")
    lines = opened.page.locator("#lines tbody").evaluate(
        "body => [...body.rows].map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    )

    assert [line for line in lines if line[:2] == ["2025-11-20", "call_logs"]] == [
        [
            *("2025-11-20", "call_logs", "✓ loaded", "1,202", "1,200", "2", "1,200", "adds up"),
            *("loaded, 24 Nov 2025, 01:00 UTC", "3.5 s", "run-1"),
        ]
    ]
    assert (
        "1,312 rows delivered: 1,310 landed, 2 rejected; 1,310 in Bronze"
        in opened.page.locator(".verdict").inner_text()
    )
    opened.page.select_option("select[name=state]", "refused")
    assert opened.page.locator("#lines tbody tr:visible").count() == 1
    assert opened.page.locator("#picked").inner_text() == "1 line"
    opened.close()


def test_the_calendar_tells_not_due_not_known_and_not_arrived_apart(chromium: Browser, made: Made) -> None:
    opened = Opened(chromium, made, "runs")

    rows = opened.page.locator(".calendar tbody").evaluate(
        """body => Object.fromEntries([...body.rows].map(row =>
            [row.cells[0].innerText, [...row.querySelectorAll('.sr')].map(one => one.textContent)]))"""
    )

    assert rows == {
        "agents": ["loaded", "nothing due", "nothing due"],
        "call_logs": ["loaded", "refused", "nothing known"],
        "customers": ["nothing due"] * 3,
        "service_outages": ["nothing known"] * 3,
        "social_media": ["nothing known", "nothing known", "not arrived"],
        "web_forms": ["nothing known", "loaded", "nothing known"],
    }
    opened.close()


def test_rejected_rows_show_their_shape_and_nobody_s_data(chromium: Browser, made: Made) -> None:
    opened = Opened(chromium, made, "runs")

    shown = opened.page.locator("#rejected").inner_text()

    assert "2 \u00d7 7 fields, not 9" in shown
    assert "99,Xxxx Xxxxxx,xxxx.xxxxxx@xxxx.xxxxxxx,99 Xxxx Xxxx,+9 999 9999" in shown
    assert "anary" not in made.text("runs")
    opened.close()


def test_links_lead_to_the_logs(chromium: Browser, world: World, made: Made) -> None:
    opened = Opened(chromium, made, "runs")

    links = opened.page.locator("#runs a").evaluate_all("links => links.map(link => link.href)")

    assert links == [(world.root / f"logs/{run}.jsonl").as_uri() for run in ("run-3-killed", "run-2", "run-1")]
    opened.close()


def test_a_lake_with_nothing_in_it_gives_a_page_that_says_so(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = make_world(tmp_path_factory.mktemp("nothing"))

    opened = Opened(chromium, make(world, world.root / "nowhere.duckdb"), "runs")

    assert opened.page.locator("#verdict").inner_text() == "No run has landed anything yet"
    assert "dbt has not run here" in opened.page.locator("#dbt").inner_text()
    assert opened.said == []
    opened.close()


@pytest.mark.parametrize(
    ("state", "landed", "bronze", "balance"),
    [
        ("loaded", 9, 9, "adds up"),
        ("landed", 9, None, "not in Bronze yet"),
        ("loaded", 8, 8, "off by 1 on landing"),
        ("loaded", 9, 1, "off by 8 in Bronze"),
        ("failed", 9, 9, "off: another landing's rows"),
        ("refused", None, None, ""),
    ],
)
def test_a_balance_says_by_how_much_it_is_off(state: str, landed: int | None, bronze: int | None, balance: str) -> None:
    outcome = _outcome("agents", DAYS[0], state, rows_delivered=10, rows_landed=landed, rows_rejected=1)

    assert Line(outcome.model_copy(update={"rows_bronze": bronze}), None, None).balance == balance


def test_a_day_after_the_last_one_of_a_source_is_retired_not_missing() -> None:
    contract = load_contracts(load_environment("local"), ("call_logs",))["call_logs"]
    days = [date(2025, 11, 20), date(2025, 11, 21)]
    ended = contract.model_copy(update={"until": days[0]})
    shown = runs._calendar({"call_logs": ended}, [], days)
    assert [(day, state) for day, state, _ in shown[0][1]] == [(days[0], "nothing known"), (days[1], "retired")]
    assert {*get_args(State)} <= {*runs.SYMBOLS}


def test_a_loaded_day_whose_last_attempt_failed_is_told_beside_its_state() -> None:
    failed = {"attempt": "failed", "attempt_error": "Postgres is down"}
    line = Line(
        _outcome("agents", DAYS[0], "loaded", rows_delivered=1, rows_landed=1, rows_rejected=0, **failed), None, None
    )

    assert (line.state, line.attempt) == ("loaded", "failed")
    assert [notice.text for notice in runs._notices(line) if "last attempt" in notice.text] == [
        f"agents, {DAYS[0]}: loaded, last attempt failed: Postgres is down"
    ]
