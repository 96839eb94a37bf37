"""What a source takes from its environment: entries that are there already, or are added to its file."""

import re
from pathlib import Path

from jobs.adopt.contract import quote
from jobs.adopt.found import Entry
from jobs.adopt.questions import Answers, Question
from jobs.config.environment import Environment
from jobs.config.toml import show_path
from jobs.errors import ConfigurationError


def choose_secret(environment: Environment, usual: str, what: str, answers: Answers) -> str:
    """The name of an entry of [secrets]."""
    names = tuple(sorted(environment.secrets))
    if not names:
        raise ConfigurationError(f"conf/env/{environment.name}.toml: secrets: found nothing, but {what} is needed")
    question = Question("secret", f"which entry of [secrets] holds {what}?", names, usual if usual in names else None)
    return answers.settle(question) or names[0]


def add_entries(path: Path, entries: tuple[Entry, ...]) -> bytes:
    """The environment's file with the entries in it, everything else as it was. Raises ConfigurationError."""
    text = path.read_text(encoding="utf-8")
    for entry in entries:
        line = f"{entry.name} = {quote(entry.value)}\n"
        if header := re.search(rf"^\[{entry.table}\][^\n]*\n", text, re.MULTILINE):
            text = text[: header.end()] + line + text[header.end() :]
        elif re.search(rf"^{entry.table}\s*=", text, re.MULTILINE):
            raise ConfigurationError(
                f"{show_path(path)}: {entry.table}.{entry.name}: found nothing, nor a table [{entry.table}] for it"
            )
        else:
            text = f"{text.rstrip()}\n\n[{entry.table}]\n{line}"
    return text.encode()
