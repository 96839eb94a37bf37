"""Outcomes for a person, or an object a line for a program."""

from collections.abc import Callable, Container, Sequence
from datetime import UTC, datetime

from jobs.errors import inert
from jobs.ledger.outcome import Outcome

_COLUMNS = ("source", "day", "state", "delivered", "landed", "rejected", "bronze")
_OF_A_RUN, _OF_THE_LEDGER = ("attempt", "seconds"), ("since", "attempt", "at")
_DELIVERY = {"changed": "delivery changed since", "gone": "delivery gone"}
_JSON = (
    *("source", "ingest_date", "state", "corrected", "run_id"),
    *("bytes_delivered", "rows_delivered", "rows_landed", "rows_rejected", "rows_bronze"),
    *("rows_suppressed", "rows_supplemented", "amendment", "lines_apart"),
    *("empty", "odd_volume", "drift", "delivery", "looked_back", "due", "notice", "waits"),
    *("error", "error_kind", "retry_helps", "exit_code"),
    *("since", "attempt", "attempt_error", "attempted_at", "attempt_run_id"),
)


def show_outcomes(outcomes: Sequence[Outcome], as_json: bool) -> None:
    """What a run did, to stdout."""
    _show(outcomes, as_json, _OF_A_RUN, lambda one: (one.attempt or "", _format_seconds(one)))


def show_ledger(outcomes: Sequence[Outcome], as_json: bool) -> None:
    """The state of the data, and the last attempt beside it, to stdout."""
    _show(
        outcomes,
        as_json,
        _OF_THE_LEDGER,
        lambda one: (_format_time(one.since), one.attempt or "", _format_time(one.attempted_at)),
    )


def _show(
    outcomes: Sequence[Outcome], as_json: bool, more: tuple[str, ...], cells: Callable[[Outcome], tuple[str, ...]]
) -> None:
    if as_json:
        for outcome in outcomes:
            print(outcome.model_dump_json(include=set(_JSON)))
    else:
        numbers = {3, 4, 5, 6} | ({8} if more == _OF_A_RUN else set())
        show([(*_COLUMNS, *more), *((*_make_cells(one), *cells(one)) for one in outcomes)], numbers)


def show(rows: Sequence[Sequence[str]], numbers: Container[int]) -> None:
    """Rows of cells, the header first; columns that are `numbers` end at the same place, the others begin there."""
    rows = [[inert(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = enumerate(zip(row, widths, strict=True))
        texts = [cell.rjust(width) if column in numbers else cell.ljust(width) for column, (cell, width) in cells]
        print("  ".join(texts).rstrip())


def _make_cells(outcome: Outcome) -> tuple[str, ...]:
    counts = (outcome.rows_delivered, outcome.rows_landed, outcome.rows_rejected, outcome.rows_bronze)
    flags = [flag for flag in ("corrected", "empty") if getattr(outcome, flag)]
    flags += ["odd volume"] * bool(outcome.odd_volume) + ["drift"] * bool(outcome.drift)
    flags += outcome.describe_amendment()
    flags += [_DELIVERY[outcome.delivery]] if outcome.delivery else []
    return (
        outcome.source,
        str(outcome.ingest_date),
        outcome.state + (f" ({', '.join(flags)})" if flags else ""),
        *("" if count is None else f"{count:,}" for count in counts),
    )


def _format_seconds(outcome: Outcome) -> str:
    return "" if outcome.seconds is None else f"{outcome.seconds:.1f}"


def _format_time(at: datetime | None) -> str:
    """To the minute, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" if at else ""
