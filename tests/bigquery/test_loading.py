"""Stage, audit, publish, on one Spark session; what BigQuery was asked for is on record."""

import json
import re
from datetime import date
from typing import Any
from urllib.parse import parse_qs

import pytest
from google.auth import jwt

from demo.web import Reply, Request
from jobs.bronze.bigquery import client
from jobs.bronze.bronze import GoldIsMissingError
from jobs.bronze.choice import make_bronze
from jobs.config.environment import ROOT
from jobs.contracts.source import load_contracts
from jobs.engines.session import Session
from jobs.ledger.amendment import Decision
from jobs.ledger.ledger import Ledger
from jobs.pipeline import status
from jobs.pipeline.load import load
from jobs.pipeline.recount import recount
from pages import gold
from tests.amendments import suppress
from tests.bigquery.conftest import TAGGED, TAGS, Cloud, write
from tests.bigquery.stand_in import DATASETS, LOCATION, PROJECT, StandIn, sql
from tests.clocks import clock, keep_order
from tests.conftest import DAY, DAYS
from tests.runner import Runner

__all__ = ["clock"]
BRONZE = DATASETS["bronze"]
FIRST, SECOND = DAYS[:2]
LABEL = re.compile("[a-z0-9_-]{1,63}")  # what BigQuery takes, but for letters of other alphabets


def test_a_day_is_staged_counted_and_published(cloud: Cloud) -> None:
    cloud.calls(1000)
    (outcome,) = cloud.run()
    assert (outcome.state, outcome.rows_bronze) == ("loaded", 1000), outcome.error
    assert cloud.bronze() == [(FIRST, outcome.run_id, 1000)]
    assert cloud.tables() == {"call_logs", "_publish_call_logs"}


def test_what_bigquery_was_asked_for(cloud: Cloud) -> None:
    """The order of the statements, the guard, and what the emulator does not keep: expiry, labels, limits."""
    cloud.calls(10)
    (outcome,) = cloud.run()
    made = {body["tableReference"]["tableId"]: body for body in _bodies(cloud.stand_in, "/tables")}
    (staging,) = (body for name, body in made.items() if name.startswith("_stage_call_logs_20251120_"))
    assert int(staging["expirationTime"]) > 0
    table = made["call_logs"]
    assert table["timePartitioning"] == {"field": "ingest_date", "type": "DAY"}
    assert (table["clustering"], table["requirePartitionFilter"]) == ({"fields": ["call_id"]}, True)
    assert table["labels"] == {"application": "coretelecoms", "source": "call_logs"}
    described = {field["name"]: field["description"] for field in table["schema"]["fields"]}
    assert (described["customer_id"], table["description"][:5]) == ("Delivered as 'customeR iD'.", "Calls")
    (script,) = (text for text in cloud.stand_in.sent() if "TRANSACTION" in text)
    words = ["INSERT INTO", "BEGIN TRANSACTION", "UPDATE", "SET is_newest", "DELETE FROM", "INSERT INTO", "COMMIT"]
    assert _in_order(script, words)
    assert f"UPDATE `{PROJECT}`.`{BRONZE}`.`_publish_call_logs` SET run_id" in script
    assert f"'{outcome.run_id}'" in script
    sent = cloud.stand_in.sent()
    counted = next(at for at, text in enumerate(sent) if "_stage_" in text and "COUNT(*)" in text)
    assert counted < sent.index(script)
    jobs = [body for body in _bodies(cloud.stand_in, "/jobs") if "query" in body["configuration"]]
    assert {body["configuration"]["query"]["maximumBytesBilled"] for body in jobs} == {str(300 * 2**30)}
    assert {body["jobReference"]["location"] for body in jobs} == {LOCATION}
    labels = [body["configuration"]["labels"] for body in jobs]
    of_load = {"step": "load", "source": "call_logs", "day": str(FIRST), "run": outcome.run_id.lower()}
    assert {"application": "coretelecoms", **of_load} in labels
    assert {(of["source"], of["day"]) for of in labels} == {("call_logs", str(FIRST))}
    assert [of for of in labels if not all(LABEL.fullmatch(text) for text in of.values())] == []
    reads = [text for text in sent if f"FROM `{PROJECT}`.`{BRONZE}`.`call_logs`" in text]
    assert reads
    assert all("WHERE ingest_date = DATE" in text for text in reads)


def test_personal_columns_get_their_policy_tags_where_the_environment_names_them(cloud: Cloud) -> None:
    """Also of a table that was made before; a load after that changes nothing. Staging has none: nobody reads it."""
    cloud.calls(10)
    cloud.run()
    assert [asked for asked in cloud.stand_in.asked if b"policyTags" in asked.body] == []

    write(cloud, policy_tags=TAGGED)
    for _ in range(2):
        (outcome,) = cloud.run(replay=True)
        assert outcome.state == "loaded", outcome.error
    schema = cloud.stand_in.through_the_front().get_table(f"{BRONZE}.call_logs").schema
    tagged = {field.name: field.policy_tags.names for field in schema if field.policy_tags}
    assert tagged == {"_rescued": (TAGS["undecided"],)}
    assert [field.description for field in schema if field.name == "customer_id"] == ["Delivered as 'customeR iD'."]
    asked = [asked for asked in cloud.stand_in.asked if b"policyTags" in asked.body]
    assert [one.method for one in asked if b"_stage_" not in one.body] == ["POST", "PATCH", "POST"]
    assert [one for one in asked if b"_stage_" in one.body] == []


def test_a_load_stages_in_the_dataset_that_the_environment_names_for_it(cloud: Cloud) -> None:
    write(cloud, staging=DATASETS["staging"])
    cloud.calls(10)
    (outcome,) = cloud.run()
    assert cloud.bronze() == [(FIRST, outcome.run_id, 10)]
    made = [body["tableReference"] for body in _bodies(cloud.stand_in, "/tables")]
    assert {one["datasetId"] for one in made if one["tableId"].startswith("_stage_")} == {DATASETS["staging"]}
    assert {one["datasetId"] for one in made if not one["tableId"].startswith("_stage_")} == {BRONZE}
    assert list(cloud.stand_in.client.list_tables(DATASETS["staging"])) == []
    write(cloud, staging="coretelecoms_elsewhere")
    cloud.calls(11)
    (outcome,) = cloud.run()
    assert "coretelecoms_elsewhere: not there; make it in EU" in (outcome.error or "")


def test_a_replay_replaces_exactly_its_day(cloud: Cloud) -> None:
    cloud.calls(30, FIRST)
    cloud.calls(40, SECOND)
    first, second = cloud.run(FIRST, SECOND)
    (again,) = cloud.run(FIRST, replay=True)
    assert first.run_id == second.run_id != again.run_id
    assert cloud.bronze() == [(FIRST, again.run_id, 30), (SECOND, second.run_id, 40)]


def test_loading_twice_is_as_good_as_once(cloud: Cloud) -> None:
    cloud.calls(30)
    (first,) = cloud.run()
    transactions = len([text for text in cloud.stand_in.sent() if "TRANSACTION" in text])
    assert cloud.run(step="load")[0].rows_bronze == 30
    assert len([text for text in cloud.stand_in.sent() if "TRANSACTION" in text]) == transactions
    assert cloud.run(step="load", replay=True)[0].rows_bronze == 30
    assert cloud.bronze() == [(FIRST, first.run_id, 30)]


def test_a_corrected_day_that_became_empty_is_empty_in_bronze_and_known(cloud: Cloud) -> None:
    cloud.calls(30)
    cloud.run()
    cloud.calls(0)
    (outcome,) = cloud.run()
    assert (outcome.state, outcome.corrected, outcome.rows_bronze) == ("loaded", True, 0), outcome.error
    assert cloud.bronze() == []
    transactions = len([text for text in cloud.stand_in.sent() if "TRANSACTION" in text])
    assert cloud.run()[0].state == "loaded"
    assert len([text for text in cloud.stand_in.sent() if "TRANSACTION" in text]) == transactions


def test_an_amended_landing_is_known_by_its_amendment_and_no_older_one_comes_back(
    cloud: Cloud, session: Session
) -> None:
    cloud.calls(30)
    (first,) = cloud.run()
    environment, lake = cloud.world.environment, cloud.world.lake
    contract, ledger = load_contracts(environment)["call_logs"], Ledger(lake)
    before = ledger.read_manifests("call_logs")[0]
    amended = ledger.amend(before, "asked to be forgotten", suppress(lake, before, 2))
    (loaded,) = cloud.run(step="load")
    assert (loaded.state, loaded.attempt, loaded.rows_bronze, loaded.amendment) == (
        *("loaded", "loaded"),
        *(28, "amendment-0001"),
    ), loaded.error
    assert cloud.bronze() == [(FIRST, first.run_id, 28)]
    assert load(make_bronze(environment, session), contract, before) == (amended.version, 28)
    ledger.amend(amended, "sent by mistake", Decision(decided="withdrawn", who="ops"))
    (gone,) = cloud.run()
    assert (gone.state, gone.rows_bronze, gone.exit_code) == ("withdrawn", 0, 0), gone.error
    assert cloud.run()[0].attempt == "unchanged"
    assert cloud.bronze() == []
    (told,) = status.read_outcomes(environment, {"call_logs": contract}, (), check=False)
    assert (told.state, told.rows_bronze) == ("withdrawn", 0)


def test_a_recount_counts_bronze_and_silver_row_by_row(cloud: Cloud) -> None:
    for day in (FIRST, SECOND):
        cloud.calls(30, day)
    cloud.run(FIRST, SECOND)
    contracts = load_contracts(cloud.world.environment, ("call_logs",))

    def counted() -> dict[tuple[date, str], tuple[int | None, str]]:
        found = recount(cloud.world.environment, contracts, (FIRST, SECOND))
        return {(one.ingest_date, one.place): (one.counted, one.wrong) for one in found}

    assert {one for (_, place), one in counted().items() if place != "silver"} == {(30, ""), (0, "")}
    assert counted()[FIRST, "silver"] == (None, "")
    silver = f"{DATASETS['silver']}.stg_call_logs"
    cloud.stand_in.rows(f"CREATE TABLE {silver} AS SELECT * FROM {BRONZE}.call_logs WHERE ingest_date = '{SECOND}'")
    cloud.stand_in.rows(f"DELETE FROM {BRONZE}.call_logs WHERE ingest_date = '{FIRST}' AND call_id = 'c3'")
    found = counted()
    assert (found[FIRST, "bronze"], found[FIRST, "silver"]) == ((29, "Bronze: off by 1"), (0, "Silver: off by 30"))
    assert (found[SECOND, "bronze"], found[SECOND, "silver"]) == ((30, ""), (30, ""))


def test_an_older_run_never_replaces_a_newer_one(cloud: Cloud, session: Session) -> None:
    cloud.calls(30)
    cloud.run(step="ingest")
    cloud.calls(40)
    (newer,) = cloud.run()
    oldest = Ledger(cloud.world.lake).read_manifests("call_logs", FIRST)[0]
    environment = cloud.world.environment
    held = load(make_bronze(environment, session), load_contracts(environment)["call_logs"], oldest)
    assert held == (newer.run_id, 40)
    assert cloud.bronze() == [(FIRST, newer.run_id, 40)]
    assert cloud.tables() == {"call_logs", "_publish_call_logs"}


def test_a_row_that_is_missing_from_staging_publishes_nothing(cloud: Cloud) -> None:
    cloud.calls(30)
    (first,) = cloud.run()
    cloud.calls(31)

    def remove(asked: Request) -> None:
        if "COUNT(*)" in sql(asked) and "_stage_" in sql(asked):
            (staging,) = (table for table in cloud.tables() if table.startswith("_stage_"))
            cloud.stand_in.rows(f"DELETE FROM {BRONZE}.{staging} WHERE call_id = 'c7'")

    with cloud.stand_in.broken(remove):
        (outcome,) = cloud.run()
    assert (outcome.state, outcome.attempt, outcome.error_kind) == ("landed", "failed", "BalanceError")
    assert "30 rows staged, the manifest says 31; nothing was published" in (outcome.error or "")
    assert cloud.bronze() == [(FIRST, first.run_id, 30)]
    assert cloud.tables() == {"call_logs", "_publish_call_logs"}
    (mended,) = cloud.run()
    assert cloud.bronze() == [(FIRST, mended.run_id, 31)]


def test_an_aborted_transaction_is_tried_again(cloud: Cloud) -> None:
    cloud.calls(30)
    left = [1, 2, 3]

    def abort(asked: Request) -> Reply | None:
        return cloud.stand_in.abortion(asked) if "BEGIN TRANSACTION" in sql(asked) and left and left.pop() else None

    with cloud.stand_in.broken(abort):
        (outcome,) = cloud.run()
    assert (outcome.state, left) == ("loaded", []), outcome.error
    assert cloud.bronze() == [(FIRST, outcome.run_id, 30)]


def test_status_counts_in_the_warehouse(cloud: Cloud) -> None:
    cloud.calls(30)
    cloud.run()
    environment = cloud.world.environment
    contracts = load_contracts(environment, ("call_logs",))
    assert [row.rows_bronze for row in status.read_outcomes(environment, contracts, (), check=False)] == [30]
    cloud.stand_in.rows(f"DELETE FROM {BRONZE}.call_logs WHERE call_id = 'c7'")
    assert [row.rows_bronze for row in status.read_outcomes(environment, contracts, (), check=False)] == [29]


def test_a_day_that_mixes_runs_is_an_error_until_a_replay(cloud: Cloud) -> None:
    cloud.calls(30)
    cloud.run()
    cloud.stand_in.rows(f"UPDATE {BRONZE}.call_logs SET _run_id = 'somebody' WHERE call_id = 'c7'")
    (outcome,) = cloud.run()
    assert (outcome.error_kind, "Bronze holds" in (outcome.error or "")) == ("BalanceError", True)
    (mended,) = cloud.run(replay=True)
    assert (mended.state, mended.rows_bronze) == ("loaded", 30)


def test_the_newest_delivery_ends_in_bronze_whatever_clocks_say(cloud: Cloud, session: Session, clock: Any) -> None:
    newest = keep_order(Runner(cloud.world, session), lambda rows: cloud.calls(rows, DAY), clock)
    assert cloud.bronze() == [(DAY, newest, 22)]


def test_a_column_that_the_contract_gained_is_added_and_one_it_lost_stays(cloud: Cloud) -> None:
    cloud.calls(30, FIRST)
    cloud.run(FIRST)
    _contract(cloud, '"agent ID" = "agent_id"\n', '"agent ID" = "agent_id"\n"note" = "note"\n', optional='["note"]')
    cloud.calls(30, SECOND)
    assert cloud.run(SECOND)[0].rows_bronze == 30
    _contract(cloud, '"resolutionstatus" = "resolution_status"\n', "")
    cloud.calls(31, SECOND)
    (outcome,) = cloud.run(SECOND)
    assert (outcome.rows_bronze, outcome.drift["unknown_columns"]) == (31, ["resolutionstatus"]), outcome.error
    found = cloud.stand_in.rows(  # not asked of the table's schema: the emulator's does not tell of a column added
        f"""SELECT ingest_date, COUNT(note), COUNT(resolution_status), COUNT(_rescued)
        FROM {BRONZE}.call_logs GROUP BY 1 ORDER BY 1"""
    )
    assert found == [(FIRST, 0, 30, 0), (SECOND, 0, 0, 31)]


def test_a_landing_from_before_a_contract_changed_is_loaded_as_it_landed(cloud: Cloud) -> None:
    cloud.calls(30)
    cloud.run(step="ingest")
    _contract(cloud, '"resolutionstatus" = "resolution_status"\n', '"note" = "note"\n', optional='["note"]')
    assert cloud.run(step="load")[0].rows_bronze == 30
    assert cloud.stand_in.rows(f"SELECT COUNT(resolution_status), COUNT(note) FROM {BRONZE}.call_logs") == [(30, 0)]


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ("CREATE TABLE {} (call_id INT64, ingest_date DATE) PARTITION BY ingest_date", "call_id is INTEGER"),
        ("CREATE TABLE {} (call_id STRING, ingest_date DATE)", "partitioned by None"),
    ],
)
def test_a_table_that_cannot_hold_bronze_is_refused(made: str, why: str, cloud: Cloud) -> None:
    cloud.stand_in.rows(made.format(f"{BRONZE}.call_logs"))
    cloud.calls(30)
    (outcome,) = cloud.run()
    assert (outcome.exit_code, outcome.retry_helps) == (78, False)
    assert why in (outcome.error or "")
    assert cloud.tables() == {"call_logs", "_publish_call_logs"}


def test_the_dataset_has_to_be_there_and_in_the_right_place(cloud: Cloud) -> None:
    cloud.calls(30)
    write(cloud, location="US")
    (elsewhere,) = cloud.run()
    assert f"{BRONZE}: is in {LOCATION}, warehouse.location says US" in (elsewhere.error or "")
    write(cloud, bronze="nowhere")
    (missing,) = cloud.run()
    assert "coretelecoms-test.nowhere: not there" in (missing.error or "")
    assert (elsewhere.exit_code, missing.exit_code) == (78, 78)


def test_a_token_that_bigquery_refuses_is_a_configuration_error(cloud: Cloud) -> None:
    cloud.calls(30)
    denied = {"error": {"code": 403, "message": "Access Denied: bigquery.tables.create", "errors": []}}
    with cloud.stand_in.broken(lambda _: Reply(403, json.dumps(denied).encode())):
        (outcome,) = cloud.run()
    assert (outcome.exit_code, outcome.retry_helps) == (78, False), outcome.error


def test_bigquery_down_is_a_service_error_that_a_retry_mends(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PATIENCE", 0.5)
    cloud.calls(30)
    down = Reply(
        503, json.dumps({"error": {"code": 503, "message": "x", "errors": [{"reason": "backendError"}]}}).encode()
    )
    with cloud.stand_in.broken(lambda _: down):
        (outcome,) = cloud.run()
    assert (outcome.exit_code, outcome.retry_helps) == (69, True), outcome.error
    assert cloud.run()[0].rows_bronze == 30


def test_all_days_of_all_sources_go_through_one_application(cloud: Cloud) -> None:
    for day in DAYS:
        cloud.calls(20, day)
    outcomes = cloud.run(*DAYS)
    assert [outcome.rows_bronze for outcome in outcomes] == [20] * 4
    assert cloud.stand_in.aborted == []  # its threads take turns


def test_javas_own_requests_find_no_other_host(session: Session) -> None:
    resolver = session()._jvm.java.net.InetAddress
    assert resolver.getByName("localhost").isLoopbackAddress()
    with pytest.raises(Exception, match=r"UnknownHostException: Unable to resolve host www\.googleapis\.com"):
        resolver.getByName("www.googleapis.com")


def _contract(cloud: Cloud, old: str, new: str, optional: str = "") -> None:
    """A source contract of this test's own."""
    folder = cloud.world.root / "contracts"
    folder.mkdir(exist_ok=True)
    own = folder / "call_logs.toml"
    text = (own if own.exists() else ROOT / "conf/sources/call_logs.toml").read_text()
    assert old in text
    text = text.replace(old, new)
    own.write_text(text.replace("[delivery]", f"optional = {optional}\n\n[delivery]", 1) if optional else text)
    if "contracts =" not in (given := cloud.world.file.read_text()):
        cloud.world.file.write_text(f'contracts = "{folder}"\n{given}')


def _bodies(stand_in: StandIn, path: str) -> list[dict[str, dict[str, dict[str, str]]]]:
    """Of what was posted there."""
    return [json.loads(asked.body) for asked in stand_in.asked if asked.method == "POST" and asked.path.endswith(path)]


def _in_order(text: str, words: list[str]) -> bool:
    at = -1
    for word in words:
        at = text.find(word, at + 1)
        if at < 0:
            return False
    return True


def test_what_has_not_arrived_is_an_empty_table_for_dbt(cloud: Cloud) -> None:
    environment = cloud.world.environment
    variables = make_bronze(environment).dbt_variables(load_contracts(environment).values())
    assert (variables["CORETELECOMS_TARGET"], variables["CORETELECOMS_PROJECT"]) == ("bigquery", PROJECT)
    assert {table for table in cloud.tables() if table[0] != "_"} == set(load_contracts(environment))
    assert cloud.stand_in.rows(f"SELECT COUNT(*) FROM {BRONZE}.web_forms") == [(0,)]


def test_the_pages_say_that_gold_is_not_built(cloud: Cloud) -> None:
    with pytest.raises(GoldIsMissingError, match=r"build it: ./dbt.sh build \("):
        gold.read(cloud.world.environment)


def test_what_does_not_load_comes_as_an_account_of_its_own_where_one_is_named(cloud: Cloud) -> None:
    """The two are told apart by their keys' ids. The loading one makes the table that is not there yet."""
    key = json.loads((cloud.stand_in.folder / "key.json").read_text())
    (cloud.world.root / "dbt.json").write_text(json.dumps(key | {"private_key_id": "of-dbt"}))
    write(cloud, dbt_secret="bigquery_dbt")
    named = f'[secrets]\nbigquery_dbt = "file:{cloud.world.root}/dbt.json"\n'
    cloud.world.file.write_text(cloud.world.file.read_text().replace("[secrets]\n", named))
    environment = cloud.world.environment
    contracts = load_contracts(environment)
    make_bronze(environment).dbt_variables(contracts.values())
    assert _keys(cloud.stand_in) == {"of-dbt", key["private_key_id"]}
    cloud.stand_in.asked.clear()
    make_bronze(environment).dbt_variables(contracts.values())
    status.read_outcomes(environment, contracts, (), check=False)
    assert _keys(cloud.stand_in) == {"of-dbt"}
    assert _bodies(cloud.stand_in, "/tables") == []
    cloud.calls(5)
    cloud.stand_in.asked.clear()
    assert cloud.run()[0].rows_bronze == 5
    assert _keys(cloud.stand_in) == {key["private_key_id"]}


def _keys(stand_in: StandIn) -> set[str]:
    """Ids of those that tokens were asked for with."""
    forms = [parse_qs(asked.body.decode()) for asked in stand_in.asked if asked.path == "/token"]
    return {jwt.decode_header(form["assertion"][0])["kid"] for form in forms}
