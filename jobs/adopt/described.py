"""What dbt's yml says of a drafted model: its columns, whom they tell of, and its tests."""

import json
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import get_args

from jobs.adopt.forms import Form
from jobs.adopt.sample import Row
from jobs.adopt.silver import BEFORE_SILVER, METADATA, list_typed, list_unreadable
from jobs.adopt.values import read_value
from jobs.contracts.silver import NOBODY, list_passed_on
from jobs.contracts.source import UNDECIDED, Personal, SourceContract

_ONE_LINE = 110  # characters of a description
_TESTED = 3  # rows of the unit test
_READ_AS = {
    "text": "As delivered, trimmed; null where blank.",
    "day": "A day; null where unreadable.",
    "moment": "A moment, read as UTC; null where unreadable.",
    "whole": "A whole number; null where unreadable.",
    "decimal": "A number; null where unreadable.",
    "flag": "Yes or no; null where unreadable.",
}


def write_description(contract: SourceContract, forms: Mapping[str, Form], sql: str, rows: Sequence[Row]) -> str:
    """`sql`: the model; `rows`: of the fixture, by header, in which no person is told of."""
    told = f"{contract.description.rstrip('.')}: names and types, row for row what Bronze holds."
    lines = [
        "version: 2",
        "",
        "models:",
        f"  - name: stg_{contract.name}",
        *_describe(told, "    "),
        "    data_tests:",
        *_list_tests(contract, forms),
        "    columns:",
        *_list_columns(contract, forms, sql),
    ]
    if tested := _list_unit_test(contract, forms, rows):
        lines += ["", "unit_tests:", *tested]
    return "\n".join([*lines, ""])


def _list_tests(contract: SourceContract, forms: Mapping[str, Form]) -> Iterator[str]:
    """They warn: a feed that is new stops nobody's Gold."""
    yield "      - grain:"
    yield f"          name: keys_of_{contract.name}_are_their_own"
    yield f"          arguments: {{columns: [{', '.join(['ingest_date', *contract.key])}]}}"
    yield "          config: {severity: warn, where: __days_asked__}"
    for what in list_unreadable(forms):
        yield "      - per_thousand:"
        yield f"          name: few_unreadable_{what}s_of_{contract.name}"
        yield f"          arguments: {{condition: has_unreadable_{what}, feed: {contract.name}}}"
        yield '          config: {severity: warn, warn_if: ">10", where: __days_asked__}'


def _list_columns(contract: SourceContract, forms: Mapping[str, Form], sql: str) -> Iterator[str]:
    kinds = list_passed_on(contract, sql)
    for column, form in forms.items():
        yield from _list_column(column, _tell(form), kinds.get(column))
    for column in list_typed(forms):
        name = f"{column}_as_delivered"
        yield from _list_column(name, f"{column} as the supplier sent it.", kinds.get(name))
    for what, columns in list_unreadable(forms).items():
        name = f"has_unreadable_{what}"
        said = {NOBODY} if name in kinds else None
        yield from _list_column(name, f"Something was delivered that is no {what}, in {', '.join(columns)}.", said)
    for name in METADATA:
        yield f"      - name: {name}"
        yield f"        description: \"{{{{ doc('{name}') }}}}\""
        yield from _say(kinds.get(name))


def list_column(column: str, form: Form, personal: str) -> Iterator[str]:
    """A column that came later, and the text beside it; `personal`: what it tells of a person, or NOBODY."""
    kinds = None if personal == NOBODY else {personal}
    yield from _list_column(column, _tell(form), kinds)
    if form.kind != "text":
        yield from _list_column(f"{column}_as_delivered", f"{column} as the supplier sent it.", kinds)


def _tell(form: Form) -> str:
    return f"{_READ_AS[form.kind]}{f' Of what was looked at: {form.evidence}.' if form.evidence else ''}"


def _list_column(name: str, description: str, kinds: set[str] | None) -> Iterator[str]:
    yield f"      - name: {name}"
    yield from _describe(description, "        ")
    yield from _say(kinds)


def _say(kinds: set[str] | None) -> Iterator[str]:
    """Of several kinds the one that tells most of a person."""
    if kinds:
        ranked = [*get_args(Personal), UNDECIDED, NOBODY]
        yield f"        config: {{meta: {{personal: {min(kinds, key=ranked.index)}}}}}"


def _describe(text: str, indent: str) -> Iterator[str]:
    if len(text) <= _ONE_LINE:
        yield f"{indent}description: {json.dumps(text, ensure_ascii=False)}"
        return
    yield f"{indent}description: >"
    yield from (f"{indent}  {line}" for line in wrap(text, _ONE_LINE))


def _list_unit_test(contract: SourceContract, forms: Mapping[str, Form], rows: Sequence[Row]) -> list[str]:
    """A few rows of the fixture, and what is to be read in them; nothing where there is nothing but text."""
    typed = list_typed(forms)
    given = [{contract.columns[header]: value or "" for header, value in row.items()} for row in rows]
    texts = [{column: row.get(column, "") for column in (*contract.key, *typed)} for row in given]
    read = [(row, values) for row in texts if (values := _read(row, forms, typed))][:_TESTED]
    if not typed or not read:
        return []
    head = [
        f"  - name: {contract.name}_are_read_as_they_are_written",
        f"    model: stg_{contract.name}",
        '    overrides: {macros: {is_day_to_build: "true"}}',
        "    given:",
        f"      - input: ref('{BEFORE_SILVER}')",
        "        rows: []",
        f"      - input: source('bronze', '{contract.name}')",
        "        rows:",
    ]
    delivered = [line for row, _ in read for line in _list_row(row, 10)]
    expected = [line for _, values in read for line in _list_row(values, 8, plain=typed)]
    return [*head, *delivered, "    expect:", "      rows:", *expected]


def _read(row: Mapping[str, str], forms: Mapping[str, Form], typed: Sequence[str]) -> dict[str, str]:
    """The row as Silver has it; nothing where it holds nothing to be read, or what cannot be."""
    texts = {column: row[column].strip() for column in row}
    read = {column: read_value(forms[column], texts[column]) for column in typed if texts[column]}
    if not read or None in read.values():
        return {}
    return {column: read.get(column, "null") or "" if column in typed else text for column, text in texts.items()}


def _list_row(row: Mapping[str, str], indent: int, plain: Sequence[str] = ()) -> Iterator[str]:
    for position, (column, value) in enumerate(row.items()):
        written = value if column in plain else json.dumps(value, ensure_ascii=False)
        yield f"{' ' * indent}{'-' if position == 0 else ' '} {column}: {written}"
