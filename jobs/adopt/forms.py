"""What a column's texts are read as in Silver, and why: by how many of its values that fits."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from jobs.adopt.dates import ISO, find_days
from jobs.adopt.questions import Answers, Question

Kind = Literal["text", "day", "moment", "whole", "decimal", "flag"]
TEXT = "text"
_DAY_NAMED = re.compile(r"(^|_)(date|day|dt|dob|at|on|time|timestamp|datum|created|updated|birth)(_|$)")
_ID_NAMED = re.compile(r"(^|_)(id|key|code|no|nr|number|zip|postcode|phone|mobile|iban|account|ref|reference|uuid)$")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
# Each digit form: what a point or a comma means in it.
DECIMALS: dict[str, re.Pattern[str]] = {
    "1234.5": re.compile(r"[+-]?[0-9]{1,18}([.][0-9]{1,9})?"),
    "1234,5": re.compile(r"[+-]?[0-9]{1,18}(,[0-9]{1,9})?"),
    "1,234.5": re.compile(r"[+-]?([1-9][0-9]{0,2}(,[0-9]{3})*|0)([.][0-9]{1,9})?"),
    "1.234,5": re.compile(r"[+-]?([1-9][0-9]{0,2}([.][0-9]{3})*|0)(,[0-9]{1,9})?"),
}
_UNGROUPED = {"1,234.5": "1234.5", "1.234,5": "1234,5"}  # means the same where nothing is grouped
FLAGS = {"true": "false", "yes": "no", "y": "n", "t": "f", "ja": "nein", "oui": "non"}
_LEAST = 0.98  # share of values that numbers must fit


@dataclass(frozen=True)
class Form:
    """`written`: how its values are written, where a kind has several ways; `evidence`: for a person."""

    kind: Kind
    written: str = ""
    evidence: str = ""


def is_named_day(column: str) -> bool:
    return _DAY_NAMED.search(column) is not None


def find_form(name: str, values: Sequence[str], answers: Answers) -> Form:
    """Of a column by its name as landed and its values, blank ones left out."""
    if not values:
        return Form("text", evidence="every value is blank")
    if found := _find_day(name, values, answers):
        return found
    if _ID_NAMED.search(name):
        return Form("text")
    return _find_flag(values) or _find_number(name, values, answers) or Form("text")


def _find_day(name: str, values: Sequence[str], answers: Answers) -> Form | None:
    evidence = find_days(values, is_named_day(name))
    if not evidence:
        return None
    way = evidence.best
    if not evidence.is_certain:
        question = Question(f"date.{name}", f"how are its days written? {evidence}", (*evidence.fits, TEXT))
        way = answers.settle(question) or way
    elif evidence.fits.get(ISO) != evidence.values and evidence.fits[way] < evidence.values:
        way = answers.settle(Question(f"date.{name}", str(evidence), (*evidence.fits, TEXT), way))
    if way == TEXT:
        return Form("text", evidence=str(evidence))
    return Form("moment" if evidence.timed else "day", way, str(evidence))


def _find_flag(values: Sequence[str]) -> Form | None:
    said = {value.lower() for value in values}
    pairs = [yes for yes, no in FLAGS.items() if said <= {yes, no}]
    return Form("flag", pairs[0], f"{pairs[0]} or {FLAGS[pairs[0]]} in all {len(values):,}") if pairs else None


def _find_number(name: str, values: Sequence[str], answers: Answers) -> Form | None:
    if any(re.match(r"[+-]?0[0-9]", value) for value in values):
        return None  # zeros in front are part of a code
    if count := _count(values, _WHOLE.fullmatch):
        return Form("whole", evidence=f"whole numbers in {count:,} of {len(values):,}")
    counts = {way: count for way, pattern in DECIMALS.items() if (count := _count(values, pattern.fullmatch))}
    if not counts:
        return None
    most = [way for way, count in counts.items() if count == max(counts.values())]
    best = [way for way in most if _UNGROUPED.get(way) not in most]
    told = ", ".join(f"{way} fits {counts[way]:,} of {len(values):,}" for way in counts)
    if len(best) == 1:
        return Form("decimal", best[0], told)
    way = answers.settle(Question(f"number.{name}", f"how are its numbers written? {told}", (*best, TEXT))) or best[0]
    return Form("text") if way == TEXT else Form("decimal", way, told)


def _count(values: Sequence[str], fits: Callable[[str], object]) -> int:
    """Values that fit; 0 where they are too few to tell."""
    count = sum(fits(value) is not None for value in values)
    return count if count >= _LEAST * len(values) else 0
