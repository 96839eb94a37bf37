"""Which masking policy each column has, from the statements that were sent: fakesnow keeps none."""

import re
from collections.abc import Iterable

_SET = re.compile(r"(?is)alter table (\S+) modify column (\w+) set masking policy (\S+) force\b")
_MADE_ANEW = re.compile(r"(?i)(?:create or replace (?:transient )?table|drop table(?: if exists)?)\s+([^\s(;]+)")


def masks(statements: Iterable[str]) -> dict[str, dict[str, str]]:
    """Table -> column -> policy, each as schema.name in lower case; a table that is made anew loses its policies."""
    found: dict[str, dict[str, str]] = {}
    for statement in statements:
        for table in _MADE_ANEW.findall(statement):
            found.pop(_name(table), None)
        if given := _SET.search(statement):
            table, column, policy = given.groups()
            found.setdefault(_name(table), {})[column.lower()] = _name(policy)
    return found


def _name(qualified: str) -> str:
    return qualified.replace('"', "").lower().partition(".")[2]
