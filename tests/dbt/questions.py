"""The questions of docs/gold.md, answered; `python -m tests.dbt.questions FILE.duckdb` writes the answers of a file."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/gold.md"
_QUESTION = re.compile(r"(### \d+\. [^\n]*\n\n```sql\n(.*?)```\n)(?:\n\|.*?\n(?=\n|\Z))?", re.DOTALL)


def questions() -> list[str]:
    """Their SQL."""
    return [found[2] for found in _QUESTION.finditer(DOCUMENT.read_text(encoding="utf-8"))]


def answered(file: Path) -> str:
    """The document with the answers that the DuckDB file gives."""
    with duckdb.connect(file, read_only=True) as connection:

        def answer(found: re.Match[str]) -> str:
            return f"{found[1]}\n" + "".join(f"{line}\n" for line in _table(connection.sql(found[2])))

        return _QUESTION.sub(answer, DOCUMENT.read_text(encoding="utf-8"))


def _table(answer: duckdb.DuckDBPyRelation) -> Iterator[str]:
    yield f"| {' | '.join(answer.columns)} |"
    yield "|---" * len(answer.columns) + "|"
    for row in answer.fetchall():
        yield f"| {' | '.join('' if value is None else str(value) for value in row)} |"


if __name__ == "__main__":
    DOCUMENT.write_text(answered(Path(sys.argv[1])), encoding="utf-8")
