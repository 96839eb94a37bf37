"""Text of a CSV file -> its delimiter and a sample."""

import csv
import io
import re
from collections import Counter
from typing import NamedTuple

from jobs.adopt.heads import Head
from jobs.adopt.questions import Answers, Question
from jobs.adopt.sample import MAX_ROWS, Row, Sample
from jobs.contracts.deliveries import DELIMITERS, Delimiter
from jobs.errors import ConfigurationError

_PROBED = 1_000  # records that a delimiter is told by
# Of no header: a number, a day, an address of e-mail.
_VALUE = re.compile(r"[+-]?[0-9][0-9.,]*|[0-9]{1,4}([-/.])[0-9]{1,2}\1[0-9]{1,4}.*|[^@\s]+@[^@\s]+[.][a-z]+")
_SHOWN = {"\t": "tab"}


class _Fit(NamedTuple):
    """How well a delimiter explains a text: the share of records that are as wide as the header, and its width."""

    share: float
    width: int


def find_delimiter(head: Head, answers: Answers) -> Delimiter:
    """The one by which most records are as wide as the header; asked where two do so equally well."""
    fits = {delimiter: _measure(head, delimiter) for delimiter in DELIMITERS}
    apart = {delimiter: fit for delimiter, fit in fits.items() if fit.width > 1}
    if not apart:
        return ","
    best = max(apart, key=lambda delimiter: (round(apart[delimiter].share, 2), apart[delimiter].width))
    rivals = [other for other, fit in apart.items() if fit.share >= apart[best].share and fit.width == fits[best].width]
    if len(rivals) == 1:
        return best
    names = {_SHOWN.get(rival, rival): rival for rival in rivals}
    return names.get(
        answers.settle(Question("delimiter", "each cuts the records into equal parts", tuple(names))), best
    )


def _measure(head: Head, delimiter: str) -> _Fit:
    widths = [len(record) for record in _read(head, delimiter, _PROBED)]
    return _Fit(Counter(widths)[widths[0]] / len(widths), widths[0]) if widths else _Fit(0, 0)


def find_header(head: Head, delimiter: str, answers: Answers) -> bool:
    """Whether the first record is one; asked where cells of it look like values of a row."""
    first = next(iter(_read(head, delimiter, 1)), [])
    values = sum(_VALUE.fullmatch(cell.strip()) is not None for cell in first)
    what = f"is the first record the header? {values} of its {len(first)} cells are numbers, days or addresses"
    return not values or answers.settle(Question("header", what, ("yes", "no"))) != "no"


def read_separated(head: Head, delimiter: str, has_header: bool, uri: str) -> Sample:
    """Records that are not as wide as the header are counted, as a landing rejects them.

    Raises ConfigurationError where a name stands twice in the header, as a landing then refuses the delivery.
    """
    records = _read(head, delimiter, MAX_ROWS + 1) or [[]]
    names = records.pop(0) if has_header else [f"column_{position}" for position, _ in enumerate(records[0], start=1)]
    if twice := [position for position, name in enumerate(names, start=1) if name in names[: position - 1]]:
        raise ConfigurationError(f"{uri}: columns {twice} have the name of one before them; ask for names that differ")
    sound = [record for record in records if len(record) == len(names)]
    rows: list[Row] = [dict(zip(names, record, strict=True)) for record in sound]
    broken_lines = any("\n" in value for record in sound for value in record)
    notes = ("some values hold line ends",) if broken_lines else ()
    is_whole = head.is_whole and len(records) < MAX_ROWS
    return Sample(tuple(names), rows, len(records) - len(sound), is_whole, notes)


def _read(head: Head, delimiter: str, limit: int) -> list[list[str]]:
    """The first records, blank lines left out, and the last one where the text is cut off in it."""
    records: list[list[str]] = []
    reader = csv.reader(io.StringIO(head.text, newline=""), delimiter=delimiter)
    try:
        for record in reader:
            if record:
                records.append(record)
            if len(records) > limit:
                return records[:limit]
    except csv.Error:  # a field without end: what came before it tells enough
        return records
    return records if head.is_whole or len(records) < 2 else records[:-1]
