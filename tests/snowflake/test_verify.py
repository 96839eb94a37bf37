import pytest

from tests.readers import Reader
from tests.readers import verify as verify_readers
from tests.snowflake import verify, verify_reader
from tests.snowflake.conftest import Platform

# The stand-in aborts the second of two writers at once, and keeps no history of statements.
ONLY_SNOWFLAKE = {"a second publisher waits for the first", "statements bear the query tag"}


def test_make_verify_snowflake_tells_the_stand_in_from_snowflake(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify.main(["--env", str(platform.cloud.file)]) == 1
    said = dict(line.split("  ", 1)[::-1] for line in capsys.readouterr().out.splitlines() if line[:2] in ("ok", "FA"))
    found = {name.strip(): word.strip() for name, word in said.items()}
    assert {name for name, word in found.items() if word == "FAILED"} == ONLY_SNOWFLAKE
    assert len(found) == len(verify.CHECKS)
    schemas = platform.snowflake.ask("select schema_name from information_schema.schemata")
    assert not [name for (name,) in schemas if "VERIFY" in name]
    assert not platform.cloud.server.keys("core-telecoms-capstone-data-lake", f"{platform.cloud.prefix}/scratch/")


def test_the_stand_in_knows_no_roles_and_what_a_reader_reads_there_is_named(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it shows Gold alone, all is well."""
    text = platform.cloud.file.read_text()
    gold = f"{platform.cloud.prefix}_gold"
    platform.cloud.file.write_text(text.replace("login_timeout", f'gold = "{gold}", login_timeout'))
    for table, column in (("dim_customer", "birth_year"), ("dim_agent", "experience")):
        platform.snowflake.ask(f"create schema if not exists CORETELECOMS.{gold}")
        platform.snowflake.ask(f"create table CORETELECOMS.{gold}.{table} ({column} varchar)")
    platform.snowflake.ask(f"create table {platform.schema}.customers (name varchar)")

    env = str(platform.cloud.file)
    assert verify_reader.main(["--env", env, "--reader", env]) == 1
    reads, sees, others = capsys.readouterr().out.splitlines()
    assert reads == "ok      the reader reads all of Gold"
    assert sees.startswith("FAILED  no column that it sees identifies a person: ")
    assert f"{platform.cloud.prefix}.customers.NAME" in sees
    assert others.startswith("FAILED  it reads nothing outside of Gold: ")
    assert f"{platform.cloud.prefix}.customers" in others.partition(": ")[2].split(", ")  # and what other tests left

    with platform.snowflake.connect() as session:
        all_of_it = verify_reader.reader_of(session, platform.warehouse).sees
    gold_alone = {table: columns for table, columns in all_of_it.items() if table.startswith(f"{gold}.")}
    alone = Reader(gold_alone, gold_alone.__contains__)
    assert verify_readers(alone, [*gold_alone], [f"{platform.cloud.prefix}.customers"])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["ok"] * 3
