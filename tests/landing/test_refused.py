"""A refusal stands in the place of a manifest: why, and the rows that were rejected, which can be read."""

from pathlib import Path

import pyarrow.parquet as pq

from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import Refusal
from pages.rejected import samples
from tests.conftest import DAY
from tests.landing.test_landing import CALLS, csv_of
from tests.runner import Runner

ONLY = ("call_logs",)


def refusal(run: Runner, run_id: str | None) -> Refusal:
    found = Ledger(run.world.lake).refusal("call_logs", DAY, str(run_id))
    assert found
    return found


def test_the_rejected_rows_of_a_refused_day_can_be_read(run: Runner) -> None:
    run.world.deliver("call_logs", csv_of(CALLS, 20) + b"Jane,Canary\n" * 5)
    (refused,) = run(sources=ONLY)
    assert (refused.state, refused.exit_code) == ("refused", 65)

    found = refusal(run, refused.attempt_run_id)

    assert (found.rows_delivered, found.error, found.run_id) == (25, refused.error, refused.attempt_run_id)
    assert sum(found.reject_reasons.values()) == sum(file.rows for file in found.rejected_files) == 5
    folder = run.world.lake / f"raw/call_logs/ingest_date={DAY}/run_id={found.run_id}"
    rows = [row for file in found.rejected_files for row in pq.ParquetFile(folder / file.path).read().to_pylist()]
    assert {row["_raw"].strip() for row in rows} == {"Jane,Canary"}
    (shown,) = samples(run.world.environment, [refused])
    assert [row.shape.strip() for row in shown.rows] == ["Xxxx,Xxxxxx"] * 3


def test_a_refusal_is_no_landing_and_the_day_lands_once_its_delivery_is_right(run: Runner) -> None:
    run.world.deliver("call_logs", csv_of(CALLS[1:], 20))
    (refused,) = run(sources=ONLY)
    assert CALLS[0] in refusal(run, refused.attempt_run_id).error
    assert Ledger(run.world.lake).read_manifests("call_logs") == []
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    (landed,) = run(sources=ONLY)
    assert (landed.state, landed.corrected) == ("loaded", False)


def test_a_sweep_leaves_what_a_killed_run_had_refused(run: Runner) -> None:
    run.world.deliver("call_logs", csv_of(CALLS[1:], 20))
    (refused,) = run(sources=ONLY)
    scratch = Path(run.world.lake / "scratch" / str(refused.attempt_run_id))
    scratch.mkdir()
    (scratch / ".running").touch()
    run(sources=ONLY)
    assert not scratch.exists()
    assert refusal(run, refused.attempt_run_id).error == refused.error
