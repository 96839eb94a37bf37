"""What a run would do, as a table or an object a line; and the bounds above which it does nothing."""

import json
import sys
from collections.abc import Sequence

from jobs.cli import EX_USAGE
from jobs.commands.table import show
from jobs.config.environment import Prices
from jobs.errors import RunError
from jobs.pipeline.estimate import Estimate

_COLUMNS = ("source", "day", "action", "bytes", "rows", "cost", "why")
_KEYS = ("source", "ingest_date", "action", "bytes", "rows", "cost", "why")


def show_plan(estimates: Sequence[Estimate], prices: Prices, as_json: bool) -> None:
    """To stdout; the sum to stderr."""
    if as_json:
        for one in estimates:
            print(json.dumps(dict(zip(_KEYS, _describe(one), strict=True)), default=str))
        return
    show([_COLUMNS, *([_make_cell(value) for value in _describe(one)] for one in estimates)], numbers={3, 4, 5})
    cost = f", {prices.currency} {_add_up_cost(estimates):,.4f}" if prices.is_stated else ""
    rows = sum(one.rows or 0 for one in estimates)
    print(f"in all {_add_up_bytes(estimates):,} bytes, about {rows:,} rows{cost}", file=sys.stderr)


def refuse_above(estimates: Sequence[Estimate], prices: Prices, max_bytes: int | None, max_cost: float | None) -> None:
    """Raises RunError, with 64, where the plan would read or cost more; then nothing is done."""
    size = _add_up_bytes(estimates)
    if max_bytes is not None and size > max_bytes:
        raise RunError(f"{size:,} bytes would be read, --max-bytes allows {max_bytes:,}; nothing was done", EX_USAGE)
    if max_cost is None:
        return
    if not prices.is_stated:
        raise RunError("--max-cost: the environment states no [prices]; nothing was done", EX_USAGE)
    unknown = sorted({one.unit.source for one in estimates if one.bytes is None})
    if unknown:
        raise RunError(f"--max-cost: nobody knows what {', '.join(unknown)} costs: it never landed", EX_USAGE)
    if (cost := _add_up_cost(estimates)) > max_cost:
        told = f"{prices.currency} {cost:,.4f}"
        raise RunError(f"it would cost {told}, --max-cost allows {max_cost:,.4f}; nothing was done", EX_USAGE)


def _add_up_bytes(estimates: Sequence[Estimate]) -> int:
    return sum(one.bytes or 0 for one in estimates)


def _add_up_cost(estimates: Sequence[Estimate]) -> float:
    return sum(one.cost or 0 for one in estimates)


def _describe(one: Estimate) -> tuple[object, ...]:
    """Of what is skipped, or what nobody knows, no number."""
    numbers = (one.bytes, one.rows, one.cost) if one.unit.action in ("land", "load") else (None, None, None)
    return one.unit.source, one.unit.day, one.unit.action, *numbers, " ".join(one.unit.why.split())


def _make_cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4f}"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
