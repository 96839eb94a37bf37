"""What a plan would read, land and cost, from the bytes that are there, landings of before, and stated prices."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from jobs.config.emr_sizes import BYTES_A_CORE, DRIVER_CORES, GB_A_CORE, count_workers
from jobs.config.environment import Environment
from jobs.config.warehouses import BigQueryWarehouse
from jobs.ledger.ledger import VOLUME_SPAN, Ledger
from jobs.ledger.manifest import Manifest
from jobs.pipeline.plan import Plan, RunRequest, Unit

TIB = 2**40
START_SECONDS, SECONDS_A_SHARE = 60, 360  # of a job run, and of a core's bytes by it (docs/scale.md)
READS, METADATA = 2.5, 150  # a load reads what it stages so often in BigQuery, and so many bytes more of each row


@dataclass(frozen=True)
class Estimate:
    """Of one unit. None: nothing like it has landed yet, or no price is stated."""

    unit: Unit
    bytes: int | None = None
    rows: int | None = None
    cost: float | None = None


def estimate(request: RunRequest, plan: Plan) -> list[Estimate]:
    """One for each unit of the plan, in its order. Reads the ledger, and writes nothing."""
    ledger, like = Ledger(request.environment.lake), dict[str, Manifest | None]()
    for source in {unit.source for unit in plan.units if unit.action == "land" and not unit.known}:
        like[source] = _find_like(ledger, source, plan.units)
    sized = [_size(unit, unit.known or like.get(unit.source)) for unit in plan.units]
    total = sum(one.bytes or 0 for one in sized)
    return [_price(request, one, total) for one in sized]


def _find_like(ledger: Ledger, source: str, units: Iterable[Unit]) -> Manifest | None:
    """The newest landing of a source before, or among, the days that are to land."""
    last = max(unit.day for unit in units if unit.source == source)
    landings = ledger.read_landings(source, (last - VOLUME_SPAN, last)).values()
    counting = [manifest for manifest in landings if manifest.decided != "withdrawn"]
    return max(counting, key=lambda one: one.ingest_date, default=None)


def _size(unit: Unit, like: Manifest | None) -> Estimate:
    """Bytes as they are there, where a look tells; else those of the landing that it is like."""
    if unit.action == "load" and unit.known:
        return Estimate(unit, unit.known.bytes, unit.known.rows_landed)
    if unit.action != "land":
        return Estimate(unit, 0, 0)
    before = sum(found.size for found in like.inputs) if like else 0
    if unit.inputs is None:
        return Estimate(unit, before or None, like.rows_delivered if like else None)
    rows = round(like.rows_delivered * unit.bytes / before) if like and before else None
    return Estimate(unit, unit.bytes, rows)


def _price(request: RunRequest, one: Estimate, total: int) -> Estimate:
    prices = request.environment.prices
    if one.bytes is None or not prices.is_stated:
        return one
    share = one.bytes / total if total else 0
    cost = share * _price_job_run(request.environment, total)
    if request.loads and isinstance(request.environment.warehouse, BigQueryWarehouse):
        cost += READS * (one.bytes + METADATA * (one.rows or 0)) / TIB * prices.tib_read
    return replace(one, cost=cost)


def _price_job_run(environment: Environment, total: int) -> float:
    """All of its workers from their start to its end, whatever they do."""
    executors, cores = count_workers(total)
    hours = (START_SECONDS + SECONDS_A_SHARE * total / (BYTES_A_CORE * executors * cores)) / 3600
    every = DRIVER_CORES + executors * cores
    prices = environment.prices
    return hours * every * (prices.vcpu_hour + GB_A_CORE * prices.gb_hour)
