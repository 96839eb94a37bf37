"""`status --recount`: what was delivered, landed and rejected, Bronze and Silver, counted anew and held together."""

import json
import os
import sys
from dataclasses import asdict
from importlib.util import find_spec

from jobs.cli import Arguments
from jobs.commands.table import show
from jobs.config.environment import Environment
from jobs.config.warehouses import DeltaWarehouse
from jobs.contracts.source import SourceContract
from jobs.errors import BalanceError, inert
from jobs.pipeline.recount import Recounted, recount

_COLUMNS = ("source", "day", "place", "ledger", "counted", "verdict")


def run(environment: Environment, contracts: dict[str, SourceContract], arguments: Arguments) -> int:
    """65 where something does not add up, 69 where a source could not be asked."""
    _become_one_with_duckdb(environment, arguments)
    found = list(recount(environment, contracts, arguments.days))
    if arguments.is_json:
        for one in found:
            print(json.dumps(asdict(one), default=str))
    else:
        show([_COLUMNS, *map(_make_cells, found)], numbers={3, 4})
    sys.stdout.flush()  # whoever has both as one, as Airflow, reads the error last
    if wrong := [f"{one.source} {one.ingest_date} {one.place}: {inert(one.wrong)}" for one in found if one.wrong]:
        print(f"error: {len(wrong)} of {len(found)} counts do not add up: {'; '.join(wrong)}", file=sys.stderr)
    codes = {one.exit_code for one in found}
    return BalanceError.exit_code if BalanceError.exit_code in codes else max(codes, default=0)


def _become_one_with_duckdb(environment: Environment, arguments: Arguments) -> None:
    """In an image the jobs' Python has none; Silver is in its file, and the pages' Python reads that."""
    python = os.environ.get("CORETELECOMS_PAGES_PYTHON")
    if python and isinstance(environment.warehouse, DeltaWarehouse) and not find_spec("duckdb"):
        os.execv(python, [python, "-m", "jobs", *arguments.words])  # noqa: S606 - the same command


def _make_cells(one: Recounted) -> tuple[str, ...]:
    counted = "" if one.counted is None else f"{one.counted:,}"
    verdict = "; ".join(filter(None, (one.wrong, one.note))) or "adds up"
    return one.source, str(one.ingest_date), one.place, f"{one.ledger:,}", counted, verdict
