"""What tells of persons is named once, in the source contracts; whatever else says so agrees with them."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from jobs.__main__ import main
from jobs.clients.location import ROOT
from jobs.config.environment import load_environment
from jobs.contracts.silver import NOBODY, find_unsaid, list_passed_on, read_said
from jobs.contracts.source import UNDECIDED, Personal, load_contracts
from tests.conftest import World, make_world

SILVER = ROOT / "dbt/models/silver"
CONTRACTS = load_contracts(load_environment("local"))


def model_in(path: Path) -> Any:
    content = yaml.safe_load(path.read_text())
    (model,) = content.get("models") or content["snapshots"]
    return model


def said_in(path: Path) -> dict[str, str]:
    """As dbt reads it."""
    model = model_in(path)
    said = {column["name"]: column.get("config", {}).get("meta", {}).get("personal") for column in model["columns"]}
    return {column: kind for column, kind in said.items() if kind}


@pytest.mark.parametrize("source", CONTRACTS)
def test_silver_and_the_source_contracts_agree_on_what_is_personal(source: str) -> None:
    """Both ways: whatever comes of a personal column says so, by one of its kinds, and nothing else does."""
    passed_on = list_passed_on(CONTRACTS[source], (SILVER / f"stg_{source}.sql").read_text())
    said = said_in(SILVER / f"stg_{source}.yml")
    assert said.keys() == passed_on.keys()
    assert [column for column, kind in said.items() if kind not in passed_on[column] | {NOBODY}] == []
    assert {*CONTRACTS[source].personal_columns.values()} <= {*said.values()}, (
        "a kind is in no column: lost, or renamed"
    )


def test_models_behind_say_what_the_first_says() -> None:
    first: dict[str, str] = {}
    for source in ("customers", "agents"):
        first |= said_in(SILVER / f"stg_{source}.yml")
    behind = [path for path in SILVER.glob("int_*.yml") if "customers" in path.name or "agent" in path.name]
    behind += [*(ROOT / "dbt/models/gold/private").glob("*.yml"), *(ROOT / "dbt/snapshots").glob("*.yml")]
    assert len(behind) == 6
    for path in behind:
        model = model_in(path)
        there = {column["name"] for column in model["columns"]}
        assert said_in(path) == {column: kind for column, kind in first.items() if column in there}, path.name


def test_what_is_said_is_read_as_dbt_reads_it() -> None:
    paths = [path for path in SILVER.glob("*.yml") if path.name != "sources.yml"]
    assert len(paths) > 10
    for path in paths:
        assert read_said(path.read_text()) == said_in(path)


def test_terraform_knows_the_personal_columns_and_has_a_policy_a_kind() -> None:
    of_contracts = {name: contract.personal_columns for name, contract in CONTRACTS.items()}
    assert json.loads((ROOT / "terraform/gcp/personal.json").read_text()) == of_contracts, "make personal-columns"
    for name in ("gcp/tags.tf", "snowflake/masking.tf"):
        (kinds,) = re.findall(r"\n  kinds = [{[](.*?)[}\]]\n", (ROOT / "terraform" / name).read_text(), re.DOTALL)
        named = re.findall(r"^ +(\w+) +=", kinds, re.MULTILINE) or re.findall(r'"(\w+)"', kinds)
        assert {*named} == {*get_args(Personal), UNDECIDED}, name


@pytest.mark.parametrize(
    ("sql", "passed_on"),
    [
        ("select email from x", ["email"]),
        ("select customer_id, x.email as mail, 1 as one from x", ["mail"]),
        ("with a as (select lower(email) as l from x), b as (select l || '!' as m from a) select m as n from b", ["n"]),
        ("with a as (select *, 1 as one from x) select {{ mended('email') }} as y, one from a", ["y"]),
        ("with a as (select customer_id as i from x where email is null) select i from a -- email", []),
        ("select customer_id, cast(extract(year from date_of_birth) as int64) as born from x", ["born"]),
        ("select customer_id as a from x union all select name as b from x", ["b"]),
        ("select a.customer_id, (select max(email) from y) as most from x as a", ["most"]),
        ("with a as (select email as e from x) select * from a", ["address", "e", "email", "name"]),
    ],
)
def test_a_column_comes_of_those_whose_names_stand_in_it(sql: str, passed_on: list[str]) -> None:
    found = list_passed_on(CONTRACTS["customers"], sql)
    others = {"gender", "date_of_birth", "signup_date", "_rescued"} if "*" in sql.rpartition("select")[2] else set()
    assert sorted(found.keys() - others) == passed_on


def test_check_refuses_a_model_that_passes_on_a_personal_column_without_saying_so(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = world.root / "contracts"
    folder.mkdir()
    for path in (ROOT / "conf/sources").glob("*.toml"):
        more = '\n[personal]\ncomplaint_category = "free_text"\n' if path.stem == "call_logs" else ""
        (folder / path.name).write_text(path.read_text() + more)
    world.file.write_text(f'contracts = "{folder}"\n{world.file.read_text()}')

    assert main(["check", "--env", str(world.file)]) == 78

    said = capsys.readouterr().err
    assert "dbt/models/silver/stg_call_logs.yml: column complaint_category: personal: found nothing, allowed " in said
    assert "column complaint_category_as_delivered" in said
    assert "column agent_id" not in said
    assert main(["check", "--env", str(world.file), "--source", "customers"]) == 0


def test_where_columns_get_policy_tags_each_kind_needs_one(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    tag = "projects/p/locations/eu/taxonomies/1/policyTags/2"
    kinds = dict.fromkeys([*get_args(Personal), UNDECIDED], tag)
    make_world(world.root, warehouse=_bigquery(kinds))
    assert main(["check", "--env", str(world.file)]) == 0
    make_world(world.root, warehouse=_bigquery({kind: tag for kind in kinds if kind != "birth"}))
    assert main(["check", "--env", str(world.file)]) == 78
    said = capsys.readouterr().err
    assert "warehouse.policy_tags: found nothing for ['birth'], but customers has such columns" in said
    assert "agents" not in said
    make_world(world.root, warehouse=_bigquery({"birth": "eu/birth"}))
    assert main(["check", "--env", str(world.file)]) == 78


def _bigquery(tags: dict[str, str]) -> str:
    named = ", ".join(f'{kind} = "{tag}"' for kind, tag in tags.items())
    settings = 'kind = "bigquery", project = "core-telecoms", location = "EU", secret = "database"'
    return f"{{ {settings}, policy_tags = {{ {named} }} }}"


def test_what_is_said_must_be_a_kind_that_it_comes_of(tmp_path: Path) -> None:
    for name in ("stg_agents.sql", "stg_agents.yml"):
        (tmp_path / name).write_text((SILVER / name).read_text().replace("personal: identity", "personal: contact"))
    unsaid = find_unsaid(CONTRACTS["agents"], tmp_path)
    assert len(unsaid) == 2
    assert "stg_agents.yml: column agent_name: personal: found contact, allowed ['identity'], or 'none'" in unsaid[1]


def test_a_source_without_a_model_or_an_image_without_dbt_has_nothing_to_say(tmp_path: Path) -> None:
    assert find_unsaid(CONTRACTS["customers"], tmp_path) == []
