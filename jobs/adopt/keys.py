"""The key of a feed: the column, or columns, of which no two rows of a delivery have the same values."""

import re
from collections.abc import Mapping, Sequence
from itertools import combinations

from jobs.adopt.forms import Form
from jobs.adopt.persons import find_subject
from jobs.adopt.questions import Answers, Question
from jobs.adopt.sample import Samples

_ID = re.compile(r"(^|_)(id|key|uuid|guid|number|no|nr|code|ref|reference)$|nummer$")
_INDEX = re.compile(r"(Column\d+|Unnamed: \d+|index|row|)")  # headers of what a program counted, and nobody named
_NEARLY = 0.99  # suppliers deliver rows twice
_WIDEST = 8  # columns of which pairs are tried


def find_key(
    samples: Samples, forms: Mapping[str, Form], names: Mapping[str, str], source: str, answers: Answers
) -> str:
    """Columns as landed, with commas between them; asked where none tells rows apart."""
    headers = [
        header
        for header in samples.headers
        if not _INDEX.fullmatch(header) and forms[names[header]].kind in ("text", "whole")
    ]
    shares = {names[header]: _measure(samples, (header,)) for header in headers}
    unique = sorted(
        (name for name, share in shares.items() if share >= _NEARLY), key=lambda name: _rank(name, shares, source)
    )
    if unique:
        others = f"; so are {', '.join(unique[1:])}" if unique[1:] else ""
        told = f"{unique[0]}: {_tell(shares[unique[0]], samples)}{others}"
        return answers.settle(Question("key", told, assumed=unique[0]))
    for pair in combinations(headers[:_WIDEST], 2):
        if (share := _measure(samples, pair)) >= _NEARLY:
            both = ",".join(names[header] for header in pair)
            return answers.settle(
                Question("key", f"{both}: {_tell(share, samples)}, no column by itself", assumed=both)
            )
    return answers.settle(
        Question("key", f"no column, nor two, tell rows apart; there are {', '.join(names.values())}")
    )


def _measure(samples: Samples, headers: Sequence[str]) -> float:
    """The share of rows that have values of their own within their delivery; 0 where one is blank."""
    own, rows = 0, 0
    for part in samples.parts:
        values = [tuple((row.get(header) or "").strip() for header in headers) for row in part.rows]
        if any(not all(value) for value in values):
            return 0.0
        own, rows = own + len({*values}), rows + len(values)
    return own / rows if rows else 0.0


def _rank(name: str, shares: Mapping[str, float], source: str) -> tuple[bool, bool, bool, float]:
    """Named as ids are, as the feed is, and of no person, before others."""
    words = {word.rstrip("s") for word in source.split("_")}
    is_own = bool(words & {word.rstrip("s") for word in name.split("_")}) or name == "id"
    return not _ID.search(name), not is_own, find_subject([name]) is not None, -shares[name]


def _tell(share: float, samples: Samples) -> str:
    if share == 1:
        return f"no two of {samples.size:,} rows have the same"
    return f"{round((1 - share) * samples.size):,} of {samples.size:,} rows repeat one, which Silver keeps and counts"
