"""What was found of a feed -> its source contract, and what Silver reads each column as."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from jobs.adopt.channel import find_complaint
from jobs.adopt.forms import Form, find_form, is_named_day
from jobs.adopt.found import Found
from jobs.adopt.keys import find_key
from jobs.adopt.names import name_columns
from jobs.adopt.persons import find_subject, suggest_kind
from jobs.adopt.questions import Answers, Question
from jobs.config import toml
from jobs.contracts.source import Personal, SourceContract

NONE = "none"
PERSONAL = (*get_args(Personal), NONE)


@dataclass(frozen=True)
class Draft:
    """`forms`: by column as landed; `doubts`: what a person should look at."""

    contract: SourceContract
    forms: Mapping[str, Form]
    found: Found
    doubts: tuple[str, ...]


def draft_source(name: str, found: Found, answers: Answers) -> Draft:
    """Raises ConfigurationError where a question is open, or an answer makes no sense."""
    samples = found.samples
    names = {
        header: answers.choose(f"column.{column}", column)
        for header, column in name_columns(samples.headers, name).items()
    }
    values = {column: samples.list_values(header) for header, column in names.items()}
    forms = {column: find_form(column, values[column], answers) for column in names.values()}
    key = find_key(samples, forms, names, name, answers)
    personal = _find_personal(values, answers)
    subject = _find_subject([*values], key, bool({*personal.values()} - {"free_text"}), answers)
    complaint = find_complaint(forms, values, personal, None if subject in key.split(",") else subject, answers)
    answers.require_all()
    content = {
        "name": name,
        "description": answers.choose("description", f"{name.replace('_', ' ').capitalize()}{_tell_rhythm(found)}."),
        "system": found.system,
        "static": found.is_static,
        "key": tuple(key.split(",")),
        "delivery": found.delivery,
        "columns": names,
        "optional": tuple(column for header, column in names.items() if samples.count_missing(header)),
        "subject": subject,
        "personal": personal,
        "complaint": complaint,
    }
    contract = toml.validate(SourceContract, content, f"{name}, as drafted:")
    return Draft(contract, forms, found, tuple(_list_doubts(found, names, forms)))


def _tell_rhythm(found: Found) -> str:
    return ", delivered once" if found.is_static else ", a delivery a day"


def _find_personal(values: Mapping[str, list[str]], answers: Answers) -> dict[str, str]:
    """Column as landed -> what it tells of a person, of those that tell anything."""
    personal = {}
    for column, texts in values.items():
        kind = suggest_kind(column, texts)
        name = f"personal.{column}"
        if kind:
            found = answers.settle(Question(name, f"by its name or values {kind}", PERSONAL, kind))
        else:
            found = answers.choose(name, NONE, PERSONAL)
        if found != NONE:
            personal[column] = found
    return personal


def _find_subject(columns: list[str], key: str, is_needed: bool, answers: Answers) -> str | None:
    suggested = find_subject(columns) or (key.partition(",")[0] if is_needed and key else NONE)
    allowed = (*columns, NONE)
    if suggested == NONE:
        found = answers.choose("subject", NONE, allowed)
    else:
        what = f"{suggested} holds the key of whom a row tells of"
        found = answers.settle(Question("subject", what, allowed, suggested))
    return None if found == NONE else found


def _list_doubts(found: Found, names: Mapping[str, str], forms: Mapping[str, Form]) -> Iterator[str]:
    samples = found.samples
    yield from found.notes
    yield from dict.fromkeys(note for part in samples.parts for note in part.notes)
    if not samples.is_whole:
        yield f"the first {samples.size:,} rows were looked at, not all; keys and formats hold for these"
    if found.is_static:
        yield "no day in its name: taken as delivered once, and landed again where its content changes (static)"
    if broken := sum(part.broken for part in samples.parts):
        share = broken / (broken + samples.size)
        yield f"{broken:,} records fit no header ({share:.1%}): they are rejected, and a day above 1 % is refused"
    for header, column in names.items():
        if missing := samples.count_missing(header):
            yield f"{column} is optional: {missing:,} of {samples.size:,} rows came without it"
        if forms[column].kind == "text" and is_named_day(column) and samples.list_values(header):
            yield f"{column} is called as a day is, but written in no way that is known: it stays text"
