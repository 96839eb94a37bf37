"""# Corrections that wait for somebody's word

**What**: of the last month's days, each correction that a source contract holds (`on_correction = "hold"`) is asked
about, with what it changes: approve, discard, or leave it. Who is asked sees no person's data.

**Output**: the answer in the ledger, with whose it is. The next daily run looks back, loads what was approved and
builds Gold of it; nothing is loaded here.

**When it fails**: what a correction changes could not be told, or the ledger not be written; it waits on. No answer
within 22 hours is none: the next run asks again.

**How to re-run**: clear `ask`; by hand: `./spark-submit.sh approve | discard --date D --source S`.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from dags.support.corrections import AskAboutCorrection, list_held
from dags.support.steps import DEFAULT_ARGS

with DAG(
    "coretelecoms_corrections",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("0 8 * * *", timezone="UTC"),
    start_date=datetime(2025, 11, 20, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["complaints", "elt", "daily"],
    dagrun_timeout=timedelta(hours=23),
    default_args=DEFAULT_ARGS,
):
    # Not by a key that the task sets: who answers resumes it with another context.
    AskAboutCorrection.partial(
        task_id="ask", map_index_template="{{ task.correction.source }} {{ task.correction.day }}"
    ).expand(correction=list_held())
