from collections.abc import Iterator
from contextlib import contextmanager

import google.oauth2.credentials
import pytest
from google.cloud import bigquery

from demo.web import Reply, Request, json_reply
from tests.bigquery import verify, verify_reader
from tests.bigquery.conftest import Cloud
from tests.bigquery.stand_in import DATASETS, LOCATION, PROJECT, StandIn
from tests.readers import verify as verify_readers

# The emulator keeps no expiry and does not count bytes; its front aborts a transaction only around Bronze's own.
ONLY_BIGQUERY = {
    "one_of_two_transactions_is_aborted",
    "a_day_costs_a_day",
    "a_tables_expiry_is_kept",
}


def test_make_verify_bigquery_tells_the_stand_in_from_bigquery(
    stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in.reset()
    given = ["--project", PROJECT, "--location", LOCATION, "--key", f"{stand_in.folder}/key.json"]
    given += ["--endpoint", stand_in.address, "--storage-endpoint", stand_in.storage]
    assert verify.main(given) == 1
    printed = capsys.readouterr().out.splitlines()
    said = dict(line.split("  ", 1)[::-1] for line in printed if line[:2] in ("ok", "FA"))
    found = {name.strip().replace(" ", "_"): word.strip() for name, word in said.items()}
    assert {name for name, word in found.items() if word == "FAILED"} == ONLY_BIGQUERY
    assert len(found) == len(verify.CHECKS)
    assert not [dataset for dataset in stand_in.client.list_datasets() if "verify" in dataset.dataset_id]
    # What it asks of BigQuery itself has been through the analyzer too.
    assert len(stand_in.sent()) == len(stand_in.analyst.said) > 50
    assert {verdict.kind for verdict in stand_in.analyst.verdicts()} >= {"update", "begin", "create_table_as_select"}
    assert ["Cannot query over table" in one.refused for one in stand_in.analyst.refused()] == [True]
    # The emulator lists no jobs with their labels: only how they would be told apart is seen here.
    assert [line.split()[1] for line in printed if line.startswith("cost ")] == ["load:", "models:", "tests:"]
    labels = [job.get("labels", {}) for job in stand_in.configurations()]
    assert {verify._group(of) for of in labels} >= {"load", "models", "tests"}


GOLD, PRIVATE = DATASETS["gold"], DATASETS["gold_private"]


@contextmanager
def reader(stand_in: StandIn) -> Iterator[bigquery.Client]:
    """An account that was given Gold alone, and of other datasets is not even told that they are there."""
    stand_in.tokens.add("reader")

    def refuse(asked: Request) -> Reply | None:
        if asked.headers.get("authorization") != "Bearer reader" or f"/datasets/{GOLD}/" in asked.path:
            return None
        if asked.path.endswith("/datasets"):
            return json_reply({"datasets": [{"datasetReference": {"projectId": PROJECT, "datasetId": GOLD}}]})
        return json_reply({"error": {"code": 403, "message": "Access Denied", "errors": []}}, 403)

    with stand_in.broken(refuse):
        yield bigquery.Client(
            project=PROJECT,
            credentials=google.oauth2.credentials.Credentials("reader"),
            client_options={"api_endpoint": stand_in.address},
        )


def make_tables(client: bigquery.Client) -> None:
    tables = {f"{GOLD}.dim_customer": "birth_year", f"{PRIVATE}.dim_customer_private": "email"}
    for name, column in (tables | {f"{DATASETS['bronze']}.customers": "name"}).items():
        client.create_table(bigquery.Table(f"{PROJECT}.{name}", schema=[bigquery.SchemaField(column, "STRING")]))


def test_a_readers_account_that_was_given_gold_alone_passes(
    stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in.reset()
    make_tables(stand_in.client)
    builder = stand_in.through_the_front()
    gold, others = (list(verify_reader.tables_of(builder, *names)) for names in ([GOLD], [PRIVATE, DATASETS["bronze"]]))
    with reader(stand_in) as client:
        assert verify_readers(verify_reader.reader_of(client), gold, others)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["ok"] * 3


def test_the_stand_in_knows_no_rights_and_what_is_read_is_named(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    make_tables(cloud.stand_in.client)
    cloud.stand_in.client.create_dataset(f"{GOLD}_build", exists_ok=True)
    key = f"{cloud.stand_in.folder}/key.json"
    assert verify_reader.main(["--env", str(cloud.world.file), "--reader", key]) == 1
    gold, columns, tables = capsys.readouterr().out.splitlines()
    assert gold == "ok      the reader reads all of Gold"
    named = f"{DATASETS['bronze']}.customers.name, {PRIVATE}.dim_customer_private.email"
    assert columns == f"FAILED  no column that it sees identifies a person: {named}"
    assert tables.startswith("FAILED  it reads nothing outside of Gold: ")
