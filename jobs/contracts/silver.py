"""What a `stg_` model of dbt passes on of a source's personal columns, and what its yml says of that.

Read without dbt and without YAML, which the jobs have not. SQL is followed by the words of its select lists: a column
comes of another where that one's name stands in its expression. That finds sooner too much than too little; what a
macro names by itself is not seen.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from jobs.config.toml import show_path
from jobs.contracts.source import SourceContract

NOBODY = "none"  # said of a column that comes of a personal one, and tells of nobody any more
_WORD = re.compile(r"--[^\n]*|[a-z_]\w*|[^\w\s]")


def find_unsaid(contract: SourceContract, models: Path) -> list[str]:
    """A line a personal column that the source's model passes on without saying so. `models`: dbt's Silver."""
    sql, yml = models / f"stg_{contract.name}.sql", models / f"stg_{contract.name}.yml"
    if not sql.exists():
        return []
    said = read_said(yml.read_text(encoding="utf-8")) if yml.exists() else {}
    return [
        f"{show_path(yml)}: column {column}: personal: found {said.get(column, 'nothing')}, allowed {sorted(kinds)}, "
        f"or {NOBODY!r} where it tells of nobody any more: it comes of columns that {contract.name}.toml calls so; "
        f"config: {{meta: {{personal: {min(kinds)}}}}}"
        for column, kinds in sorted(list_passed_on(contract, sql.read_text(encoding="utf-8")).items())
        if said.get(column) not in {*kinds, NOBODY}
    ]


def list_passed_on(contract: SourceContract, sql: str) -> dict[str, set[str]]:
    """Columns of a model -> the kinds of personal columns that they come of; those that come of none are left out."""
    kinds_by_name = {name: {kind} for name, kind in contract.personal_columns.items()}
    items = list(_list_items(sql))
    known = -1
    while known != (known := sum(map(len, kinds_by_name.values()))):
        for words, _ in items:
            if kinds := set[str]().union(*(kinds_by_name.get(word, ()) for word in words)):
                kinds_by_name.setdefault(words[-1], set()).update(kinds)
    passed = {words[-1] for words, depth in items if depth == 0}
    return {name: kinds for name, kinds in kinds_by_name.items() if name in passed or "*" in passed}


def read_said(yml: str) -> dict[str, str]:
    """Columns of a model's yml -> what it says of persons."""
    said, column = {}, ""
    for line in yml.partition("\nunit_tests:")[0].splitlines():
        if named := re.fullmatch(r" {6}- name: (\w+)", line):
            column = named[1]
        elif found := re.fullmatch(r" {8}config: \{.*\bpersonal: (\w+).*\}", line):
            said[column] = found[1]
    return said


def _list_items(sql: str) -> Iterator[tuple[list[str], int]]:
    """Each item of each select list: its words, the last being its name, and how deep in brackets that list stands."""
    depth, lists = 0, dict[int, list[str]]()  # the item that is read, by the depth of its list
    for word in _WORD.findall(sql.lower()):
        if word in "([{":
            depth += 1
        elif word in ")]}" or (word in (",", "from") and depth in lists):
            if lists.get(depth):
                yield lists[depth], depth
            if word == ",":
                lists[depth] = []
            else:
                lists.pop(depth, None)
            depth -= word in ")]}"
        elif word == "select":
            lists[depth] = []
        elif word[0].isalpha() or word[0] in "_*":
            for item in lists.values():
                item.append(word)
    if lists.get(0):
        yield lists[0], 0
