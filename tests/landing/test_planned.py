"""`run --plan` tells what then happens: each action, the bytes to be read, about how many rows, and what it costs."""

import json
from datetime import timedelta

import pytest

from jobs.__main__ import main
from jobs.config.emr_sizes import GB
from jobs.config.environment import Prices, load_environment
from jobs.pipeline.estimate import Estimate, estimate
from jobs.pipeline.plan import Plan, RunRequest, Unit
from tests.conftest import DAY, World
from tests.landing.test_landing import CALLS, csv_of
from tests.unit.test_plan import HERE, contract, landed

NEXT = DAY + timedelta(days=1)


def prices(world: World) -> None:
    world.file.write_text(
        f"prices = {{ vcpu_hour = 0.05, gb_hour = 0.005, tib_read = 6.25 }}\n{world.file.read_text()}"
    )


def asked(world: World, *more: str) -> list[str]:
    return ["run", "--from", str(DAY), "--to", str(NEXT), "--source", "call_logs", "--env", str(world.file), *more]


def test_a_plan_is_what_then_happens(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    prices(world)
    first = world.deliver("call_logs", csv_of(CALLS, 200))
    assert main([*asked(world), "--json"]) == 75
    second = world.deliver("call_logs", csv_of(CALLS, 400), NEXT)
    world.deliver("call_logs", csv_of(CALLS, 201))
    capsys.readouterr()
    before = world.raw_files()
    assert main(asked(world, "--plan", "--json")) == 0
    planned = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert world.raw_files() == before
    assert main(asked(world, "--json")) == 0
    done = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["action"], one["bytes"]) for one in planned] == [
        ("land", first.stat().st_size), ("land", second.stat().st_size),
    ]  # fmt: skip
    assert [one["bytes_delivered"] for one in done] == [one["bytes"] for one in planned]
    assert [one["rows"] for one in planned] == pytest.approx([one["rows_delivered"] for one in done], rel=0.05)
    assert all(one["cost"] > 0 for one in planned)
    assert main(asked(world, "--plan")) == 0
    told = capsys.readouterr()
    assert "skip" in told.out
    assert "in all 0 bytes, about 0 rows, USD 0.0000" in told.err


@pytest.mark.parametrize(
    ("bound", "message"),
    [
        (("--max-bytes", "100"), "bytes would be read, --max-bytes allows 100; nothing was done"),
        (("--max-cost", "0.0000001"), "it would cost USD 0.00"),
    ],
)
def test_above_a_bound_nothing_is_done(
    bound: tuple[str, str], message: str, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    prices(world)
    world.deliver("call_logs", csv_of(CALLS, 20))
    assert main(asked(world, *bound)) == 64
    assert message in capsys.readouterr().err
    assert not world.lake.exists()
    assert main(asked(world, bound[0], "1000000")) == 75


def test_a_bound_of_cost_needs_prices(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(asked(world, "--max-cost", "1")) == 64
    assert "states no [prices]" in capsys.readouterr().err


def test_a_days_cost_is_that_of_its_share_of_all_workers_and_of_what_a_load_reads(world: World) -> None:
    """Twelve executors of four cores and a driver, for as long as 179 GB take them (docs/scale.md)."""
    known = landed().model_copy(update={"rows_delivered": 1000})
    environment = load_environment(str(world.file)).model_copy(update={"prices": Prices(vcpu_hour=1, gb_hour=0.5)})
    request = RunRequest(environment, {"calls": contract()}, (DAY,), "run")
    big = tuple(one.model_copy(update={"size": 179 * GB}) for one in HERE)
    (found,) = estimate(request, Plan((Unit("calls", DAY, "land", "new", contract(), known, big),)))
    assert isinstance(found, Estimate)
    assert found.rows == 179 * GB * 10
    assert found.cost == pytest.approx((60 + 360 * 179 / (4 * 48)) / 3600 * 50 * 2)
