"""However a CSV is written: by the source contract that `adopt` drafts, all rows land as they were written."""

import bz2
import csv
import gzip
import io
import random
import string
from datetime import date, timedelta

import pytest

from jobs.adopt.contract import write_contract
from jobs.adopt.draft import Draft, draft_source
from jobs.adopt.files import find_files
from jobs.adopt.questions import Answers
from jobs.errors import ConfigurationError
from tests.conftest import AGENTS_FROM_A_FILE, DAY, World
from tests.runner import Runner

Rows = list[list[str]]


def make_rows(chance: random.Random, delimiter: str, quote: str) -> Rows:
    letters = string.ascii_letters + "   äöüßé#'" + delimiter + quote + "\n" * chance.randrange(2)

    def cell(kind: int) -> str:
        match kind if chance.random() > 0.1 else -1:
            case 0:
                return "".join(chance.choices(letters, k=chance.randint(1, 12)))
            case 1:
                return f"{chance.uniform(-9999, 9999):.{chance.randrange(3)}f}"
            case 2:
                return f"{date(2025, 1, 1) + timedelta(days=chance.randrange(300)):%d/%m/%Y}"
            case 3:
                return chance.choice(["yes", "no"])
            case _:
                return ""

    kinds = [chance.randrange(4) for _ in range(chance.randint(1, 7))]
    header = ["Row id", *(f"Col {chance.choice(string.ascii_uppercase)}{at}" for at, _ in enumerate(kinds))]
    return [header, *([f"id{row}", *map(cell, kinds)] for row in range(chance.randint(3, 60)))]


def write(chance: random.Random, rows: Rows, delimiter: str, quote: str) -> bytes:
    text = io.StringIO(newline="")
    text.write(chance.choice(["", "", "Report of things\n\n"]))
    quoting = chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    end = chance.choice(["\n", "\r\n"])
    csv.writer(text, delimiter=delimiter, quotechar=quote, lineterminator=end, quoting=quoting).writerows(rows)
    content = text.getvalue().encode(chance.choice(["utf-8", "utf-8-sig", "windows-1252", "utf-16"]))
    return chance.choice([bytes, gzip.compress, bz2.compress])(content)


def draft(path: str, world: World) -> Draft:
    """With the first answer that is allowed to each question that is open."""
    answers = Answers()
    try:
        return draft_source("feed", find_files([path], world.environment, answers), answers)
    except ConfigurationError:
        given = Answers({one.name: one.allowed[0] if one.allowed else "row_id" for one in answers.unanswered})
        return draft_source("feed", find_files([path], world.environment, given), given)


def check(seed: int, run: Runner) -> None:
    chance = random.Random(seed)
    delimiter, quote = chance.choice(",;\t|"), chance.choice('"""\'')
    rows = make_rows(chance, delimiter, quote)
    path = run.world.root / f"sources/feed_{DAY}.csv"
    path.write_bytes(write(chance, rows, delimiter, quote))
    drafted = draft(str(path), run.world)
    (run.world.root / "contracts").mkdir(exist_ok=True)
    (run.world.root / "contracts/feed.toml").write_text(write_contract(drafted.contract, drafted.forms))
    run.world.file.write_text(f'contracts = "{run.world.root}/contracts"\n{run.world.file.read_text()}')
    (outcome,) = run()
    assert (outcome.state, outcome.rows_rejected, outcome.drift) == ("loaded", 0, {})
    landed = [[row[column] or "" for column in drafted.contract.columns.values()] for row in run.bronze("feed")]
    assert (sorted(landed), [*drafted.contract.columns]) == (sorted(rows[1:]), rows[0])


@pytest.fixture
def run_alone(run: Runner) -> Runner:
    """Without the agents, who have no source contract here."""
    run.world.file.write_text(run.world.file.read_text().replace(AGENTS_FROM_A_FILE, ""))
    return run


@pytest.mark.parametrize("seed", range(20))
def test_all_rows_land_as_they_were_written(seed: int, run_alone: Runner) -> None:
    check(seed, run_alone)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20, 300))
def test_all_rows_of_many_land_as_they_were_written(seed: int, run_alone: Runner) -> None:
    check(seed, run_alone)
