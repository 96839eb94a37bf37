"""Columns that may tell of persons, by names and by looks of values: suggested, rather one too many."""

import re
from collections.abc import Sequence
from typing import get_args

from jobs.adopt.questions import Answers, Question
from jobs.contracts.silver import NOBODY
from jobs.contracts.source import Personal

_KINDS = (*get_args(Personal), NOBODY)
_NAMES: tuple[tuple[Personal, re.Pattern[str]], ...] = (
    (
        "contact",
        re.compile(r"e_?mail|(^|_)(phone|mobile|tel|telephone|fax|address|street|strasse|zip|postcode|postal)(_|$)"),
    ),
    ("birth", re.compile(r"birth|(^|_)dob(_|$)|geburts")),
    (
        "identity",
        re.compile(
            r"(^|_)(surname|lastname|firstname|fullname|forename|ssn|passport|iban|holder|payee|vorname|nachname|kunde|kundenname|prenom|nom)(_|$)"
            r"|^((first|last|full|given|family|middle|maiden|customer|client|agent|employee|user|person|contact|holder|account)"
            r"_)?name$|(^|_)(national|tax)_id$|credit_card|card_number"
        ),
    ),
    (
        "attribute",
        re.compile(r"(^|_)(gender|sex|age|nationality|religion|ethnicity|marital|salary|income|signup|joined)(_|$)"),
    ),
    (
        "free_text",
        re.compile(
            r"(^|_)(comment|comments|remark|remarks|note|notes|message|description|feedback|text|body|bemerkung)(_|$)"
        ),
    ),
)
_SHAPES: tuple[tuple[Personal, re.Pattern[str]], ...] = (
    ("contact", re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")),
    ("contact", re.compile(r"\+[0-9][0-9 ()/-]{7,}|\(?0[0-9]{2,5}\)?[ /-][0-9 -]{5,}")),
    ("identity", re.compile(r"[A-Z]{2}[0-9]{2}( ?[A-Z0-9]{4}){3,7} ?[A-Z0-9]{0,4}")),
)
_FEW = 8
_FULL_NAME = re.compile(r"[^\W\d_a-z][\w'-]+( [^\W\d_a-z][.]?)?( [^\W\d_a-z][\w'-]+){1,2}")
_SUBJECT = re.compile(
    r"(^|_)(customer|client|subscriber|user|patient|person|account|member|citizen|agent|employee)_?(id|no|number|key|uuid)$"
)


def choose_kind(column: str, values: Sequence[str], answers: Answers) -> str:
    """What a column as landed tells of a person, or NOBODY; what its name or values suggest is assumed."""
    name, suggested = f"personal.{column}", suggest_kind(column, values)
    if suggested:
        return answers.settle(Question(name, f"by its name or values {suggested}", _KINDS, suggested))
    return answers.choose(name, NOBODY, _KINDS)


def suggest_kind(name: str, values: Sequence[str]) -> Personal | None:
    """What a column as landed may tell of a person; None: nothing that can be seen."""
    by_name = (kind for kind, pattern in _NAMES if pattern.search(name))
    by_shape = (kind for kind, pattern in _SHAPES if _are_mostly(values, pattern))
    by_name_or_shape = next(by_name, None) or next(by_shape, None)
    return by_name_or_shape or ("identity" if _are_names(values) else "free_text" if _are_prose(values) else None)


def find_subject(names: Sequence[str]) -> str | None:
    """The column that most likely holds the key of whom a row tells of: a customer rather than who serves her."""
    ranked = [(_SUBJECT.search(name), name) for name in names]
    found = [(re.search("agent|employee", name) is not None, name) for match, name in ranked if match]
    return min(found, key=lambda one: one[0])[1] if found else None


def _are_mostly(values: Sequence[str], pattern: re.Pattern[str]) -> bool:
    return bool(values) and sum(pattern.fullmatch(value) is not None for value in values) * 2 >= len(values)


def _are_names(values: Sequence[str]) -> bool:
    """Two or three words with capitals, seldom the same: names of places and kinds come again and again."""
    some = values[:1_000]
    if len(some) < _FEW or len({*some}) * 2 < len(some):
        return False
    return sum(_FULL_NAME.fullmatch(value) is not None for value in some) >= 0.8 * len(some)


def _are_prose(values: Sequence[str]) -> bool:
    """Long texts, of many words, that are seldom the same."""
    some = values[:1_000]
    if len(some) < 3 or len({*some}) * 2 < len(some) or some[0].startswith(("{", "[")):
        return False
    return sum(value.count(" ") >= 5 for value in some) * 2 >= len(some)
