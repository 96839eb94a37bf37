"""Deliveries by what they are called: a file, a folder, s3://..., table:NAME, sheet:SPREADSHEET/WORKSHEET, https://..."""

from collections.abc import Sequence

from jobs.adopt.found import Found
from jobs.adopt.questions import Answers
from jobs.config.environment import Environment
from jobs.errors import ConfigurationError


def look(places: Sequence[str], name: str, environment: Environment, answers: Answers) -> Found:
    """`name`: of the source. Only the kind that is asked for is imported. Raises PlatformError."""
    kinds = {_tell_kind(place) for place in places}
    if len(kinds) > 1:
        raise ConfigurationError(f"deliveries of more than one kind: {sorted(kinds)}; allowed are those of one feed")
    match kinds.pop():
        case "table":
            from jobs.adopt.tables import find_tables

            return find_tables([place.removeprefix("table:") for place in places], environment, answers)
        case "sheet":
            from jobs.adopt.sheets import find_sheet

            return find_sheet(places[0], name, environment, answers)
        case "rest":
            from jobs.adopt.apis import find_api

            return find_api(places[0], name, environment, answers)
        case _:
            from jobs.adopt.files import find_files

            return find_files(places, environment, answers)


def _tell_kind(place: str) -> str:
    if place.startswith("table:"):
        return "table"
    if place.startswith(("sheet:", "https://docs.google.com/spreadsheets/")):
        return "sheet"
    return "rest" if place.startswith(("https://", "http://")) else "file"
