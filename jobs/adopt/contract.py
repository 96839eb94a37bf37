"""A source contract as the text of its file, with what was found beside each column."""

import json
from collections.abc import Iterator, Mapping

from jobs.adopt.forms import Form
from jobs.contracts.source import SourceContract

_OWN_TABLES = ("name", "delivery", "columns", "aliases", "personal", "complaint")


def write_contract(contract: SourceContract, forms: Mapping[str, Form]) -> str:
    """What stands at its default is left out."""
    lines = [*_list_fields(contract), "", "[delivery]", *_list_delivery(contract), "", "[columns]"]
    for header, column in contract.columns.items():
        lines.append(f"{quote(header)} = {quote(column)}{comment(forms.get(column, Form('text')))}")
    if contract.aliases:
        lines += ["", "[aliases]", *(f"{column} = {_write(others)}" for column, others in contract.aliases.items())]
    if contract.personal:
        lines += ["", "[personal]", *(f"{column} = {quote(kind)}" for column, kind in contract.personal.items())]
    if contract.complaint:
        fields = contract.complaint.model_dump(exclude_defaults=True)
        lines += ["", "[complaint]", *(f"{name} = {_write(value)}" for name, value in fields.items())]
    return "\n".join([*lines, ""])


def _list_fields(contract: SourceContract) -> Iterator[str]:
    fields = contract.model_dump(mode="json", exclude_defaults=True, exclude={*_OWN_TABLES})
    days = ("since", "until")  # TOML has a type of its own for these
    for name, value in fields.items():
        yield f"{name} = {value if name in days else _write(value)}"


def _list_delivery(contract: SourceContract) -> Iterator[str]:
    fields = contract.delivery.model_dump(exclude_defaults=True)
    for name, value in {"kind": contract.delivery.kind, **fields}.items():
        yield f"{name} = {_write(value)}"


def _write(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case dict():
            return f"{{ {', '.join(f'{_key(name)} = {_write(one)}' for name, one in value.items())} }}"
        case tuple() | list():
            return f"[{', '.join(map(_write, value))}]"
        case _:
            return quote(str(value))


def _key(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else quote(name)


def quote(text: str) -> str:
    """A basic string of TOML, whose escapes are those of JSON and DEL's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def comment(form: Form) -> str:
    """Counts and ways of writing, never a value."""
    return f"  # {form.evidence}" if form.evidence else ""
