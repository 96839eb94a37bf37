"""The loader against the stand-in, landing by landing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jobs.bronze.choice import make_bronze
from jobs.clients.location import S3Location
from jobs.engines.session import Session
from jobs.errors import BalanceError, ConfigurationError, ServiceError
from jobs.ledger.amendment import Decision
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import Manifest, locate_landing
from jobs.pipeline.load import stage_audit_publish
from jobs.pipeline.plan import is_behind
from jobs.pipeline.recount import recount
from tests.amendments import suppress
from tests.clocks import clock, keep_order
from tests.conftest import DAY, DAYS
from tests.landing.test_landing import CALLS, csv_of
from tests.manifests import contract_of
from tests.runner import Runner
from tests.snowflake.conftest import Platform
from tests.snowflake.masks import masks

__all__ = ["clock"]


def load(platform: Platform, manifest: Manifest, *more: str, log: object = None) -> tuple[str, int]:
    note = log if callable(log) else lambda event: None
    bronze = make_bronze(platform.cloud.environment)
    return stage_audit_publish(bronze, contract_of("agent_id", *more), manifest, note)


def test_a_day_is_replaced_and_the_other_days_stay(platform: Platform) -> None:
    for number, day in enumerate(DAYS):
        load(platform, platform.land("R1", 10 + number, day))
    assert load(platform, platform.land("R2", 5, DAY)) == ("R2", 5)
    assert platform.held() == {DAYS[0]: ("R1", 10), DAY: ("R2", 5), DAYS[2]: ("R1", 12), DAYS[3]: ("R1", 13)}
    assert platform.staging() == []


def test_twice_is_as_good_as_once(platform: Platform) -> None:
    manifest = platform.land("R1", 10, DAY)
    assert load(platform, manifest) == load(platform, manifest) == ("R1", 10)


def test_an_older_run_never_replaces_a_newer_one(platform: Platform) -> None:
    older, newer = platform.land("R1", 10, DAY), platform.land("R2", 20, DAY)
    load(platform, newer)
    assert load(platform, older) == ("R2", 20)
    assert platform.held() == {DAY: ("R2", 20)}


def test_a_day_that_became_empty_is_empty_and_remembers_its_run(platform: Platform) -> None:
    load(platform, platform.land("R1", 10, DAY))
    assert load(platform, platform.land("R2", 0, DAY)) == ("R2", 0)
    assert platform.held() == {DAY: ("R2", 0)}


def test_an_amended_landing_is_known_by_its_amendment_and_no_older_one_comes_back(platform: Platform) -> None:
    before, ledger = platform.land("R1", 10, DAY, parts=2), Ledger(platform.lake)
    load(platform, before)
    amended = ledger.amend(before, "asked to be forgotten", suppress(platform.lake, before, 2))
    assert is_behind(amended, make_bronze(platform.cloud.environment).published("agents", DAY)[DAY])
    assert load(platform, amended) == ("R1.amendment-0001", 8)
    assert load(platform, before) == ("R1.amendment-0001", 8)
    assert platform.snowflake.ask(f"select distinct _run_id from {platform.schema}.agents") == [("R1",)]
    withdrawn = ledger.amend(amended, "sent by mistake", Decision(decided="withdrawn", who="ops"))
    assert load(platform, withdrawn) == ("R1.amendment-0002", 0)
    assert load(platform, amended) == ("R1.amendment-0002", 0)
    assert platform.held() == {DAY: ("R1.amendment-0002", 0)}
    assert load(platform, platform.land("R2", 5, DAY)) == ("R2", 5)


def test_a_recount_counts_bronze_and_silver_row_by_row(platform: Platform) -> None:
    contract = {"agents": contract_of("agent_id")}
    first, second = (platform.land("R1", rows, day) for rows, day in ((10, DAY), (7, DAYS[2])))
    load(platform, first)
    load(platform, second)
    text, silver = platform.cloud.file.read_text(), f"{platform.schema}_silver"
    platform.cloud.file.write_text(text.replace(", stage = ", f', silver = "{silver.partition(".")[2]}", stage = '))
    platform.snowflake.ask(f"create schema {silver}")
    platform.snowflake.ask(
        f"create table {silver}.stg_agents as select * from {platform.schema}.agents where agent_id <> '3'"
    )
    platform.snowflake.ask(f"delete from {platform.schema}.agents where agent_id = '6'")
    found = list(recount(platform.cloud.environment, contract, DAYS))
    platform.snowflake.ask(f"drop schema {silver}")
    assert {(one.ingest_date, one.place): one.wrong for one in found if one.place in ("bronze", "silver")} == {
        (day, place): f"{name}: off by 1"
        for day in (DAY, DAYS[2])
        for place, name in (("bronze", "Bronze"), ("silver", "Silver"))
    }
    platform.snowflake.ask(f"drop table {platform.schema}.agents")
    found = list(recount(platform.cloud.environment, contract, (DAY,)))
    assert [one.counted for one in found] == [None, 10, 0, 0, None]


def test_a_source_that_never_loaded_holds_nothing(platform: Platform) -> None:
    assert platform.held() == {}


def test_personal_columns_are_masked_where_the_environment_names_policies(platform: Platform) -> None:
    """Also of a table that was made before."""
    table = f"{platform.cloud.prefix}.agents"
    load(platform, platform.land("R1", 10, DAY, more=("name",)), "name")
    assert masks(statement for _, statement in platform.snowflake.requests).get(table) is None
    text = platform.cloud.file.read_text()
    platform.cloud.file.write_text(text.replace("login_timeout", 'masking_policies = "policies", login_timeout'))
    assert load(platform, platform.land("R2", 5, DAY, more=("name",)), "name") == ("R2", 5)
    assert masks(statement for _, statement in platform.snowflake.requests)[table] == {
        "name": "policies.identity_text",
        "_rescued": "policies.undecided_text",
    }


def test_a_column_that_the_source_contract_gained_is_null_in_older_days(platform: Platform) -> None:
    load(platform, platform.land("R1", 10, DAYS[0]))
    load(platform, platform.land("R2", 5, DAYS[1], more=("team",)), "team")
    load(platform, platform.land("R3", 7, DAYS[2]))  # and gone again: the column stays, null
    query = f"select ingest_date, count(*), count(team) from {platform.schema}.agents group by 1 order by 1"
    assert platform.snowflake.ask(query) == [(DAYS[0], 10, 0), (DAYS[1], 5, 0), (DAYS[2], 7, 0)]


def part(platform: Platform, run_id: str, name: str) -> S3Location:
    folder = locate_landing(platform.lake, "agents", DAY, run_id)
    assert isinstance(folder, S3Location)
    return folder / f"landed/{name}"


def test_a_file_that_is_not_in_the_manifest_is_refused(platform: Platform) -> None:
    load(platform, platform.land("R1", 10, DAY))
    manifest = platform.land("R2", 20, DAY)
    platform.put(part(platform, "R2", "part-1.parquet"), b"PAR1")
    with pytest.raises(BalanceError, match=r"not in the manifest \['landed/part-1.parquet'\]; nothing was published"):
        load(platform, manifest)
    assert platform.held() == {DAY: ("R1", 10)}


def test_a_file_that_vanished_is_refused(platform: Platform) -> None:
    load(platform, platform.land("R1", 10, DAY))
    manifest = platform.land("R2", 20, DAY)
    more = manifest.files[0].model_copy(update={"path": "landed/part-7.parquet"})
    manifest = manifest.model_copy(update={"files": (*manifest.files, more)})
    with pytest.raises(BalanceError, match=r"vanished \['landed/part-7.parquet'\], not in the manifest \[\]"):
        load(platform, manifest)
    assert platform.held() == {DAY: ("R1", 10)}


@pytest.mark.parametrize(("more", "columns"), [((), ("team",)), (("team",), ())])
def test_a_file_with_another_schema_is_refused(
    platform: Platform, more: tuple[str, ...], columns: tuple[str, ...]
) -> None:
    load(platform, platform.land("R1", 10, DAY))
    with pytest.raises(BalanceError, match=r"20 rows of \[.*by manifest and source contract 20 of \["):
        load(platform, platform.land("R2", 20, DAY, more), *columns)
    assert platform.held() == {DAY: ("R1", 10)}


def test_a_staging_table_that_lost_a_row_is_not_published(platform: Platform) -> None:
    load(platform, platform.land("R1", 10, DAY))

    def take_a_row(event: str) -> None:
        if event == "staged":
            (table,) = platform.staging()
            platform.snowflake.ask(f"delete from {platform.schema}.{table} where agent_id = '3'")

    manifest = platform.land("R2", 20, DAY)
    with pytest.raises(BalanceError, match="19 rows staged, 0 of them of other runs; the manifest says 20; nothing"):
        load(platform, manifest, log=take_a_row)
    assert platform.held() == {DAY: ("R1", 10)}
    assert load(platform, manifest) == ("R2", 20)


@pytest.mark.parametrize("before", [None, "R0"])
def test_two_loads_of_a_day_at_once_end_with_the_newer_one_whole(platform: Platform, before: str | None) -> None:
    """Held together where both have staged and none has published."""
    if before:
        load(platform, platform.land(before, 3, DAY))
    together = threading.Barrier(2)

    def meet(event: str) -> None:
        if event == "staged":
            together.wait(60)

    manifests = [platform.land("R1", 10, DAY), platform.land("R2", 20, DAY)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda manifest: load(platform, manifest, log=meet), manifests))
    assert platform.held() == {DAY: ("R2", 20)}
    query = f"select distinct _run_id from {platform.schema}.agents"
    assert platform.snowflake.ask(query) == [("R2",)]
    assert platform.staging() == []


def test_the_guard_is_touched_first_and_no_ddl_stands_in_the_transaction(platform: Platform) -> None:
    """DuckDB's conflicts are not Snowflake's locks: what counts is the order in which statements were sent."""
    first = len(platform.snowflake.requests)
    load(platform, platform.land("R1", 10, DAY))
    statements = [" ".join(sql.lower().split()) for _, sql in platform.snowflake.requests[first:]]
    inside = statements[statements.index("begin") : statements.index("commit") + 1]
    verbs = [statement.split()[0] for statement in inside]
    assert verbs == ["begin", "update", "with", "delete", "insert", "delete", "insert", "commit"]
    assert "_publish set run_id = 'r1' where source = 'agents' and ingest_date is null" in inside[1]
    (copy,) = (statement for statement in statements if statement.startswith("copy into"))
    assert "files = ('landed/part-0.parquet')" in copy
    assert "on_error = abort_statement" in copy


def test_what_a_killed_load_left_in_staging_goes_after_a_day(platform: Platform) -> None:
    table = f"{platform.schema}._staging_agents_"
    load(platform, platform.land("R1", 10, DAY))
    platform.snowflake.ask(f"create table {table}20260101T000000000000Z_aaaa_20251120 (agent_id varchar)")
    platform.snowflake.ask(f"create table {table}20990101T000000000000Z_aaaa_20251120 (agent_id varchar)")
    load(platform, platform.land("R2", 10, DAY))
    assert platform.staging() == ["_STAGING_AGENTS_20990101T000000000000Z_AAAA_20251120"]


def test_days_that_landed_long_ago_load_side_by_side(platform: Platform) -> None:
    """What is in staging is as old as its load, not as its landing."""
    first, second = (platform.land("20250101T000000000000Z-aaaa", 10, day) for day in DAYS[:2])

    def load_the_second(event: str) -> None:
        if event == "staged":
            load(platform, second)

    assert load(platform, first, log=load_the_second) == (first.run_id, 10)
    assert platform.held() == dict.fromkeys(DAYS[:2], (first.run_id, 10))


def test_a_stage_that_is_not_there_says_what_must_exist(platform: Platform) -> None:
    platform.cloud.file.write_text(platform.cloud.file.read_text().replace('.lake"', '.nowhere"'))
    with pytest.raises(ConfigurationError, match=f"stage {platform.schema}.nowhere must exist and role loa"):
        load(platform, platform.land("R1", 10, DAY))


def test_a_key_that_is_none_is_said_without_showing_it(platform: Platform) -> None:
    Path(platform.cloud.root, "key.pem").write_text("canary-of-a-key")
    with pytest.raises(ConfigurationError, match=r"no private RSA key in PEM") as error:
        platform.held()
    assert "canary" not in str(error.value)


def test_the_newest_delivery_ends_in_bronze_whatever_clocks_say(platform: Platform, clock: Any) -> None:
    run, key = Runner(platform.cloud, Session("tests", {})), f"call logs/call_logs_day_{DAY}.csv"
    newest = keep_order(run, lambda rows: platform.cloud.deliver(key, csv_of(CALLS, rows)), clock)
    assert platform.held("call_logs") == {DAY: (newest, 22)}
    assert platform.snowflake.ask(f"select distinct _run_id from {platform.schema}.call_logs") == [(newest,)]


def test_a_server_that_is_down_is_a_service_error(platform: Platform) -> None:
    text = platform.cloud.file.read_text()
    port = str(platform.snowflake.port)
    platform.cloud.file.write_text(text.replace(f"port = {port}", "port = 9").replace("timeout = 20", "timeout = 1"))
    with pytest.raises(ServiceError, match="Snowflake fakesnow: "):
        platform.held()


def test_days_of_one_source_at_once_all_arrive(platform: Platform) -> None:
    manifests = [platform.land("R1", 10 + number, date(2025, 1, 1 + number)) for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda manifest: load(platform, manifest), manifests))
    assert platform.held() == {manifest.ingest_date: ("R1", manifest.rows_landed) for manifest in manifests}
