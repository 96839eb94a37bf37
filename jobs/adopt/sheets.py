"""A worksheet of a Google spreadsheet -> where it is, and its rows."""

import re
from datetime import UTC, datetime
from typing import Any

from jobs.adopt.entries import choose_secret
from jobs.adopt.found import Entry, Found
from jobs.adopt.objects import make_sample, parse_lines
from jobs.adopt.places import find_template
from jobs.adopt.questions import Answers, Question
from jobs.adopt.sample import Samples
from jobs.config.environment import Environment
from jobs.contracts.deliveries import SheetDelivery
from jobs.errors import ConfigurationError
from jobs.sources import worksheet

_ADDRESS = re.compile(r"https://docs\.google\.com/spreadsheets/d/([A-Za-z0-9_-]+).*")


def find_sheet(place: str, name: str, environment: Environment, answers: Answers) -> Found:
    """Raises ConfigurationError, ContractError, ServiceError."""
    spreadsheet, sheet = _split(place, answers)
    secret = choose_secret(environment, "sheets_key", "the service account's key", answers)
    answers.require_answered()
    known = [entry for entry, of in environment.spreadsheets.items() if spreadsheet in (entry, of)]
    entries = () if known else (Entry("spreadsheets", name, spreadsheet),)
    template, days = find_template([sheet], answers)
    delivery: dict[str, Any] = {
        "kind": "sheet",
        "spreadsheet": known[0] if known else name,
        "worksheet": template,
        "secret": secret,
    }
    there = environment.model_copy(
        update={"spreadsheets": environment.spreadsheets | {entry.name: entry.value for entry in entries}}
    )
    lines: list[bytes] = []
    today = days[0] if days else datetime.now(UTC).date()
    tally = worksheet.fetch(SheetDelivery.model_validate(delivery), there, today, lines.append)
    sample = make_sample(parse_lines(lines), is_whole=True, headers=tuple(tally.columns))
    if not sample.rows:
        raise ConfigurationError(f"{place}: no row below its header; a sheet with rows in it tells what they are")
    return Found("google_sheets", delivery, Samples((sample,)), tuple(days), is_static=not days, entries=entries)


def _split(place: str, answers: Answers) -> tuple[str, str]:
    """Spreadsheet (its id, or its entry in the environment) and worksheet."""
    if address := _ADDRESS.fullmatch(place):
        return address[1], answers.settle(Question("worksheet", "the name of the worksheet, as its tab shows it"))
    spreadsheet, _, sheet = place.removeprefix("sheet:").partition("/")
    if not spreadsheet or not sheet:
        raise ConfigurationError(f"found {place!r}, allowed sheet:SPREADSHEET/WORKSHEET, or the sheet's address")
    return spreadsheet, sheet
