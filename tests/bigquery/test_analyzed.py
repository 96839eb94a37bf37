"""That the stand-in refuses what BigQuery refuses, in BigQuery's way, and everything else not."""

from collections.abc import Iterator

import pytest
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import bigquery

from tests.bigquery.stand_in import PROJECT, StandIn

# The three that were here until an analyzer stood before the stand-in, which alone had built and tested them for long.
BALANCE = """with counted as (select feed, 1 as in_bronze, 0 as in_silver from {silver}.calls)
select feed, sum(in_bronze) as in_bronze, sum(in_silver) as in_silver
from counted group by feed
having sum(in_bronze) <> sum(in_silver)"""
DATES = """with p as (select 0 as generated_number union all select 1),
unioned as (select p0.generated_number * power(2, 0) + 1 as generated_number from p as p0)
select datetime_add(cast(date '2025-01-01' as datetime), interval generated_number - 1 day) from unioned"""
TIMES = """with complaints as (select feed, seconds from {silver}.calls)
select complaints.feed, count(*) as complaints
from complaints inner join (select 0 as least) as buckets on complaints.seconds >= buckets.least
group by complaints.feed"""


@pytest.fixture(scope="module")
def client(stand_in: StandIn) -> Iterator[bigquery.Client]:
    """Through the front, as the product."""
    stand_in.reset()
    stand_in.rows("CREATE TABLE coretelecoms_silver.calls (feed STRING, answered BOOL, seconds INT64)")
    yield stand_in.through_the_front()
    stand_in.reset()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        pytest.param("SELECT feeed FROM {silver}.calls", "Unrecognized name: feeed", id="unknown column"),
        pytest.param("SELECT 1 FROM {silver}.calls WHERE answered = 1", "BOOL, INT64", id="BOOL = INT64"),
        pytest.param(BALANCE, "Aggregations of aggregations are not allowed at [4:12]", id="an output in HAVING"),
        pytest.param(DATES, "must be coercible to INT64 type at [3:67]", id="FLOAT64 as a number of days"),
        pytest.param(
            TIMES, "contains an aggregation function, which is not allowed in GROUP BY", id="alias hides table"
        ),
        pytest.param("DECLARE x BOOL; SELECT 1; SET x = 1;", "SET wants BOOL, found INT64 at [1:35]", id="in a script"),
    ],
)
def test_what_bigquery_refuses_is_refused_in_its_words(
    client: bigquery.Client, stand_in: StandIn, statement: str, said: str
) -> None:
    sql = statement.format(silver=f"`{PROJECT}`.`coretelecoms_silver`")
    with pytest.raises(BadRequest) as refused:
        client.query(sql, job_retry=None).result(job_retry=None)
    assert refused.value.errors[0]["reason"] == "invalidQuery"
    assert said in str(refused.value)
    assert stand_in.analyst.said[-1][0] == sql


@pytest.mark.parametrize("statement", [BALANCE, DATES, TIMES])
def test_the_emulator_alone_takes_it(client: bigquery.Client, stand_in: StandIn, statement: str) -> None:
    stand_in.rows(statement.format(silver="coretelecoms_silver"))


def test_a_table_that_is_not_there_is_not_found(client: bigquery.Client) -> None:
    with pytest.raises(NotFound, match="no_such"):
        client.query("SELECT * FROM coretelecoms_silver.no_such", job_retry=None).result(job_retry=None)


def test_parameters_are_analysed_with_their_types(client: bigquery.Client) -> None:
    day = bigquery.ScalarQueryParameter("least", "INT64", 3)
    options = bigquery.QueryJobConfig(query_parameters=[day])
    assert (
        list(client.query("SELECT feed FROM coretelecoms_silver.calls WHERE seconds > @least", options).result()) == []
    )
    with pytest.raises(BadRequest, match="STRING, INT64"):
        client.query("SELECT 1 FROM coretelecoms_silver.calls WHERE feed = @least", options).result()
