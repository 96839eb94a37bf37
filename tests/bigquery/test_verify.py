import pytest

from tests.bigquery import verify
from tests.bigquery.stand_in import LOCATION, PROJECT, StandIn

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
