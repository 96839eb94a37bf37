"""# Everything counted anew, once a week

**What**: of the seven days of the week that has ended, each source's delivery, its landed and rejected files, Bronze
and Silver are counted anew by `status --recount`, which believes nothing that was written down, and held against the
ledger.

**Output**: the task's log: a line for each place of each source's day. Nothing is written.

**When it fails**: something does not add up, and the log says who is wrong and by how much; nothing was changed.
`docs/runbook.md`, Recount, says what to do. A source that is down is tried again.

**How to re-run**: clear `recount`; other days: trigger with `from`, `to` and, if wished, `sources`.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from dags.support.params import PARAMS, resolve_scope
from dags.support.steps import DEFAULT_ARGS, Recount

with DAG(
    "coretelecoms_recount",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("@weekly", timezone="UTC"),
    start_date=datetime(2025, 11, 20, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params={name: PARAMS[name] for name in ("from", "to", "sources")},
    tags=["complaints", "elt", "weekly"],
    dagrun_timeout=timedelta(hours=8),
    default_args=DEFAULT_ARGS,
):
    Recount(task_id="recount", scope=resolve_scope(days=7))
