"""# Customer complaints, from delivery to Gold, day by day

**What**: waits for each source's delivery, lands it in the lake (`ingest`), loads Bronze (`load_bronze`), has dbt build
and test Silver and Gold, writes the two pages, and sends one message with the numbers. Airflow submits and judges; it
transforms nothing.

**Output**: `raw/`, Bronze, `coretelecoms_silver`, `coretelecoms_gold` of the day that has ended; the pages, anew.

**When it fails**: what landed goes on whatever else did not; `ledger_balances` then fails the run and names the source.
Gold keeps the days before; complaints of that source and day are missing in it.

**How to re-run**: clear the failed task: what has landed is skipped. To replace days, trigger with `from`, `to`,
`sources` and `replay`. Missed schedules: `airflow backfill create --max-active-runs 1`. Alert by alert:
`docs/runbook.md`.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from dags.support.alerts import alert_missed_deadline
from dags.support.balance import ledger_balances, tell_numbers
from dags.support.params import PARAMS, resolve_scope
from dags.support.sensor import DeliverySensor
from dags.support.steps import DEFAULT_ARGS, DbtLayer, Pages, SparkStep

WHATEVER_HAPPENED = "all_done"

with DAG(
    "coretelecoms_capstone",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    start_date=datetime(2025, 11, 20, tzinfo=UTC),
    catchup=True,
    max_active_runs=1,
    params=PARAMS,
    tags=["complaints", "elt", "daily"],
    dagrun_timeout=timedelta(hours=20),
    deadline=DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=10),
        callback=AsyncCallback(alert_missed_deadline),
    ),
    default_args=DEFAULT_ARGS,
):
    scope = resolve_scope()
    arrived = DeliverySensor.partial(
        task_id="wait_for", poke_interval=30, max_wait=600, timeout=72_000, map_index_template="{{ shown }}"
    ).expand(scope=scope)
    ingest = SparkStep(task_id="ingest", step="ingest", scope=scope, trigger_rule="none_failed")
    load = SparkStep(task_id="load_bronze", step="load", scope=scope, trigger_rule=WHATEVER_HAPPENED)
    silver = DbtLayer(task_id="dbt_silver", layer="silver", scope=scope, trigger_rule=WHATEVER_HAPPENED)
    gold = DbtLayer(task_id="dbt_gold", layer="gold", scope=scope)
    pages = Pages(task_id="pages", scope=scope, trigger_rule=WHATEVER_HAPPENED)
    numbers = tell_numbers(scope)  # type: ignore[arg-type]  # a task's promise of it
    arrived >> ingest >> load >> silver >> gold >> pages >> numbers >> ledger_balances.expand(scope=scope)
