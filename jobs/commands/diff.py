"""`diff`: what a correction changes, by the source contract's key: two landings of a day, or a delivery and one."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from jobs import masking
from jobs.cli import EX_USAGE, Arguments
from jobs.clients.location import Location
from jobs.commands.table import show
from jobs.config.environment import Environment, load_environment
from jobs.contracts.source import SourceContract, load_contracts
from jobs.engines.session import Session
from jobs.errors import NotArrivedError, RunError
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import Manifest
from jobs.ledger.outcome import make_run_id
from jobs.pipeline.compare_landings import compare_landings
from jobs.pipeline.compare_tables import Changed, Difference
from jobs.pipeline.execute import execute
from jobs.pipeline.plan import RunRequest
from jobs.pipeline.survey import make_plan


def run(arguments: Arguments) -> int:
    """Raises NotArrivedError where there are no two of them."""
    environment = load_environment(arguments.environment)
    (contract,) = load_contracts(environment, arguments.sources).values()
    (day,) = arguments.days
    with _find_two(environment, contract, day, arguments) as (before, after):
        found = compare_landings(contract, before, after)
    names = (before[1].version, "the delivery" if arguments.is_of_delivery else after[1].version)
    if arguments.is_json:
        print(json.dumps(_describe(contract, day, names, found)))
    else:
        _show(contract, day, names, found)
    return 0


@contextmanager
def _find_two(
    environment: Environment, contract: SourceContract, day: date, arguments: Arguments
) -> Iterator[tuple[tuple[Location, Manifest], tuple[Location, Manifest]]]:
    landings = Ledger(environment.lake).read_manifests(contract.name, day)
    if not arguments.is_of_delivery:
        before, after = _choose_two(landings, contract.name, day, arguments.runs)
        yield (environment.lake, before), (environment.lake, after)
        return
    counting = [one for one in landings if one.counts]
    if not counting:
        raise NotArrivedError(f"{contract.name} {day}: nothing has landed that the delivery could be held against")
    with tempfile.TemporaryDirectory() as folder:
        aside = environment.model_copy(update={"lake": Path(folder)})
        yield (environment.lake, counting[-1]), (aside.lake, _land_aside(aside, contract, day))


def _choose_two(landings: list[Manifest], source: str, day: date, runs: tuple[str, ...]) -> tuple[Manifest, Manifest]:
    """Those of the runs named, oldest first; else the newest one, and the one before it that counted until then."""
    where = f"{source} {day}"
    if runs:
        chosen = [one for one in landings if one.run_id in runs]
        if len(chosen) != 2:
            known = ", ".join(one.run_id for one in landings) or "none"
            raise RunError(f"{where}: --run needs two landings, found {len(chosen)}; there are {known}", EX_USAGE)
        return chosen[0], chosen[1]
    before = [one for one in landings[:-1] if one.counts]
    if not before:
        raise NotArrivedError(f"{where}: {len(landings)} landings, and none before the newest one that counted")
    return before[-1], landings[-1]


def _land_aside(environment: Environment, contract: SourceContract, day: date) -> Manifest:
    """The delivery as it is now, in a lake of its own. Raises RunError where it does not land."""
    request = RunRequest(environment, {contract.name: contract}, (day,), "ingest", engine="in-process")
    report = execute(request, make_plan(request), make_run_id(), Session("diff", {}))
    manifest = Ledger(environment.lake).find_newest(contract.name, day)
    if manifest is None:
        raise RunError("\n".join(one.error or one.state for one in report.outcomes), report.exit_code)
    return manifest


def _show(contract: SourceContract, day: date, names: tuple[str, str], found: Difference) -> None:
    print(f"{contract.name} {day}: {names[0]} -> {names[1]}")
    print(
        f"{found.before:,} rows before, {found.after:,} after: {found.added:,} added, {found.removed:,} removed, "
        f"{found.changed:,} changed ({found.share:.2%})"
    )
    if any(found.duplicates):
        key, (before, after) = ", ".join(contract.key), found.duplicates
        print(f"rows besides the first of their {key}: {before:,} before, {after:,} after; none of them is changed")
    if found.columns:
        show([("column", "changed"), *((name, f"{number:,}") for name, number in found.columns.most_common())], {1})
    cells = [
        (", ".join(key), name, *values)
        for key, columns in (_mask(contract, one) for one in found.sample)
        for name, values in columns.items()
    ]
    if cells:
        show([(", ".join(contract.key), "column", "before", "after"), *cells], ())


def _describe(contract: SourceContract, day: date, names: tuple[str, str], found: Difference) -> dict[str, object]:
    counts = {name: getattr(found, name) for name in ("added", "removed", "changed", "share", "duplicates")}
    rows = {"rows_before": found.before, "rows_after": found.after, **counts, "columns": dict(found.columns)}
    where = {"source": contract.name, "ingest_date": str(day), "before": names[0], "after": names[1]}
    sample = [{"key": key, "columns": columns} for key, columns in (_mask(contract, one) for one in found.sample)]
    return {**where, **rows, "sample": sample}


def _mask(contract: SourceContract, one: Changed) -> tuple[list[str], dict[str, list[str]]]:
    """Its key and its columns; of those that tell of persons only the shape of their values."""
    hidden = contract.personal_columns

    def tell(name: str, value: str | None) -> str:
        return "null" if value is None else masking.mask(value) if name in hidden else value

    key = [tell(name, value) for name, value in zip(contract.key, one.key, strict=True)]
    columns = {name: [tell(name, value) for value in values] for name, values in one.columns.items()}
    return key, columns
