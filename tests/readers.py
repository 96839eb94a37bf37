"""Which columns identify persons, by any name they have between delivery and Gold: no reader of Gold is given one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

IDENTIFYING = {
    *("name", "customer_name", "agent_name"),
    *("gender", "date_of_birth", "signup_date", "email"),
    *("address", "address_line", "city", "zip_code"),
}


def identifying_columns(names: Iterable[str]) -> set[str]:
    """Of `names` those that identify a person, also as delivered, and the columns that no contract knows."""
    return {name for name in names if name.lower().removesuffix("_as_delivered") in {*IDENTIFYING, "_rescued"}}


@dataclass(frozen=True)
class Reader:
    """What a reader's account is given. `sees`: table -> its columns; `reads`: whether it is given a row of a table."""

    sees: Mapping[str, Sequence[str]]
    reads: Callable[[str], bool]


def verify(reader: Reader, gold: Sequence[str], others: Sequence[str]) -> bool:
    """Of a real warehouse, each check printed. `gold`, `others`: the tables, as who builds them sees them.

    No value is asked for and none is printed: names of columns, and of tables that the reader should not be given.
    """
    shown = {table: sorted(identifying_columns(columns)) for table, columns in reader.sees.items()}
    found = {
        "the reader reads all of Gold": [table for table in gold if not reader.reads(table)] if gold else ["no table"],
        "no column that it sees identifies a person": [
            f"{table}.{column}" for table, columns in shown.items() for column in columns
        ],
        "it reads nothing outside of Gold": [table for table in others if reader.reads(table)] if others else ["none"],
    }
    for check, wrong in found.items():
        print(f"{'FAILED' if wrong else 'ok    '}  {check}{': ' * bool(wrong)}{', '.join(wrong)}", flush=True)
    return not any(found.values())
