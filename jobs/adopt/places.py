"""Paths and names of deliveries -> the template that they are made by, with `{date}` in it."""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime

from jobs.adopt.questions import Answers, Question
from jobs.errors import ConfigurationError

_YEAR, _TWO = r"(?:19|20)\d\d", r"\d\d"
_DAYS = (
    (rf"(?<!\d){_YEAR}([-_./]){_TWO}\1{_TWO}(?!\d)", "%Y{0}%m{0}%d"),
    (rf"(?<!\d){_YEAR}{_TWO}{_TWO}(?!\d)", "%Y%m%d"),
    (rf"(?<!\d){_TWO}([-_.]){_TWO}\1{_YEAR}(?!\d)", "%d{0}%m{0}%Y"),
    (rf"(?<!\d){_TWO}([-_.]){_TWO}\1{_YEAR}(?!\d)", "%m{0}%d{0}%Y"),
)
_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%Y_%m_%d", "%Y.%m.%d", "%Y%m%d")
_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"(?<=\})([-_T]?)\d{4,6}(?!\d)")  # behind the day: of no two days the same


def find_template(paths: Sequence[str], answers: Answers) -> tuple[str, list[date]]:
    """What all the paths are made by, and their days; no `{date}` in it where none of them names one.

    Raises ConfigurationError where they are not made alike.
    """
    found = [dict(_list_templates(path)) for path in paths]
    common = [template for template in found[0] if all(template in others for others in found)]
    if not common:
        raise ConfigurationError(
            f"the {len(paths)} deliveries are not named alike: {sorted({next(iter(one)) for one in found})[:5]}; "
            "allowed are those of one feed, which differ by their day"
        )
    template = common[0]
    if len(common) > 1:
        template = answers.settle(Question("path", "in which order stand day and month?", tuple(common))) or template
    return template, sorted({day for one in found if (day := one[template])})


def _list_templates(path: str) -> Iterator[tuple[str, date | None]]:
    """Each way to find a day in a path; the path itself where there is none."""
    escaped, is_dated = path.replace("{", "{{").replace("}", "}}"), False
    for pattern, form in _DAYS:
        for match in re.finditer(pattern, escaped):
            written = form.format(*match.groups())
            if day := _parse(match[0], written):
                template = escaped.replace(match[0], f"{{date:{written}}}")
                yield _generalize(_replace_day(template, day)), day
                is_dated = True
                break
    if not is_dated:
        yield escaped, None


def _parse(text: str, form: str) -> date | None:
    try:
        return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day, of no zone
    except ValueError:
        return None


def _replace_day(template: str, day: date) -> str:
    """The same day once more, written in another way."""
    for form in _FORMS:
        template = template.replace(f"{day:{form}}", f"{{date:{form}}}")
    return template.replace("{date:%Y-%m-%d}", "{date}")


def _generalize(template: str) -> str:
    """A time behind the day, and ids that a job gives its files, are others each day."""
    return _TIME.sub(r"\1*", _UUID.sub("*", template))
