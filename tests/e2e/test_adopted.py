"""From a file to Gold by the commands of a new user, in a checkout of its own; nothing is edited between them."""

import csv
import gzip
import io
import json
import random
import shutil
import subprocess
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import pytest

from jobs.config.environment import ROOT
from tests.conftest import NIGHTLY

UNIT_TESTS = (
    "import build, sys; ran = build.invoke('test', '--select', 'test_type:unit,stg_' + sys.argv[1]).results; "
    "sys.exit(str([one.message for one in ran]) if [one.status for one in ran] != ['pass'] else 0)"
)
DAY = "2025-02-01"
LOCKS = ("requirements/dbt.txt", "requirements/dev.txt")

pytestmark = pytest.mark.skipif(not NIGHTLY, reason="minutes: make test-nightly")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is tracked, without anything that was landed or built."""
    root = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.split("\0")[:-1]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, root / name)
    return root


def command(checkout: Path, *words: str) -> str:
    done = subprocess.run(words, cwd=checkout, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


def semicolons() -> bytes:
    """As a German spreadsheet exports: Windows-1252, decimal comma, days before months, line ends in values."""
    chance, text = random.Random(7), io.StringIO()
    rows = csv.writer(text, delimiter=";", lineterminator="\r\n")
    rows.writerow(["Vorgangsnummer", "Kunde", "Betrag", "Eröffnet am", "Erledigt", "Bemerkung"])
    for number in range(400):
        amount = f"{chance.randrange(1, 4_000):,}".replace(",", ".") + f",{chance.randrange(100):02}"
        opened = f"{chance.randrange(1, 32):02}.01.2025 {chance.randrange(24)}:05"
        remark = f"Müller rief {number} mal an,\nund es geht noch immer nicht"
        rows.writerow([f"V-{number:05}", f"Kunde {number}", amount, opened, chance.choice(["ja", "nein"]), remark])
    return gzip.compress(text.getvalue().encode("windows-1252"))


def rare_keys() -> bytes:
    """As an API exports: keys that few items have, numbers, nested values."""
    items = [
        {"reviewId": f"r{number}", "stars": number % 5 + 1, "postedAt": f"2025-01-{number % 28 + 1:02}T10:00:00Z"}
        | ({"editedAt": "2025-02-01T08:00:00+02:00"} if number % 90 == 7 else {})
        | ({"tags": ["slow", "again"]} if number % 50 == 3 else {})
        for number in range(300)
    ]
    return json.dumps(items).encode()


def workbook() -> bytes:
    """As an office keeps it: a title above the table, typed cells, a sheet of notes."""
    book, packed = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Letters"
    for row in (["Letters of complaint"], [], ["Letter no", "customer_id", "Received on", "Topic", "State", "Text"]):
        sheet.append(row)
    for number in range(250):
        received = date(2025, 1, 1) + timedelta(days=number % 30)
        text = f"I have now written {number} times and nobody answers me"
        topic = ["payments", "network failure", "Other"][number % 3]
        state = ["done", "open", "on hold"][number % 3]
        sheet.append([f"L-{number}", f"c{number}", received, topic, state, text])
    book.create_sheet("notes")
    book.save(packed)
    return packed.getvalue()


def lint(checkout: Path, name: str) -> None:
    """As `make lint` does."""
    model = f"dbt/models/silver/stg_{name}"
    tools = {lock: Path(command(checkout, "./setup.sh", lock).strip()).parent for lock in LOCKS}
    command(checkout, str(tools[LOCKS[0]] / "sqlfluff"), "lint", f"{model}.sql", "dbt/models/silver")
    command(checkout, str(tools[LOCKS[1]] / "yamllint"), "--strict", f"{model}.yml", "dbt/models/silver/sources.yml")


def unit_tests(checkout: Path, name: str) -> None:
    python = command(checkout, "./setup.sh", "requirements/dbt.txt").strip()
    done = subprocess.run([python, "-c", UNIT_TESTS, name], cwd=checkout / "dbt", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("name", "path", "content", "answers", "asked", "found", "in_gold"), [
    (
        "tickets", f"tickets_{DAY}.csv.gz", semicolons(), ["complaint=Ticket"],
        "count(*) n, count(betrag) a, count(eroffnet_am) b, count(erledigt) c, max(extract(day from eroffnet_am)) d",
        "400,400,400,400,31", "Ticket,400,2,400",
    ),
    (
        "reviews", f"reviews_{DAY}.json", rare_keys(),
        ["complaint=Review", "complaint.status=none", "complaint.resolved=edited_at"],
        "count(*) n, sum(stars) a, count(posted_at) b, count(edited_at) c, count(tags) d", "300,900,300,4,6",
        "Review,300,2,300",
    ),
    (
        "letters", f"letters_{DAY}.xlsx", workbook(),
        ["complaint=Letter", "sheet=Letters", "complaint.customer=none", "complaint.category=topic"],
        "count(*) n, count(received_on) a, count(distinct topic) b, count(distinct state) c, count(customer_id) d",
        "250,250,3,3,250", "Letter,250,3,250",
    ),
])  # fmt: skip
def test_a_delivery_is_in_gold_after_three_commands(
    name: str, path: str, content: bytes, answers: list[str], asked: str, found: str, in_gold: str, checkout: Path
) -> None:
    place = checkout / ".local/sources" / name / path
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    given = [word for answer in answers for word in ("--answer", answer)]
    said = command(checkout, "./spark-submit.sh", "adopt", str(place), "--name", name, *given)
    commands = [line.removeprefix("next: ") for line in said.splitlines() if line.startswith("next: ")]
    for line in commands:
        command(checkout, *line.split())
    asking = f"select {asked} from coretelecoms_silver.stg_{name}"
    assert command(checkout, "./dbt.sh", "query", asking, "--csv", "-").splitlines()[1] == found
    assert len(commands) == 2
    of_channel = (
        "select channel, count(*) n, count(distinct resolution_status) a, count(opened_at) b "
        f"from coretelecoms_gold.fact_complaints where channel = '{given[1].partition('=')[2]}' group by channel"
    )
    assert command(checkout, "./dbt.sh", "query", of_channel, "--csv", "-").splitlines()[1] == in_gold
    command(checkout, "./pages.sh")
    assert in_gold.partition(",")[0] in (checkout / ".local/pages/complaints.html").read_text()
    command(checkout, "./spark-submit.sh", "check")
    unit_tests(checkout, name)
    lint(checkout, name)
    python = command(checkout, "./setup.sh").strip()
    said = command(
        checkout, python, "-m", "pytest", "-q", "tests/landing/test_deliveries.py", "tests/unit/test_layout.py"
    )
    assert " passed" in said
