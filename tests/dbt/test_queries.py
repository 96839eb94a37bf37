"""`./dbt.sh query` reads Silver and Gold and nothing else; after a build that failed there is one clear line."""

import csv
import io
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import query

from tests.dbt.world import ROOT, World, product

ALLOWED = [
    "from coretelecoms_gold.fact_complaints",
    "from warehouse.coretelecoms_silver.stg_agents",
    "select customer_name from coretelecoms_gold_private.dim_customer_private",
    "describe coretelecoms_gold.dim_date",
    "summarize coretelecoms_gold.dim_channel",
    "with busy as (from coretelecoms_gold.dim_agent) select count(*) from busy, busy as others, range(3)",
    "pivot coretelecoms_gold.dim_channel on channel in ('Call') using count(*)",
    "with recursive n as (select 1 as i union all select i + 1 from n where i < 3) from n -- counted",
    "values (1), (2); ",
    "from coretelecoms_gold.dim_channel where channel in (select channel from coretelecoms_gold.fact_complaints)",
]
REFUSED = {
    "from main.planted": "warehouse.main.planted",
    "with a as (select (select max(secret) from main.planted) as b) from a": "warehouse.main.planted",
    "from query('from main.planted')": "warehouse.main.planted",
    "from main.seen": "warehouse.main.planted",
    "from duckdb_secrets()": "duckdb_secrets()",
    "from duckdb_settings()": "duckdb_settings()",
    "show all tables": "duckdb_tables()",
    "from information_schema.columns": "duckdb_columns()",
    "from pragma_table_info('main.planted')": "pragma_table_info()",
    "from '{file}'": "{file}",
    "from read_csv('{file}')": "{file}",
    "from read_text('{file}')": "{file}",
    "from glob('/*')": "/*",
    "insert into main.planted values ('x')": "INSERT",
    "create table coretelecoms_gold.mine as select 1": "CREATE",
    "delete from coretelecoms_gold.fact_complaints": "DELETE",
    "drop table coretelecoms_gold.fact_complaints": "DROP",
    "copy coretelecoms_gold.dim_date to '{file}'": "COPY",
    "attach '{file}' as other": "ATTACH",
    "set enable_external_access = true": "SET",
    "install httpfs": "LOAD",
    "call pragma_version()": "CALL",
    "select 1; select 2": "SELECT, SELECT",
    "": "nothing",
    "selec": "syntax error",
    "from coretelecoms_gold.no_such": "no_such",
    "select ?": "parameter",
}


@pytest.fixture
def copied(base: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The built file, for a test that changes it."""
    (tmp_path / "copied").mkdir()
    monkeypatch.setenv("CORETELECOMS_WAREHOUSE", str(tmp_path / "copied/warehouse.duckdb"))
    return Path(shutil.copy(base.root / "base/warehouse.duckdb", tmp_path / "copied"))


@pytest.fixture
def planted(copied: Path) -> Path:
    with duckdb.connect(copied) as connection:
        connection.execute("CREATE TABLE main.planted AS SELECT 'Canary' AS secret")
        connection.execute("CREATE VIEW main.seen AS FROM main.planted")
    return copied


def test_silver_and_gold_are_read(planted: Path) -> None:
    for sql in ALLOWED:
        assert list(query.show(sql))[-1].rpartition(" rows")[0] != ""


def test_what_else_would_be_read_is_named_and_refused_and_so_are_writes(planted: Path, tmp_path: Path) -> None:
    file = tmp_path / "there.csv"
    file.write_text("secret\nCanary\n")
    before = planted.read_bytes()
    for sql, named in REFUSED.items():
        with pytest.raises(product.BuildError) as caught:
            list(query.show(sql.format(file=file)))
        assert named.format(file=file) in str(caught.value), sql
        assert (caught.value.code, "Canary" in str(caught.value), "\n" in str(caught.value)) == (78, False, False), sql
    assert planted.read_bytes() == before
    assert file.read_text() == "secret\nCanary\n"


def test_all_columns_are_shown_and_as_many_rows_as_were_asked_for(world: World) -> None:
    names = [column for (column, *_) in world.ask("describe coretelecoms_gold.fact_complaints")]
    first, rule, *rows, last = query.show("from coretelecoms_gold.fact_complaints", limit=3)
    assert first.split() == names
    assert set(rule) == {"-", " "}
    assert len(rows) == 3
    assert last == "3 rows; there are more: --limit N shows N, --csv FILE has all"
    assert list(query.show("select null as a, '' as b, true as c, chr(27) || '[2J' as d"))[2:] == [
        "NULL     true  \\x1b[2J",
        "1 rows",
    ]


def test_csv_has_every_row_and_value(base: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "from coretelecoms_gold.fact_complaints order by channel, complaint_id"
    assert query.save(sql, tmp_path / "all.csv").endswith(f" rows in {tmp_path}/all.csv")
    assert query.save(sql, None, limit=5) == ""
    said = capsys.readouterr().out
    assert (tmp_path / "all.csv").read_text().startswith(said)
    assert len(list(csv.reader(io.StringIO(said)))) == 6
    assert (tmp_path / "all.csv").stat().st_mode & 0o777 == 0o600
    read = duckdb.sql(
        f"""FROM read_csv('{tmp_path}/all.csv', all_varchar = true, nullstr = '', allow_quoted_nulls = false)
        ORDER BY channel, complaint_id"""
    ).fetchall()
    assert read == base.ask(f"SELECT COLUMNS(*)::VARCHAR FROM ({sql})")
    odd = "select null as a, '' as b, 'x,\"y\"' || chr(10) as c, true as \"d,e\""
    query.save(odd, None)
    assert capsys.readouterr().out == 'a,b,c,"d,e"\n,"","x,""y""\n",true\n'


def test_a_file_of_csv_is_whole_or_not_there(base: World, tmp_path: Path) -> None:
    with pytest.raises(product.BuildError, match="no-such"):
        query.save("select 1", tmp_path / "no-such/a.csv")
    fails_late = "select case when i = 50000 then error('Canary') else i end from range(100000) as n(i)"
    with pytest.raises(product.BuildError, match="query: "):
        query.save(fails_late, tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []


def test_the_command_takes_a_limit_and_a_file(base: World, tmp_path: Path) -> None:
    ask = [sys.executable, str(ROOT / "dbt/build.py"), "query", "from range(100) as n(i)"]
    for more, said in (
        (["--limit", "2"], "i\n-\n0\n1\n2 rows; there are more"),
        (["--csv", "-", "--limit", "2"], "i\n0\n1\n"),
        (["--csv", f"{tmp_path}/a.csv"], f"100 rows in {tmp_path}/a.csv\n"),
    ):
        done = subprocess.run([*ask, *more], capture_output=True, text=True, check=True)
        assert done.stdout.startswith(said)
    done = subprocess.run([*ask, "--limit", "0"], capture_output=True, text=True, check=False)
    assert (done.returncode, "allowed is a number of rows from 1 on" in done.stderr) == (64, True)


@pytest.mark.parametrize("lost", [[], ["agg_complaints_daily"], ["agg_complaints_per_outage"]], ids=str)
def test_after_a_build_that_failed_one_line_says_what_to_do(copied: Path, lost: list[str]) -> None:
    with duckdb.connect(copied) as connection:
        names = connection.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'coretelecoms_gold'").fetchall()
        for name in lost or [name for (name,) in names]:
            connection.execute(f"DROP TABLE coretelecoms_gold.{name}")
    ask = ["query", f"from coretelecoms_gold.{lost[0] if lost else 'fact_complaints'}"]
    for command in (["headline"], ask):
        done = subprocess.run(
            [sys.executable, str(ROOT / "dbt/build.py"), *command], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (78, "", 1), done.stderr
        if command != ask or not lost:
            assert "./dbt.sh build" in done.stderr
