"""Text of a CSV file -> how it is written: what explains most of its records as rows of one width."""

import csv
import re
from collections import Counter
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, NamedTuple

from jobs.adopt.heads import Head
from jobs.adopt.questions import Answers, Question
from jobs.contracts.deliveries import DELIMITERS

if TYPE_CHECKING:
    import _csv

_PROBED = 1_000  # records that a dialect is told by
_MOST_SKIPPED = 20  # lines before the header
# Of no header: a number, a day, an address of e-mail.
_VALUE = re.compile(r"[+-]?[0-9][0-9.,]*|[0-9]{1,4}([-/.])[0-9]{1,2}\1[0-9]{1,4}.*|[^@\s]+@[^@\s]+[.][a-z]+")
_LOOKED_AT = 10**5  # characters, for marks that stand in them often or never
_SHOWN = {"\t": "tab"}
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")


@dataclass(frozen=True)
class Dialect:
    """Fields are named as those of a source contract's [delivery]."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    comment: str = ""
    skip_rows: int = 0
    header: bool = True

    @property
    def options(self) -> dict[str, object]:
        """What departs from the usual."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {field.name: found[field.name] for field in fields(self) if found[field.name] != field.default}


class _Fit(NamedTuple):
    """How well a dialect explains a text: records that are as wide as most, their share, and that width."""

    rows: int
    share: float
    width: int


def find_dialect(head: Head, answers: Answers) -> Dialect:
    """Asked where two explain the text equally well, and where the first record looks like a row."""
    delimiters: dict[str, Dialect] = {delimiter: _find_quotes(head, Dialect(delimiter)) for delimiter in DELIMITERS}
    found = delimiters[_choose_delimiter(head, delimiters, answers)]
    commented = replace(found, comment=_find_comment(head))
    if _measure(head, commented).rows >= _measure(head, found).rows:  # else lines that begin so stand within values
        found = commented
    if not found.comment:
        found = replace(found, skip_rows=_count_lines_before_header(head, found))
    return replace(found, header=_find_header(head, found, answers))


def _choose_delimiter(head: Head, dialects: dict[str, Dialect], answers: Answers) -> str:
    fits = {delimiter: _measure(head, dialect) for delimiter, dialect in dialects.items()}
    apart = {delimiter: fit for delimiter, fit in fits.items() if fit.width > 1}
    if not apart:
        return ","
    best = max(apart, key=lambda delimiter: (round(apart[delimiter].share, 2), apart[delimiter].width))
    rivals = [other for other, fit in apart.items() if fit.share >= apart[best].share and fit.width == fits[best].width]
    if len(rivals) == 1:
        return best
    names = {_SHOWN.get(rival, rival): rival for rival in rivals}
    question = Question("delimiter", "each cuts the records into equal parts", tuple(names))
    return names.get(answers.settle(question), best)


def _find_quotes(head: Head, dialect: Dialect) -> Dialect:
    """Another quote, or an escape, where it alone makes the records equal."""
    usual = _measure(head, dialect)
    for other in (replace(dialect, escape="\\"), replace(dialect, quote="'")):
        mark = f"{other.escape}{other.quote}"
        fit = _measure(head, other)
        if head.text.count(mark) > 1 and fit.rows > usual.rows and fit.width > 1:
            return other
    between = f"[{re.escape(dialect.delimiter)}\r\n]"
    quoted = re.findall(f"(?:^|(?<={between}))'(?:[^']|'')*'(?={between})", head.text[:_LOOKED_AT])
    is_single = len(quoted) > 1 or any("''" in field[1:-1] for field in quoted)
    return replace(dialect, quote="'") if is_single and '"' not in head.text else dialect


def _find_comment(head: Head) -> str:
    """`#` where lines that begin with it are no records; a header may begin so, too."""
    lines = head.text[:_LOOKED_AT].splitlines()
    of_comments = [line for line in lines if line.startswith("#")]
    if not of_comments or (len(of_comments) == 1 and lines[0].startswith("#") and not lines[0].startswith("# ")):
        return ""
    return "#"


def _count_lines_before_header(head: Head, dialect: Dialect) -> int:
    """Of lines in front that are narrower than the table: a title, a day, nothing."""
    width, before = _measure(head, dialect).width, 0
    reader = _make_reader(head, dialect)
    for _ in range(_MOST_SKIPPED):
        record = next(reader, None)
        if record is None or len(record) >= width:
            return before if record else 0
        before = reader.line_num
    return 0


def _find_header(head: Head, dialect: Dialect, answers: Answers) -> bool:
    first, *others = read_records(head, dialect, _PROBED) or [[]]
    below = [{record[at] for record in others if at < len(record)} for at, _ in enumerate(first)]
    values = sum(
        _VALUE.fullmatch(cell.strip()) is not None or (bool(cell.strip()) and cell in below[at])
        for at, cell in enumerate(first)
    )
    what = f"{values} of its {len(first)} cells are numbers, days or addresses, or come again below"
    question = Question("header", f"is the first record the header? {what}", ("yes", "no"))
    return not values or answers.settle(question) != "no"


def _measure(head: Head, dialect: Dialect) -> _Fit:
    widths = Counter(map(len, read_records(head, dialect, _PROBED)))
    ((width, count),) = widths.most_common(1) or [(0, 0)]
    return _Fit(count, count / max(1, widths.total()), width)


def read_records(head: Head, dialect: Dialect, limit: int) -> list[list[str]]:
    """The first records, header included and blank lines left out; not the last one where the text is cut off in it."""
    records: list[list[str]] = []
    reader = _make_reader(head, dialect)
    try:
        for record in reader:
            if record and reader.line_num > dialect.skip_rows:
                records.append(record)
            if len(records) > limit:
                return records[:limit]
    except csv.Error:  # a field without end: what came before it tells enough
        return records
    return records if head.is_whole or len(records) < 2 else records[:-1]


def _make_reader(head: Head, dialect: Dialect) -> "_csv.Reader":
    lines = (found[0] for found in _LINE.finditer(head.text))  # few are read: the text is not copied for them
    return csv.reader(
        (line for line in lines if not (dialect.comment and line.startswith(dialect.comment))),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        escapechar=dialect.escape or None,
    )
