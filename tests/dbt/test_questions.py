"""docs/gold.md answers its ten questions as Gold does, and names every table of it."""

import re

import pytest
import query

from tests.dbt.questions import DOCUMENT, answered, questions
from tests.dbt.world import World


def test_the_ten_questions_have_the_answers_that_gold_gives(world: World) -> None:
    assert len(questions()) == 10
    document = DOCUMENT.read_text(encoding="utf-8")
    assert answered(world.file) == document, "python -m tests.dbt.questions FILE.duckdb writes them anew"
    assert len(re.findall(r"```\n\n\|", document)) == 10


@pytest.mark.parametrize("number", range(10))
def test_each_is_asked_by_the_command(number: int, world: World) -> None:
    assert len(list(query.show(questions()[number]))) > 3


def test_every_table_of_gold_is_in_the_document(world: World) -> None:
    schemas = "('coretelecoms_gold', 'coretelecoms_gold_private')"
    names = world.ask(f"SELECT tablename FROM pg_tables WHERE schemaname IN {schemas}")
    document = DOCUMENT.read_text(encoding="utf-8")
    assert [name for (name,) in names if f"`{name}`" not in document] == []
