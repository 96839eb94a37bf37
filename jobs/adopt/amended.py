"""dbt's files of a source with columns that came later in them; what stands in them otherwise stays."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from jobs.adopt.described import list_column
from jobs.adopt.drift import Change
from jobs.adopt.project import SOURCES
from jobs.adopt.silver import hash_row, mend
from jobs.contracts.silver import NOBODY
from jobs.contracts.source import SourceContract

_HASH = re.compile(r" *\{\{ row_hash\(\[(.*?)\]\) \}\}\s+as _row_hash", re.DOTALL)


def amend_silver(contract: SourceContract, changes: Sequence[Change], root: Path) -> dict[Path, bytes]:
    """Of the model, its yml and Bronze's table, those that are there."""
    new = [change for change in changes if change.kind == "new"]
    silver = root / "dbt/models/silver"
    amend: dict[Path, Callable[[str, Sequence[Change]], str]] = {
        silver / f"stg_{contract.name}.sql": _amend_model,
        silver / f"stg_{contract.name}.yml": _amend_description,
        root / SOURCES: partial(_amend_table, contract.name),
    }
    there = {path: change for path, change in amend.items() if new and path.exists()}
    return {path: change(path.read_text(encoding="utf-8"), new).encode() for path, change in there.items()}


def _amend_model(sql: str, changes: Sequence[Change]) -> str:
    """A column that is read as something else than text has the text beside it."""
    if found := _HASH.search(sql):
        names = [*re.findall(r"'(\w+)'", found[1]), *(change.column for change in changes)]
        sql = sql.replace(found[0], hash_row(names))
    lines = [f"    {mend(change.column, change.form)} as {change.column},\n" for change in changes]
    lines += [f"    {one.column} as {one.column}_as_delivered,\n" for one in changes if one.form.kind != "text"]
    before, name, after = sql.rpartition("\n    _row_hash,\n")
    return f"{before}\n{''.join(lines)}{name[1:]}{after}"


def _amend_description(yml: str, changes: Sequence[Change]) -> str:
    lines = [line for change in changes for line in list_column(change.column, change.form, change.personal)]
    before, name, after = yml.partition("      - name: _row_hash\n")
    personal = next((change.personal for change in changes if change.personal != NOBODY), None)
    if personal and (hashed := re.match(r" {8}description: [^\n]*\n(?! {8}config)", after)):
        after = f"{hashed[0]}        config: {{meta: {{personal: {personal}}}}}\n{after[hashed.end() :]}"
    return before + "".join(f"{line}\n" for line in lines) + name + after


def _amend_table(source: str, text: str, changes: Sequence[Change]) -> str:
    start = text.index(f"      - name: {source}\n")
    end = text.find("\n      - name: ", start)
    table = (text[start:] if end < 0 else text[start:end]).rstrip("\n")
    rest = "\n" if end < 0 else text[end:]
    return text[:start] + table + "".join(f"\n          - name: {change.column}" for change in changes) + rest
