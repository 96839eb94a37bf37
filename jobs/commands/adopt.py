"""`adopt`: a source contract, Silver's model and a fixture drafted from deliveries, and what is not certain of them."""

import sys
from datetime import UTC, datetime

from jobs.adopt.draft import Draft, draft_source
from jobs.adopt.look import look
from jobs.adopt.project import make_files
from jobs.adopt.questions import Answers, Question
from jobs.cli import Arguments
from jobs.clients.location import ROOT
from jobs.config.environment import find_file, load_environment
from jobs.config.toml import show_path
from jobs.errors import inert


def run(arguments: Arguments) -> int:
    """Raises ConfigurationError where something is open, and then writes nothing."""
    environment = load_environment(arguments.environment)
    answers = Answers(dict(arguments.answers), _ask if sys.stdin.isatty() else None)
    draft = draft_source(arguments.name, look(arguments.places, arguments.name, environment, answers), answers)
    of_environment = find_file(arguments.environment)
    for path, content in make_files(draft, ROOT, environment.contracts, of_environment).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(f"wrote {show_path(path)}")
    _show(draft, answers)
    return 0


def _ask(question: Question) -> str:
    print(inert(str(question)), file=sys.stderr)
    return input("> ").strip()


def _show(draft: Draft, answers: Answers) -> None:
    """What a person should know before the first run, and the commands that follow."""
    for doubt in draft.doubts:
        print(f"note: {inert(doubt)}")
    for question in answers.assumed:
        print(f"assumed: {question.name}={question.assumed} ({inert(question.text)})")
    print("note: look through the fixture before it is committed: who is told of where no column says so, stands in it")
    day = max(draft.found.days, default=datetime.now(UTC).date())
    print(f"next: ./spark-submit.sh run --source {draft.contract.name} --date {day}")
    print(f"next: ./dbt.sh build --from {day} --to {day}")
