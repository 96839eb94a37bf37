"""`adopt`: a source contract, Silver's model and a fixture drafted from deliveries, and what is not certain of them."""

import sys
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from difflib import unified_diff
from pathlib import Path

from jobs.adopt.amended import amend_silver
from jobs.adopt.draft import Draft, draft_source
from jobs.adopt.drift import amend_contract, describe_changes, find_changes, list_differences
from jobs.adopt.found import Found
from jobs.adopt.look import look
from jobs.adopt.project import make_files
from jobs.adopt.questions import Answers, Question
from jobs.cli import Arguments
from jobs.clients.location import ROOT
from jobs.config.environment import Environment, find_file, load_environment
from jobs.config.toml import show_path, validate
from jobs.contracts.source import SourceContract, load_contracts
from jobs.errors import inert


def run(arguments: Arguments) -> int:
    """Raises ConfigurationError where something is open, and then writes nothing."""
    environment = load_environment(arguments.environment)
    if arguments.is_update:
        return _update(arguments, environment)
    answers = Answers(dict(arguments.answers), _ask if sys.stdin.isatty() else None)
    draft = draft_source(arguments.name, look(arguments.places, arguments.name, environment, answers), answers)
    of_environment = find_file(arguments.environment)
    for path, content in make_files(draft, ROOT, environment.contracts, of_environment).items():
        _write(path, content)
    _show(draft, answers)
    return 0


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    print(f"wrote {show_path(path)}")


def _update(arguments: Arguments, environment: Environment) -> int:
    """What deliveries have that the source contract has not, as a diff; written where that is accepted."""
    (contract,) = load_contracts(environment, (arguments.name,)).values()
    at = environment.contracts / f"{contract.name}.toml"
    answers = Answers(dict(arguments.answers), _ask if sys.stdin.isatty() else None)
    accept = answers.choose("accept", "", ("yes", "no"))
    found = look(arguments.places, contract.name, environment, answers)
    changes = find_changes(contract, found.samples, answers)
    differences = [*list_differences(contract, found)]
    for line in differences:
        print(inert(line))
    if not changes:
        columns = "columns" if differences else "deliveries"
        print(f"{contract.name}: its {columns} are what {show_path(at)} says")
        return 0
    files = amend_silver(contract, changes, ROOT)
    text = amend_contract(at.read_text(encoding="utf-8"), contract, changes)
    validate(SourceContract, tomllib.loads(text) | {"name": contract.name}, f"{contract.name}, as it would be:")
    files[at] = text.encode()
    for line in (*describe_changes(changes), *_show_as_diff(files)):
        print(inert(line))
    if not accept and answers.ask:
        accept = _ask(Question("accept", "is this to be written?", ("yes", "no")))
    if accept != "yes":
        print("nothing is written; --answer accept=yes writes it")
        return 0
    for path, content in files.items():
        _write(path, content)
    print(f"next: ./spark-submit.sh run --source {contract.name} --date {_find_day(found)} --replay")
    print("next: ./dbt.sh build --full")
    return 0


def _show_as_diff(files: Mapping[Path, bytes]) -> Iterator[str]:
    for path, content in files.items():
        before, name = path.read_text(encoding="utf-8").splitlines(), show_path(path)
        yield from unified_diff(before, content.decode().splitlines(), name, name, n=1, lineterm="")


def _ask(question: Question) -> str:
    """Until the answer is one that is allowed; where the terminal's end comes first, the question stays open."""
    print(inert(str(question)), file=sys.stderr)
    while True:
        try:
            answer = input("> ").strip()
        except EOFError:
            return ""
        if answer in question.allowed or (answer and not question.allowed):
            return answer
        print(f"allowed: {inert(', '.join(question.allowed) or 'any text')}", file=sys.stderr)


def _show(draft: Draft, answers: Answers) -> None:
    """What a person should know before the first run, and the commands that follow."""
    for doubt in draft.doubts:
        print(f"note: {inert(doubt)}")
    for question in answers.assumed:
        print(f"assumed: {question.name}={question.assumed} ({inert(question.text)})")
    print("note: look through the fixture before it is committed: who is told of where no column says so, stands in it")
    if draft.contract.personal:
        print("note: before it is committed: make personal-columns; python -m tests.privacy --write")
    first, last = _find_range(draft.found)
    days = f"--date {last}" if first == last else f"--from {first} --to {last}"
    print(f"next: ./spark-submit.sh run --source {draft.contract.name} {days}")
    print(f"next: ./dbt.sh build --from {first} --to {last}")


def _find_range(found: Found) -> tuple[date, date]:
    """First and last day of what was looked at; where days are missing between them, the last one."""
    last = _find_day(found)
    first = min(found.days, default=last)
    return (first if (last - first).days + 1 == len(found.days) else last), last


def _find_day(found: Found) -> date:
    """The newest one that was looked at."""
    return max(found.days, default=datetime.now(UTC).date())
