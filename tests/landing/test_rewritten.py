"""Bronze that Delta's own commands rewrote: told at once by whoever looks, and mended by the next replay."""

from collections.abc import Callable

import pytest
from deltalake import DeltaTable

from jobs.__main__ import main
from tests.conftest import DAY, DAYS
from tests.landing.test_landing import CALLS, csv_of
from tests.runner import Runner

ONLY = ("call_logs",)


def status(run: Runner) -> int:
    return main(["status", "--env", str(run.world.file), "--source", "call_logs"])


def loaded(run: Runner) -> DeltaTable:
    for day in DAYS[:2]:
        run.world.deliver("call_logs", csv_of(CALLS, 20), day)
    run(*DAYS[:2], sources=ONLY)
    return DeltaTable(run.world.bronze / "call_logs")


def vacuumed(table: DeltaTable) -> None:
    table.delete("call_id = 'x1-3'")
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)


@pytest.mark.parametrize(
    "rewrite",
    [lambda table: table.delete(f"call_id = 'x1-3' and ingest_date = '{DAY}'"), vacuumed],
    ids=["delete", "vacuum"],
)
def test_rows_deleted_from_bronze_are_told_at_once_and_mended_by_a_replay(
    rewrite: Callable[[DeltaTable], object], run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    table = loaded(run)
    assert status(run) == 0
    rewrite(table)

    assert status(run) == 65
    assert f"call_logs {DAY}: off by 1 in Bronze" in capsys.readouterr().err
    (told,) = run(DAY, sources=ONLY)
    assert (told.state, told.exit_code, told.rows_bronze) == ("failed", 65, 19)
    (mended,) = run(DAY, sources=ONLY, replay=True)
    assert (mended.state, mended.rows_bronze) == ("loaded", 20)
    run(*DAYS[:2], sources=ONLY, replay=True)
    assert status(run) == 0


def test_a_day_deleted_whole_is_loaded_again_by_the_next_run(run: Runner) -> None:
    loaded(run).delete(f"ingest_date = '{DAY}'")
    (mended,) = run(DAY, sources=ONLY)
    assert (mended.state, mended.rows_bronze) == ("loaded", 20)


def test_what_optimize_rewrote_adds_up_and_takes_corrections(run: Runner) -> None:
    loaded(run).optimize.z_order(["call_id"])
    assert status(run) == 0
    run.world.deliver("call_logs", csv_of(CALLS, 21), DAY)
    (corrected,) = run(DAY, sources=ONLY)
    assert (corrected.state, corrected.corrected, corrected.rows_bronze) == ("loaded", True, 21)
