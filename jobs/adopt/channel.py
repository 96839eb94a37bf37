"""A feed whose rows are complaints -> `[complaint]`: which of its columns are what of one."""

import re
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from typing import Any, get_args

from jobs.adopt.forms import FLAGS, Form
from jobs.adopt.questions import NONE, Answers, Question
from jobs.contracts.complaint import Status

UNKNOWN = "Unknown"
_STATUSES = (*get_args(Status), UNKNOWN)
_MOST = 20  # different statuses; where there are more, the column holds something else
_NAMED: dict[str, re.Pattern[str]] = {
    "resolved": re.compile(r"resol|closed|ended|_end|finish|complet|solved|erledigt|geschlossen|ferme"),
    "opened": re.compile(
        r"open|creat|request|post|start|report|receiv|submit|eroffnet|erstellt|ouvert|date|datum|at$|on$"
    ),
    "status": re.compile(r"status|state$|stage|erledigt|resolved|closed|zustand|etat"),
    "category": re.compile(r"categor|topic|type|reason|subject|theme|kind|grund|thema|kategorie|motif"),
    "agent": re.compile(r"agent|employee|operator|handler"),
}
_MEANT: dict[str, re.Pattern[str]] = {
    "Resolved": re.compile(
        r"(re)?solved|closed|done|fixed|complete[d]?|finished|erledigt|geschlossen|gelost|ferme|resolu|ja|yes|true|y|t|oui"
    ),
    "In-Progress": re.compile(r"in[ _-]?progress|working|assigned|active|in bearbeitung|en cours|started"),
    "Blocked": re.compile(r"blocked|on[ _-]?hold|waiting|paused|blockiert"),
    "Backlog": re.compile(r"backlog|open|new|todo|pending|reopened|offen|neu|ouvert|nein|no|false|n|f|non"),
}


def find_complaint(
    forms: Mapping[str, Form],
    values: Mapping[str, Sequence[str]],
    personal: Container[str],
    customer: str | None,
    answers: Answers,
) -> dict[str, Any] | None:
    """None where its rows are no complaints, which is what nobody's answer means."""
    channel = answers.choose("complaint", NONE)
    if channel == NONE:
        return None
    moments = [column for column, form in forms.items() if form.kind in ("day", "moment")]
    resolved = _choose("resolved", moments, answers)
    opened = _ask_opened([column for column in moments if column != resolved], answers)
    told = [column for column in forms if column not in personal and column != customer]
    texts = [column for column in told if forms[column].kind in ("text", "flag")]
    status = _choose("status", texts, answers)
    found = {
        "channel": channel,
        "opened": opened,
        "resolved": resolved,
        "status": status,
        "category": _choose("category", [column for column in texts if column != status], answers),
        "customer": answers.choose("complaint.customer", customer or NONE, (*forms, NONE)),
        "agent": _choose("agent", texts, answers),
        "statuses": _map_statuses(values[status], forms[status], answers) if status != NONE else {},
    }
    return {name: value for name, value in found.items() if value not in (NONE, {}, "")}


def _choose(what: str, columns: Sequence[str], answers: Answers) -> str:
    named = next((column for column in columns if _NAMED[what].search(column)), NONE)
    question = Question(f"complaint.{what}", f"the column of {what}, by its name", (*columns, NONE), named)
    return answers.settle(question)


def _ask_opened(columns: Sequence[str], answers: Answers) -> str:
    named = next((column for column in columns if _NAMED["opened"].search(column)), None)
    return answers.settle(Question("complaint.opened", "when was it made?", tuple(columns), named))


def _map_statuses(values: Sequence[str], form: Form, answers: Answers) -> dict[str, str]:
    """The supplier's word -> ours; of a column of few words only, so that none tells of a person."""
    words = Counter(value.strip().lower() for value in values)
    if form.kind == "flag":
        words = Counter({form.written: 1, FLAGS[form.written]: 1})
    if len(words) > _MOST:
        return {}
    mapped = {}
    for word, count in words.items():
        meant = next((ours for ours, pattern in _MEANT.items() if pattern.fullmatch(word)), UNKNOWN)
        name = f"status.{re.sub('[^a-z0-9]+', '_', word).strip('_')}"
        mapped[word] = answers.settle(Question(name, f"of {count:,} rows", _STATUSES, meant))
    return {word: ours for word, ours in mapped.items() if ours != UNKNOWN}
