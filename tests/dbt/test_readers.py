"""What readers of Gold are given: numbers and keys, no person. What identifies persons lies beside, granted apart."""

import ast
import os
import shutil
import sys
from pathlib import Path

import duckdb
import pytest

from tests.dbt.world import DAYS, ROOT, World, product
from tests.readers import IDENTIFYING, identifying_columns

CANARY = "Xanthippe Quill"
GOLD, PRIVATE = "coretelecoms_gold", "coretelecoms_gold_private"


def values(file: Path, schema: str) -> set[str]:
    """All that stands in any column of any table of it, as text."""
    found: set[str] = set()
    with duckdb.connect(file, read_only=True) as connection:
        names = connection.sql(f"SELECT tablename FROM pg_tables WHERE schemaname = '{schema}'").fetchall()
        assert len(names) >= (2 if schema == PRIVATE else 12)
        for (name,) in names:
            rows = connection.table(f"{schema}.{name}").fetchall()
            found |= {str(value) for row in rows for value in row if value is not None}
    return found


def columns(file: Path, schema: str) -> set[str]:
    with duckdb.connect(file, read_only=True) as connection:
        rows = connection.sql(
            f"SELECT column_name FROM information_schema.columns WHERE table_schema = '{schema}'"
        ).fetchall()
    return {name for (name,) in rows}


def test_x7_what_readers_are_given_holds_no_column_that_identifies_a_person(base: World, tmp_path: Path) -> None:
    assert product.export(tmp_path / "gold.duckdb").startswith("Gold, without persons: ")

    for file in (base.file, tmp_path / "gold.duckdb"):
        assert identifying_columns(columns(file, GOLD)) == set()
    assert identifying_columns(columns(base.file, PRIVATE)) == IDENTIFYING - {"name", "address"}
    assert columns(tmp_path / "gold.duckdb", PRIVATE) == set()
    assert columns(tmp_path / "gold.duckdb", "coretelecoms_silver") == set()


@pytest.mark.parametrize("is_exported", [False, True])
def test_x7_what_readers_are_given_holds_no_value_that_identifies_a_person(
    is_exported: bool, base: World, tmp_path: Path
) -> None:
    """By value, whatever a column is called; a date of a person's may be another one's day of report."""
    product.export(tmp_path / "gold.duckdb")
    given, kept = values(tmp_path / "gold.duckdb" if is_exported else base.file, GOLD), values(base.file, PRIVATE)
    persons = [*base.delivered("customers"), *base.delivered("agents")]
    names = {row["name"].strip() for row in persons if row["name"]}
    lines = {line.strip() for row in persons for line in (row.get("address") or "").splitlines()}
    born = {row["date_of_birth"] for row in persons if row.get("date_of_birth")}

    assert len(names & kept) > 200, "the same search finds them where they are"
    assert len(lines & kept) > 100
    assert len([text for text in kept if "@" in text]) > 100
    assert (names | lines | born) & given == set()
    assert [text for text in given if "@" in text and not text.partition("@")[0].isalnum()] == []
    assert [text for text in given if any(domain in text for domain in (".com", ".om", ".net", ".org"))] == []


def test_x7_no_byte_of_an_export_is_of_a_person_and_it_is_its_owners(base: World, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        product.export(tmp_path / "gold.duckdb")
    finally:
        os.umask(before)
    assert (tmp_path / "gold.duckdb").stat().st_mode & 0o777 == 0o600
    persons = [*base.delivered("customers"), *base.delivered("agents")]
    canaries = [row["name"].strip().encode() for row in persons if row["name"] and " " in row["name"].strip()]
    found, given = base.file.read_bytes(), (tmp_path / "gold.duckdb").read_bytes()
    assert len([name for name in canaries if name in found]) > 100, "the same search finds them where they are"
    assert [name for name in canaries if name in given] == []


def test_the_pages_are_made_of_an_export(base: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    product.export(tmp_path / "gold.duckdb")
    monkeypatch.setenv("CORETELECOMS_WAREHOUSE", str(tmp_path / "gold.duckdb"))
    with product.opened(read_only=True) as connection:
        for name, sql in pages_queries().items():
            assert connection.execute(sql.format(gold=GOLD)).fetchall(), name


def pages_queries() -> dict[str, str]:
    """By their text: what makes the pages has another environment."""
    for node in ast.parse((ROOT / "pages/gold.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "QUERIES":
            return dict(ast.literal_eval(node.value))
    raise AssertionError("pages/gold.py has no QUERIES")


def test_no_customer_and_no_agent_is_lost_by_the_split(base: World) -> None:
    apart = base.ask(
        f"""SELECT customer_id, customer_name, date_of_birth, signup_date, year(date_of_birth) = birth_year,
            date_trunc('month', signup_date) = signup_month
        FROM {GOLD}.dim_customer JOIN {PRIVATE}.dim_customer_private USING (customer_key) ORDER BY ALL"""
    )
    staged = base.ask(
        """SELECT customer_id, customer_name, date_of_birth, signup_date, date_of_birth = date_of_birth,
            signup_date = signup_date
        FROM coretelecoms_silver.stg_customers ORDER BY ALL"""
    )
    assert apart == staged
    assert len(staged) == base.ask(f"SELECT count(*) - 1 FROM {GOLD}.dim_customer")[0][0] > 100
    agents = f"SELECT agent_key FROM {GOLD}.dim_agent WHERE NOT is_unknown ORDER BY 1"
    assert base.ask(f"SELECT agent_key FROM {PRIVATE}.dim_agent_private ORDER BY 1") == base.ask(agents) != []


def test_the_pages_and_the_headline_read_nothing_that_identifies_a_person(base: World) -> None:
    for file in [*(ROOT / "pages").glob("*.py"), ROOT / "dbt/headline.py"]:
        assert "private" not in file.read_text(encoding="utf-8").replace("keep_private", "")
    said = "\n".join(product.headline())
    assert "Busiest agents" in said
    assert [row["name"] for row in base.delivered("agents") if row["name"] and row["name"].strip() in said] == []


def test_an_export_of_what_was_never_built_or_into_no_folder_is_refused(
    base: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(product.BuildError, match="no-such"):
        product.export(tmp_path / "no-such/gold.duckdb")
    duckdb.connect(tmp_path / "empty.duckdb").close()
    monkeypatch.setenv("CORETELECOMS_WAREHOUSE", str(tmp_path / "empty.duckdb"))
    with pytest.raises(product.BuildError, match=r"no Gold yet.*\./dbt\.sh build") as caught:
        product.export(tmp_path / "gold.duckdb")
    assert caught.value.code == 78
    assert [path.name for path in tmp_path.iterdir()] == ["empty.duckdb"]


def test_a_value_that_no_model_can_read_is_quoted_nowhere(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither on the terminal, nor in dbt's results and log; DuckDB's own sentence quotes it."""
    customers = [{**row, "name": CANARY} for row in world.delivered("customers")]
    world.land("customers", DAYS[0], customers)
    project = world.root / "planted-in-silver"
    shutil.copytree(ROOT / "dbt", project, ignore=shutil.ignore_patterns("__pycache__"))
    model = project / "models/silver/stg_customers.sql"
    sql = model.read_text()
    mended = "{{ blank_to_null('name') }} as"
    assert mended in sql
    model.write_text(sql.replace(mended, "cast(cast(name as integer) as varchar) as"))
    monkeypatch.setattr(product, "PROJECT", project)
    with duckdb.connect() as raw, pytest.raises(duckdb.ConversionException, match=CANARY):
        raw.execute(f"select cast('{CANARY}' as integer)").fetchall()

    monkeypatch.setattr(sys, "argv", ["dbt.sh", "build", "--layer", "silver"])
    code = product.main()

    assert code == 70
    target = product.artifacts()
    kept = [path for path in target.rglob("*") if path.is_file() and not path.is_relative_to(project)]
    told = {str(path): path.read_bytes() for path in kept}
    shown = capsys.readouterr()
    assert "Conversion Error: its text may quote" in shown.err
    for name in ("run_results.silver.json", "dbt.log"):
        assert [path for path, content in told.items() if path.endswith(name) and b"Conversion Error: its" in content]
    told |= {"out": shown.out.encode(), "err": shown.err.encode()}
    assert [path for path, content in told.items() if CANARY.encode() in content] == []
