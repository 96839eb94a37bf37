"""What deliveries have that a source contract has not, and the other way round; and its text with that in it."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from jobs.adopt.contract import comment, quote
from jobs.adopt.draft import NONE, PERSONAL
from jobs.adopt.forms import Form, find_form
from jobs.adopt.found import Found
from jobs.adopt.names import name_columns
from jobs.adopt.persons import suggest_kind
from jobs.adopt.questions import Answers, Question
from jobs.adopt.sample import Samples
from jobs.contracts.mapping import to_snake_case
from jobs.contracts.source import SourceContract
from jobs.errors import ConfigurationError


class Change(NamedTuple):
    """`new`: a column that nobody asked for; `renamed`: another header of one; `absent`: it did not always come."""

    kind: Literal["new", "renamed", "absent"]
    header: str
    column: str
    form: Form = Form("text")
    personal: str = NONE


def find_changes(contract: SourceContract, samples: Samples, answers: Answers) -> list[Change]:
    """Raises ConfigurationError where a question is open."""
    known = contract.headers
    found = [header for header in samples.headers if header not in known]
    by_rule = {header: name for header in found if (name := to_snake_case(header)) in contract.columns.values()}
    changes = [Change("renamed", header, name) for header, name in by_rule.items()]
    named = name_columns([*known, *(header for header in found if header not in by_rule)], contract.name)
    for header in found:
        if header not in by_rule:
            changes.append(_describe_new(header, _choose_name(named[header], contract, answers), samples, answers))
    headers = known | by_rule
    for header, name in contract.columns.items():
        ours = [one for one, of in headers.items() if of == name]
        if name not in contract.optional and any(not any(one in row for one in ours) for row in samples.rows):
            changes.append(Change("absent", header, name))
    answers.require_all()
    return changes


def _choose_name(name: str, contract: SourceContract, answers: Answers) -> str:
    free = name if name not in contract.columns.values() else f"{contract.name}_{name}"
    return answers.choose(f"column.{free}", free)


def _describe_new(header: str, column: str, samples: Samples, answers: Answers) -> Change:
    values = samples.list_values(header)
    suggested = suggest_kind(column, values) or NONE
    what = f"by its name or values {suggested}"
    personal = answers.settle(Question(f"personal.{column}", what, PERSONAL, suggested))
    return Change("new", header, column, find_form(column, values, answers), personal)


def amend_contract(text: str, contract: SourceContract, changes: Sequence[Change]) -> str:
    """New columns are optional, for days before had none; what stood in the file stays as it stood."""
    optional = [*contract.optional]
    for change in changes:
        if change.kind == "renamed":
            headers = [*contract.aliases.get(change.column, ()), change.header]
            line = f"{change.column} = [{', '.join(map(quote, headers))}]"
            text = _set_line(text, "aliases", change.column, line)
            continue
        optional.append(change.column)
        if change.kind == "new":
            line = f"{quote(change.header)} = {quote(change.column)}{comment(change.form)}"
            text = _set_line(text, "columns", None, line)
            if change.personal != NONE:
                text = _set_line(text, "personal", None, f"{change.column} = {quote(change.personal)}")
    if optional != [*contract.optional]:
        text = _set_field(text, "optional", f"[{', '.join(map(quote, optional))}]")
    tells = {change.personal for change in changes} - {NONE, "free_text"}
    return _set_field(text, "subject", quote(contract.key[0])) if tells and not contract.subject else text


def _set_line(text: str, table: str, key: str | None, line: str) -> str:
    """A line at the end of a table, which is made where there is none; or in the place of the one of `key`."""
    lines = text.rstrip().split("\n")
    header = next((at for at, one in enumerate(lines) if re.match(rf"\[{table}\]", one)), None)
    if header is None:
        return "\n".join([*lines, "", f"[{table}]", line, ""])
    end = next((at for at, one in enumerate(lines) if at > header and one.startswith("[")), len(lines))
    for at in range(header + 1, end):
        if key and re.match(rf"{key}\s*=", lines[at]):
            return "\n".join([*lines[:at], line, *lines[at + 1 :], ""])
    last = max(at for at in range(header, end) if lines[at].strip())
    return "\n".join([*lines[: last + 1], line, *lines[last + 1 :], ""])


def _set_field(text: str, name: str, value: str) -> str:
    """A field in front of all tables: in the place of the one that is there, or behind `key`."""
    line = f"{name} = {value}"
    head, bracket, tables = text.partition("\n[")
    field = rf"^{name}\s*=\s*(\[[^\]]*\]|[^\n]*)"
    if re.search(field, head, re.MULTILINE):
        head = re.sub(field, lambda _: line, head, count=1, flags=re.MULTILINE)
    elif found := re.search(r"^key\s*=\s*\[[^\]]*\][^\n]*$", head, re.MULTILINE):
        head = f"{head[: found.end()]}\n{line}{head[found.end() :]}"
    else:
        raise ConfigurationError(f"{name}: no line `key = [...]` to write it behind; write it by hand")
    return head + bracket + tables


def describe_changes(changes: Sequence[Change]) -> Iterator[str]:
    """A line each, for a person."""
    for change in changes:
        match change.kind:
            case "new":
                evidence = f" ({change.form.evidence})" if change.form.evidence else ""
                yield f"new: {quote(change.header)} lands as {change.column}, {change.form.kind}{evidence}"
            case "renamed":
                yield f"renamed: {change.column} came as {quote(change.header)}"
            case "absent":
                yield f"absent: {change.column} ({quote(change.header)}) did not always come"


def list_differences(contract: SourceContract, found: Found) -> Iterator[str]:
    """How the deliveries are written otherwise than the source contract says: a line each, for a person to decide."""
    said = contract.delivery.model_dump()
    for name in ("kind", "compression", "encoding", "delimiter", "quote", "escape", "comment", "skip_rows", "header"):
        field = type(contract.delivery).model_fields.get(name)
        if field and (came := found.delivery.get(name, field.default)) != said[name]:
            yield f"differs: delivery.{name}: found {came!r}, the source contract says {said[name]!r}"
