"""Silver and Gold in the stand-in, row by row those that one machine builds of the same landings."""

import json
import os
import subprocess
from datetime import date
from pathlib import Path

import pytest

from demo.faithful import Counts
from jobs.config.environment import ROOT
from jobs.contracts.silver import NOBODY
from jobs.contracts.source import load_contracts
from tests.conftest import DAYS, World
from tests.parity.days import CHANGED, CORRECTED, FOUR_DAYS, correction
from tests.parity.export import differences, from_duckdb, from_snowflake, save
from tests.parity.pages import pages_read_the_same
from tests.readers import IDENTIFYING, identifying_columns
from tests.snowflake.conftest import Platform
from tests.snowflake.masks import masks


def call(script: str, *arguments: str, **variables: str) -> None:
    done = subprocess.run(
        [str(ROOT / script), *arguments], capture_output=True, text=True, env=os.environ | variables, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def built_differently(platform: Platform, first: date, last: date, when: str) -> list[str]:
    """Where Silver and Gold here and there differ, once the days' landings are loaded and built on both sides."""
    span = ("--from", str(first), "--to", str(last))
    folder, local = platform.cloud.root, platform.beside
    places = {"CORETELECOMS_WAREHOUSE": str(folder / "beside.duckdb"), "AWS_ENDPOINT_URL_S3": local.server.url}
    call("spark-submit.sh", "load", *span, "--env", str(local.file))
    call("dbt.sh", "build", *span, "--env", str(local.file), DBT_TARGET_PATH=str(folder / "dbt-local"), **places)
    call("dbt.sh", "build", *span, "--env", str(platform.cloud.file), DBT_TARGET_PATH=str(folder / "dbt-snowflake"))
    here, there = from_duckdb(folder / "beside.duckdb"), from_snowflake(platform.snowflake.by_name)
    save(there, "snowflake", when)
    return differences(there, here)


def test_silver_and_gold_are_those_of_one_machine(four_days: Platform) -> None:
    assert built_differently(four_days, DAYS[0], DAYS[-1], FOUR_DAYS) == []


def test_a_recount_finds_the_four_days_adding_up(four_days: Platform) -> None:
    span = ("--from", str(DAYS[0]), "--to", str(DAYS[-1]))
    done = four_days.cloud.submit("status", "--recount", "--json", *span)
    assert done.returncode == 0, done.stderr
    places = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(one["place"] == "silver" and one["counted"] == one["ledger"] for one in places) > 4 * len(DAYS)
    assert {one["source"] for one in places if one["counted"] is None} == {"agents", "service_outages"}


def test_x7_what_readers_are_given_holds_no_column_that_identifies_a_person(four_days: Platform) -> None:
    asked = "select column_name from information_schema.columns where lower(table_schema) = '{}'"
    given, kept = (
        {name.lower() for (name,) in four_days.snowflake.ask(asked.format(schema))}
        for schema in ("coretelecoms_gold", "coretelecoms_gold_private")
    )

    assert "birth_year" in given
    assert identifying_columns(given) == set()
    assert identifying_columns(kept) == IDENTIFYING - {"name", "address"}


def test_columns_that_tell_of_persons_have_the_masking_policy_of_their_kind_and_type_and_no_other_has_one(
    four_days: Platform,
) -> None:
    found = masks(statement for _, statement in four_days.snowflake.requests)
    contracts = load_contracts(four_days.cloud.environment)
    wanted = {f"four_days.{name}": contract.personal_columns for name, contract in contracts.items()}
    nodes = json.loads((four_days.cloud.root / "dbt-snowflake/manifest.json").read_text())["nodes"].values()
    for node in (node for node in nodes if node["config"].get("materialized") not in (None, "view", "test")):
        said = {name: column["meta"].get("personal", NOBODY) for name, column in node["columns"].items()}
        kinds = {name: kind for name, kind in said.items() if kind != NOBODY}
        published_in = node["config"]["meta"].get("published_in")
        schema = f"coretelecoms_{published_in}" if published_in else node["schema"]
        wanted.update({f"{schema}.{node['name']}": kinds} if kinds else {})
    columns = (
        "select lower(table_schema || '.' || table_name), lower(column_name), data_type from information_schema.columns"
    )
    dates = {(table, column) for table, column, kind in four_days.snowflake.ask(columns) if kind == "DATE"}

    assert found == {
        table: {
            column: f"policies.{kind}_{'date' if (table, column) in dates else 'text'}"
            for column, kind in kinds.items()
        }
        for table, kinds in wanted.items()
    }
    assert len(wanted) > 14
    assert found["coretelecoms_gold_private.dim_customer_private"]["date_of_birth"] == "policies.birth_date"
    assert found["coretelecoms_silver.stg_customers"]["date_of_birth_as_delivered"] == "policies.birth_text"


def test_the_pages_read_the_same_there_and_here(four_days: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORETELECOMS_WAREHOUSE", str(four_days.cloud.root / "beside.duckdb"))
    pages_read_the_same(four_days.cloud.environment, four_days.beside.environment)


def test_so_they_are_after_a_replay_and_a_corrected_day_built_on_their_own(
    four_days: Platform, delivered: tuple[World, Counts]
) -> None:
    original = Path(delivered[0].root / "sources" / CHANGED).read_bytes()
    four_days.cloud.deliver(CHANGED, correction(original))
    sources = ("--source", "call_logs", "--source", "social_media")
    done = four_days.cloud.submit("run", "--date", str(DAYS[1]), *sources, "--replay")
    assert done.returncode == 0, done.stderr
    first = len(four_days.snowflake.requests)
    assert built_differently(four_days, DAYS[1], DAYS[1], CORRECTED) == []
    of_calls = [sql for _, sql in four_days.snowflake.requests[first:] if "model.coretelecoms.stg_call_logs" in sql]
    verbs = [sql.split()[0].lower() for sql in of_calls]
    begin = verbs.index("begin")
    assert verbs[begin : begin + 4] == ["begin", "delete", "insert", "commit"]
