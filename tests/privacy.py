"""The table of docs/privacy.md, made of the source contracts and of what dbt's models say.

python -m tests.privacy [--write]
"""

import re
import sys
from collections.abc import Iterator

from jobs.clients.location import ROOT
from jobs.config.environment import load_environment
from jobs.contracts.silver import NOBODY, list_passed_on, read_said
from jobs.contracts.source import SourceContract, load_contracts

DOCUMENT = ROOT / "docs/privacy.md"
START, END = "<!-- made by `python -m tests.privacy --write` -->\n", "<!-- until here -->\n"
SILVER, PRIVATE = ROOT / "dbt/models/silver", ROOT / "dbt/models/gold/private"
COLUMNS = ("source", "column", "what it tells", "whose", "Silver, `stg_` and `int_`", "Gold, granted apart")
HEADER = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n"


def make_table() -> str:
    """A line a personal column of a source: what Silver and the private part of Gold make of it."""
    contracts = load_contracts(load_environment("local")).values()
    return HEADER + "".join(line for contract in contracts for line in _list_lines(contract))


def _list_lines(contract: SourceContract) -> Iterator[str]:
    said = read_said((SILVER / f"stg_{contract.name}.yml").read_text(encoding="utf-8"))
    in_gold = _list_private()
    for column, kind in contract.personal_columns.items():
        silver = [name for name in _list_passed_on(contract, column) if said.get(name) not in (None, NOBODY)]
        gold = [f"`{table}.{name}`" for name in silver for table in in_gold.get(name, ())]
        cells = (contract.name, f"`{column}`", kind, f"`{contract.subject}`" if contract.subject else "")
        more = (", ".join(f"`{name}`" for name in silver), ", ".join(gold))
        yield "| " + " | ".join((*cells, *(cell or "nothing" for cell in more))) + " |\n"


def _list_passed_on(contract: SourceContract, column: str) -> list[str]:
    """Columns of its `stg_` model that come of this one."""
    alone = {name: kind for name, kind in contract.personal.items() if name == column}
    sql = (SILVER / f"stg_{contract.name}.sql").read_text(encoding="utf-8")
    found = list_passed_on(contract.model_copy(update={"personal": alone}), sql)
    kind = contract.personal_columns[column]
    return sorted(name for name, kinds in found.items() if kind in kinds)


def _list_private() -> dict[str, list[str]]:
    """Columns of the private part of Gold -> its tables that have them."""
    found: dict[str, list[str]] = {}
    for path in sorted(PRIVATE.glob("*.yml")):
        for name in re.findall(r"^ {6}- name: (\w+)$", path.read_text(encoding="utf-8"), re.MULTILINE):
            found.setdefault(name, []).append(path.stem)
    return found


def fill_in(document: str) -> str:
    """The document with the table as it is now."""
    before, _, rest = document.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{make_table()}{END}{after}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        DOCUMENT.write_text(fill_in(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(make_table(), end="")
