"""Builds Silver and Gold from Bronze, in one DuckDB file or in the cloud's warehouse, and shows what the file holds.

    ./dbt.sh build [--from D --to D [--look-back]] [--full] [--layer silver | gold] [--env E]
    ./dbt.sh headline | docs | export FILE | query SQL [--limit N] [--csv FILE | -] [--build]

Run by the Python of requirements/dbt.txt, or of the warehouse's own lock file (dbt.sh).
Each environment has a DuckDB file of its own; CORETELECOMS_WAREHOUSE names another one, CORETELECOMS_BRONZE the
folder of the Delta tables, or s3://bucket/prefix.
Exit codes follow sysexits: 64 usage, 65 a test failed, 69 S3 is down, 70 a model failed, 75 another build runs or
another process holds the file, 78 configuration.
"""

import os
import sys
import time
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from shutil import copyfile
from typing import Any

import behind
import duckdb
import gold
from arguments import parse
from complaints import write_channels
from errors import CONFIGURATION, DATA_ERROR, SOFTWARE, TRY_LATER, BuildError
from export import export
from headline import headline
from operation import Invoke
from owner import claim
from query import LIMIT, save, show
from told import (
    describe,
    describe_trace,
    list_each,
    listen,
    logging_to,
    mask_results,
    passing,
    summarize,
    tell_exception,
    what,
)
from warehouse import (
    alone,
    artifacts,
    bronze,
    contracts,
    environment,
    gold_table,
    host,
    is_local,
    keep_private,
    opened,
    others,
    place,
    schema_of,
    shown,
    silver_table,
    sources,
    warehouse,
)

PROJECT = Path(__file__).resolve().parent
# A schedule builds and tests the layers one after the other; what tests both is tested with Gold.
ONLY = {
    "silver": ["--select", "path:models/silver", "path:seeds", "path:snapshots", "--indirect-selection", "cautious"],
    "gold": ["--select", "path:models/gold"],
}


def invoke(*arguments: str, parsed: Any = None, said: list[str] | None = None) -> Any:
    """One dbt command in this process; returns its result. Raises BuildError where dbt could not run at all.

    `parsed`: the project, as `invoke("parse")` returns it; `said`: gets what its macros log, or why one failed.
    """
    os.environ |= {
        "CORETELECOMS_ENVIRONMENT": environment(),
        "CORETELECOMS_WAREHOUSE": str(warehouse()),
        "CORETELECOMS_BRONZE": str(bronze()),
        "CORETELECOMS_CONTRACTS": str(contracts()),
        "CORETELECOMS_DBT": str(PROJECT),
        "CORETELECOMS_SOURCES": ",".join(sources()),
        "CORETELECOMS_COMPLAINTS": write_channels(),
        "CORETELECOMS_HOST": host(),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    places = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    places += ["--target-path", str(artifacts()), "--log-path", str(artifacts() / "logs")]
    log = artifacts() / "logs/dbt.log"
    try:
        with logging_to(log) as keep:
            listeners = [keep] if said is None else [keep, partial(listen, said)]
            done = dbtRunner(parsed, listeners).invoke(
                [*arguments, *places, "--log-level", "none", "--log-level-file", "none"]
            )
    finally:
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        mask_results(_results())
    if done.exception is not None:
        code = passing(str(done.exception)) or CONFIGURATION
        raise BuildError(f"dbt: {tell_exception(done.exception)}\nits log: {shown(log)}", code)
    return done.result


def build(
    first: date | None = None,
    last: date | None = None,
    full: bool = False,
    dbt_arguments: Sequence[str] = (),
    layer: str | None = None,
    look_back: bool = False,
) -> str:
    """Build and test the days asked for (default: all); returns the summary. Raises BuildError.

    `look_back`: from the first of those days before that runs look back at, that Silver is behind Bronze of.
    `layer`: only `silver` or `gold`, and the summary has a line for each model too.
    """
    with alone(_describe_days(first, last)):
        return _build(first, last, full, dbt_arguments, layer, look_back)


def _describe_days(first: date | None, last: date | None) -> str:
    return f"{first}..{last}" if first else "all days"


def _build(
    first: date | None, last: date | None, full: bool, dbt_arguments: Sequence[str], layer: str | None, look_back: bool
) -> str:
    started = time.monotonic()
    if is_local():
        _claim()
    _discard_results(layer)
    parsed = invoke("parse", "--no-write-json")  # the build writes it
    ask = partial(invoke, parsed=parsed)
    if look_back and first:
        first = behind.find_first(ask, first)
    days = _describe_days(first, last)
    os.environ["CORETELECOMS_DAYS"] = "_".join(sorted({str(first), str(last)})) if first else "all"
    arguments = ["build", "--exclude-resource-type", "unit_test", *ONLY.get(layer or "", []), *dbt_arguments]
    if first and last:
        # dbt's end is exclusive.
        arguments += ["--event-time-start", str(first), "--event-time-end", str(last + timedelta(days=1))]
    if full:
        arguments.append("--full-refresh")
    if layer == "silver" or "--select" in dbt_arguments:
        results = _ran(ask, arguments, layer)
    else:
        publication = gold.prepare(ask)
        with gold.at_work(ask, publication, full):
            results = _ran(ask, arguments, layer, publication)
            if gold.is_whole(results, parsed):
                gold.publish(ask, publication, first, last)
    ended = f"({summarize(results)})"
    if layer:
        return "\n".join([*list_each(results), f"{layer} of {days} built and tested {ended}{_left_out()}"])
    rows = _rows() if is_local() else f"in {os.environ['CORETELECOMS_PROJECT']}"
    return f"{days} built and tested in {time.monotonic() - started:.1f} s {ended}; {rows}{_left_out()}"


def _ran(
    ask: Invoke, arguments: Sequence[str], layer: str | None, publication: gold.Publication | None = None
) -> list[Any]:
    """What became of each node. Raises BuildError where one failed."""
    results = list(ask(*arguments).results)
    if layer:
        _results().replace(_results(layer))
    if any(_has_failed(result) for result in results):
        raise _failure(results, publication)
    return results


def _claim() -> None:
    """Held by another process, or another environment's? Better known now than after dbt's start."""
    try:
        claim()
    except duckdb.Error as error:  # Bronze's, who was asked whether it knows the file
        raise BuildError(describe(error), passing(str(error)) or CONFIGURATION) from error


def _results(layer: str | None = None) -> Path:
    """What dbt said of its last build: of a layer's in a file of its own, for the next layer's would replace it."""
    return artifacts() / (f"run_results.{layer}.json" if layer else "run_results.json")


def _discard_results(layer: str | None) -> None:
    """Of what is built now, and of what is built on it."""
    layers = list(ONLY)
    for stale in (None, *layers[layers.index(layer) if layer else 0 :]):
        _results(stale).unlink(missing_ok=True)


def docs() -> str:
    """dbt's documentation as one page that opens from disk; returns where it is."""
    if is_local():
        with opened(read_only=True):
            pass
    invoke("docs", "generate", "--static")
    page = place("CORETELECOMS_DOCS", ".local/docs/dbt.html")
    page.parent.mkdir(parents=True, exist_ok=True)
    copyfile(artifacts() / "static_index.html", page)
    return f"documentation from source to Gold: {shown(page)}"


def _has_failed(result: Any) -> bool:
    return result.status in ("error", "fail", "runtime error")


def _failure(results: Sequence[Any], publication: gold.Publication | None = None) -> BuildError:
    failed = [result for result in results if _has_failed(result)]
    skipped = sum(result.status == "skipped" for result in results)
    lines = [f"{len(failed)} of {len(results)} dbt nodes failed, {skipped} skipped after them:"]
    for result in failed:
        lines.append(f"  {what(result)}")
        if compiled := getattr(result.node, "compiled_path", None):
            lines.append(f"    its SQL: {shown(PROJECT / compiled)}")
    if publication:
        lines.append(
            f"  Gold is as it was ({publication.seen}); what was built beside it is in {schema_of('gold_build')}"
        )
    if (code := _code(failed)) == TRY_LATER:
        lines += [f"  at the same time: {other}" for other in others(_own())]
    return BuildError("\n".join(lines), code)


def _own() -> str:
    """The id of dbt's last run in this process, as temporary tables bear it."""
    from dbt_common.invocation import get_invocation_id

    return str(get_invocation_id()).replace("-", "")


def _code(failed: Sequence[Any]) -> int:
    if code := next(filter(None, (passing(str(result.message)) for result in failed)), 0):
        return code
    return DATA_ERROR if all(result.status == "fail" for result in failed) else SOFTWARE


def _left_out() -> str:
    """What the models read and this environment has not; "" where there is nothing of that kind."""
    staged = {path.stem.removeprefix("stg_") for path in (PROJECT / "models/silver").glob("stg_*.sql")}
    missing = ", ".join(sorted(staged - set(sources())))
    return f"\nleft out: {missing}: environment {environment()!r} has no such source" if missing else ""


def _rows() -> str:
    with opened(read_only=True) as connection:
        counts = [
            connection.table(name).count("*").fetchall()[0][0]
            for name in (silver_table("complaints_clean"), gold_table("fact_complaints"))
        ]
    return f"{counts[0]:,} deliveries, {counts[1]:,} complaints in {shown(warehouse())}"


def _ask(sql: str, csv: str | None, limit: int | None, of_build: bool) -> None:
    if csv is None:
        print("\n".join(show(sql, limit or LIMIT, of_build)))
    elif said := save(sql, None if csv == "-" else Path(csv).absolute(), limit, of_build):
        print(said)


def main() -> int:
    options = parse()
    try:
        match options.step:
            case "build":
                keep_private()
                print(build(options.first, options.last, options.full, (), options.layer, options.look_back))
            case "headline":
                print("\n".join(headline()))
            case "docs":
                print(docs())
            case "export":
                print(export(options.file.absolute()))
            case _:
                _ask(options.sql, options.csv, options.limit, options.build)
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    except Exception as error:  # noqa: BLE001 - what Python would print quotes what was read
        print(f"{describe_trace(error)}\nerror: {describe(error)}", file=sys.stderr)
        return SOFTWARE
    return 0


if __name__ == "__main__":
    sys.exit(main())
