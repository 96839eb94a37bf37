"""A source contract and the forms of its columns -> the `stg_` model of dbt that reads Bronze."""

from collections.abc import Iterator, Mapping, Sequence

from jobs.adopt.dates import ISO
from jobs.adopt.forms import FLAGS, Form
from jobs.contracts.source import SourceContract
from jobs.metadata import METADATA_COLUMNS

WIDTH = 120  # of a line of SQL
METADATA = ("_row_hash", *METADATA_COLUMNS)
BEFORE_SILVER = "int_days_begun"  # every stg_ model is built after it, though it reads nothing of it
_UNREADABLE = {"date": ("day", "moment"), "number": ("whole", "decimal"), "flag": ("flag",)}


def write_model(contract: SourceContract, forms: Mapping[str, Form]) -> str:
    """Row for row what Bronze holds: texts trimmed, others read beside the text as it was delivered."""
    typed = list_typed(forms)
    mended = [f"        {mend(column, forms[column])} as mended_{column}" for column in typed]
    steps = [_delivered(contract)]
    if typed:
        steps.append("mended as (\n    select\n        *,\n" + ",\n".join(mended) + "\n    from delivered\n)")
    items = [
        *(f"    {_select(column, form)}" for column, form in forms.items()),
        *(f"    {column} as {column}_as_delivered" for column in typed),
        *_list_flags(forms),
        *_list_metadata(),
    ]
    config = "{{ config(materialized='incremental', **laid_out('ingest_date')) }}"
    selected = ["select", ",\n".join(items), f"from {'mended' if typed else 'delivered'}", ""]
    depends = f"-- depends_on: {{{{ ref('{BEFORE_SILVER}') }}}}"
    return "\n".join([config, "", depends, "with " + ",\n\n".join(steps), "", *selected])


def list_typed(forms: Mapping[str, Form]) -> list[str]:
    return [column for column, form in forms.items() if form.kind != "text"]


def list_unreadable(forms: Mapping[str, Form]) -> dict[str, list[str]]:
    """What cannot be read is flagged by: date, number, flag -> the columns that it is about."""
    found = {
        what: [column for column, form in forms.items() if form.kind in kinds] for what, kinds in _UNREADABLE.items()
    }
    return {what: columns for what, columns in found.items() if columns}


def mend(column: str, form: Form) -> str:
    """The macro that reads a column's texts as what they are."""
    match form.kind:
        case "day" | "moment":
            text = f"'{column}'" if form.written == ISO else f"iso_text('{column}', '{form.written}')"
            return f"{{{{ mended_{'date' if form.kind == 'day' else 'timestamp'}({text}) }}}}"
        case "whole":
            return f"{{{{ mended_whole('{column}') }}}}"
        case "decimal":
            return f"{{{{ mended_decimal('{column}', '{form.written}') }}}}"
        case "flag":
            return f"{{{{ mended_flag('{column}', '{form.written}', '{FLAGS[form.written]}') }}}}"
        case "text":
            text = f"blank_to_null('{column}')"
            return f"{{{{ {f'lowered({text})' if column == 'customer_id' else text} }}}}"  # as dim_customer has it


def _select(column: str, form: Form) -> str:
    if form.kind != "text":
        return f"mended_{column} as {column}"
    return f"{mend(column, form)} as {column}"


def _delivered(contract: SourceContract) -> str:
    hashed = hash_row([*contract.columns.values()])
    return (
        f"delivered as (\n    select\n        *,\n{hashed}\n    from {{{{ delivered_by('{contract.name}') }}}}\n"
        "    where {{ is_day_to_build('ingest_date') }}\n)"
    )


def hash_row(columns: Sequence[str]) -> str:
    """Of all that was delivered of a row."""
    names = [f"'{column}'" for column in columns]
    one_line = f"        {{{{ row_hash([{', '.join(names)}]) }}}} as _row_hash"
    return one_line if len(one_line) <= WIDTH else _wrap(names)


def _wrap(names: list[str]) -> str:
    lines, line = [], ""
    for name in names:
        if line and len(line) + len(name) > WIDTH - 16:
            lines.append(line.rstrip())
            line = ""
        line += f"{name}, "
    lines.append(line.rstrip(", "))
    return "        {{ row_hash([\n" + "\n".join(f"            {one}" for one in lines) + "\n        ]) }} as _row_hash"


def _list_flags(forms: Mapping[str, Form]) -> Iterator[str]:
    for what, columns in list_unreadable(forms).items():
        tests = [f"{{{{ is_unreadable('{column}', 'mended_{column}') }}}}" for column in columns]
        yield "    " + "\n    or ".join(tests) + f" as has_unreadable_{what}"


def _list_metadata() -> Iterator[str]:
    for name in METADATA:
        yield f"    {{{{ in_utc('{name}') }}}} as {name}" if name == "_ingested_at" else f"    {name}"
