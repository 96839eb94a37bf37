"""`ingest`, `load` and `run`: plan, execute, and say what did not land; `--plan` stops after the first."""

import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from logging import WARNING

from jobs import logs
from jobs.cli import Arguments
from jobs.commands.planned import refuse_above, show_plan
from jobs.commands.table import show_outcomes
from jobs.config.environment import Environment, load_environment
from jobs.contracts.source import read_contracts
from jobs.engines.session import Session, list_jars, make_configuration
from jobs.errors import RunError, inert
from jobs.ledger.outcome import Outcome, RunReport, make_run_id, parse_moment
from jobs.pipeline.estimate import estimate
from jobs.pipeline.execute import execute
from jobs.pipeline.plan import Plan, RunRequest
from jobs.pipeline.survey import make_plan

CLOCK_TOLERANCE = timedelta(minutes=1)  # between machines, before it is told


def run(arguments: Arguments) -> int:
    """Raises RunError where something did not land."""
    environment = load_environment(arguments.environment)
    contracts, broken = read_contracts(environment, arguments.sources)
    request = RunRequest(
        environment,
        contracts,
        arguments.days,
        arguments.command,
        arguments.replay,
        arguments.engine,
        broken,
        arguments.is_rebuild,
        arguments.withdrawn_by,
    )
    plan = make_plan(request)
    if arguments.is_plan or arguments.max_bytes is not None or arguments.max_cost is not None:
        estimates = estimate(request, plan)
        if arguments.is_plan:
            show_plan(estimates, environment.prices, arguments.is_json)
        refuse_above(estimates, environment.prices, arguments.max_bytes, arguments.max_cost)
    if arguments.is_plan:
        return 0
    run_id = make_run_id(arguments.key, plan.newest_run)
    log = logs.start(environment.logs, run_id)
    _tell_a_clock_that_is_behind(plan.newest_run, run_id)
    report = _execute_plan(request, plan, run_id, environment)
    show_outcomes(report.outcomes, arguments.is_json)
    _show_drift(report.outcomes)
    _tell_what_was_looked_back_at(report.outcomes, arguments.days)
    if log:
        print(f"run {run_id}, log {log}", file=sys.stderr)
    if report.exit_code:
        raise RunError(_describe_missing(report), report.exit_code)
    return 0


def _tell_a_clock_that_is_behind(newest: str, run_id: str) -> None:
    """Of what was asked for, a run is known that this machine's clock has yet to reach."""
    known = parse_moment(newest)
    behind = known - datetime.now(UTC) if known else timedelta()
    if behind > CLOCK_TOLERANCE:
        logs.log_run_fact("clock", run_id, level=WARNING, newest=newest, seconds_behind=round(behind.total_seconds()))
        what = f"the clock is {str(behind).partition('.')[0]} behind run {newest}, or that run's was ahead"
        print(f"warning: {what}; this run comes after it as {run_id}", file=sys.stderr)


def _execute_plan(request: RunRequest, plan: Plan, run_id: str, environment: Environment) -> RunReport:
    session = Session(f"coretelecoms {request.step} {run_id}", make_configuration(environment), list_jars(environment))
    try:
        return execute(request, plan, run_id, session)
    finally:
        session.stop()


def _describe_missing(report: RunReport) -> str:
    missing = [outcome for outcome in report.outcomes if outcome.code_of_run]
    lines = [f"  {outcome.source} {outcome.ingest_date} {outcome.attempt}: {outcome.error}" for outcome in missing]
    return "\n".join([f"{len(missing)} of {len(report.outcomes)} did not land (exit {report.exit_code}):", *lines])


def _tell_what_was_looked_back_at(outcomes: Sequence[Outcome], days: Sequence[date]) -> None:
    """What is gone, what failed without being asked for, and from which day on Silver has to be built."""
    for one in outcomes:
        if one.delivery == "gone":
            withdraw = f"`run --date {one.ingest_date} --source {one.source} --withdraw`"
            print(
                f"{one.source} {one.ingest_date} gone from its source; its rows stay until {withdraw}", file=sys.stderr
            )
        if one.exit_code and not one.code_of_run:
            print(f"warning: {one.source} {one.ingest_date} {one.attempt}: {one.error}", file=sys.stderr)
    changed = [one.ingest_date for one in outcomes if one.looked_back and one.attempt in ("landed", "loaded")]
    if changed:
        what = f"earlier days changed: {len(changed)}, from {min(changed)} on"
        print(f"{what}: ./dbt.sh build --from {min(changed)} --to {max(*changed, *days)}", file=sys.stderr)


def _show_drift(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        for kind, names in outcome.drift.items():
            what = f"{kind.replace('_', ' ')}: {', '.join(map(inert, names))}"
            print(f"{outcome.source} {outcome.ingest_date} {what}", file=sys.stderr)
