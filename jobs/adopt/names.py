"""Headers as delivered -> columns as landed, which all warehouses take as they are."""

import re
import unicodedata
from collections.abc import Sequence

from jobs.contracts.mapping import to_snake_case
from jobs.metadata import METADATA_COLUMNS

# Words that stand for themselves in the SQL of one of the warehouses, and for a column in none without quotes.
_RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
    all analyse analyze and any array as asc assert_rows_modified asymmetric at between both by case
    cast check collate collection column columns concat connect constraint contains create cross
    cube current current_date current_time current_timestamp current_user database default
    deferrable define delete desc describe distinct do drop else end enum escape except exclude
    exists extract false fetch filter following for foreign from full glob grant group grouping
    groups gscluster hash having if ignore ilike in increment initially inner insert intersect
    interval into is isnull issue join lambda lateral left like limit localtime localtimestamp
    lookup map merge minus natural new no not notnull null nulls of offset on only or order
    organization outer over partition pivot pivot_longer pivot_wider placing positional preceding
    primary proto qualify range recursive references regexp respect returning revoke right rlike
    rollup row rows sample schema select semi set show similar some start struct summarize symmetric
    table tablesample then to trailing treat trigger true try_cast unbounded union unique unnest
    unpivot update using values variadic view when whenever where window with within
    """,
    )
)
_OURS = frozenset(
    {*METADATA_COLUMNS, "_row_hash", "has_unreadable_date", "has_unreadable_number", "has_unreadable_flag"}
)
_CAMEL = re.compile(r"[A-Za-z][a-z0-9]+(?:[A-Z][a-z0-9]+)+")
_ASCII = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "đ": "d", "ł": "l", "Ł": "L", "æ": "ae", "Æ": "AE"})


def name_columns(headers: Sequence[str], source: str) -> dict[str, str]:
    """A name of its own for each header; one that says nothing is told by its place."""
    names: dict[str, str] = {}
    for position, header in enumerate(headers, start=1):
        name = _make_name(header) or f"column_{position}"
        if name in _RESERVED or name in _OURS or name.endswith("_as_delivered") or not name[0].isalpha():
            name = f"{source}_{name}"
        free, number = name, 1
        while free in names.values():
            number += 1
            free = f"{name}_{number}"
        names[header] = free
    return names


def _make_name(header: str) -> str:
    if _CAMEL.fullmatch(header):
        header = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", header)
    plain = unicodedata.normalize("NFKD", header.translate(_ASCII))
    return to_snake_case("".join(one for one in plain if not unicodedata.combining(one)))
