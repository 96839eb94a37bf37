from tests.bigquery.conftest import Cloud
from tests.conftest import DAYS


def test_a_day_is_staged_counted_and_published(cloud: Cloud) -> None:
    cloud.calls(1000)
    (outcome,) = cloud.run()
    assert (outcome.state, outcome.rows_bronze) == ("loaded", 1000), outcome.error
    assert cloud.bronze() == [(DAYS[0], outcome.run_id, 1000)]
    assert cloud.tables() == {"call_logs", "_publish_call_logs"}
