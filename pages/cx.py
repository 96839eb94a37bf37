"""The customer-experience page: Gold's aggregates as columns of small numbers, which the page's script adds up."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from jobs.bronze.bronze import GoldIsMissingError
from jobs.config.environment import Environment
from pages import gold, html

_TEXTS = ("channel", "category", "agent", "experience")


def page(environment: Environment, built_at: datetime) -> tuple[str, str]:
    """The whole page, and what of Gold is missing, which it says too; "": nothing. Raises GoldIsHeldError."""
    try:
        (tables, build), missing = gold.read(environment), ""
    except GoldIsMissingError as error:
        (tables, build), missing = ({name: {} for name in gold.QUERIES}, None), str(error)
    data = packed(tables)
    text = html.render(
        "complaints.html.j2",
        environment=environment.name,
        built_at=built_at,
        days=data["days"],
        missing=missing,
        build=build,
        channels=data["labels"]["channel"],
        categories=data["labels"]["category"],
        data=data,
        charts=html.charts() if data["days"] else "",
    )
    return text, missing


def packed(tables: dict[str, gold.Columns]) -> dict[str, Any]:
    """JSON of the tables: days count from the first one, texts are numbers into `labels`."""
    dates = [day for columns in tables.values() for day in columns.get("day", [])]
    days = _days(min(dates), max(dates)) if dates else []
    labels = {text: _labels(tables, text) for text in _TEXTS}
    codes: dict[str, dict[Any, int]] = {text: {label: at for at, label in enumerate(labels[text])} for text in labels}
    codes["day"] = {day: at for at, day in enumerate(days)}
    return {
        "days": [str(day) for day in days],
        "labels": labels,
        "tables": {
            name: {column: _numbers(values, codes.get(column)) for column, values in columns.items()}
            for name, columns in tables.items()
        },
    }


def _days(first: date, last: date) -> list[date]:
    """Without gaps: a day of which Gold knows nothing is to be seen as missing."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _labels(tables: dict[str, gold.Columns], text: str) -> list[str]:
    return sorted({value for columns in tables.values() for value in columns.get(text, [])})


def _numbers(values: Sequence[Any], codes: dict[Any, int] | None) -> list[int | float | None]:
    if codes is not None:
        return [codes[value] for value in values]
    return [None if value is None else _number(value) for value in values]


def _number(value: Any) -> int | float:
    return int(value) if value == int(value) else float(value)
