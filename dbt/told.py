"""What dbt says, written down and told without what a warehouse quotes of its rows in it."""

import json
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import ModuleType
from typing import Any

from errors import SERVICE, TRY_LATER

LAYERS = ("seeds", "snapshots", "silver", "gold", "tests")
# What DuckDB's two S3 clients say of a service that does not answer, or answers with a fault of its own.
IS_DOWN = re.compile(r"error for HTTP (GET|HEAD)|HTTP 5\d\d|HTTP error: error sending request|status code: 5\d\d")
# What the three warehouses say to one of two that change the same table, or open the same file; and Gold's guard.
IS_TAKEN = re.compile(
    r"due to concurrent update|ould not set lock on file|"
    r"number of waiters for this lock exceeds|lock timeout|has locked table|another build (was published|is at work)",
    re.IGNORECASE,
)
_GUARD = re.compile(r"another build (was published|is at work)[^'\n]*")
_MOST_BYTES = 10 * 2**20  # of a log before the next one is begun


def _load(path: Path) -> ModuleType:
    """A file of the jobs', whose package dbt's environment has not (jobs/commands/dbt.py says why)."""
    spec = spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_masking = _load(Path(__file__).resolve().parents[1] / "jobs/masking.py")
describe: Callable[[BaseException], str] = _masking.describe
describe_trace: Callable[[BaseException], str] = _masking.describe_trace
tell: Callable[[str], str] = _masking.tell
tell_dbt: Callable[[str], str] = _masking.tell_dbt


def tell_exception(error: BaseException) -> str:
    """One that ended dbt: its own by its words, any other as a library's."""
    return tell_dbt(str(error)) if type(error).__module__.startswith("dbt") else describe(error)


@contextmanager
def logging_to(file: Path) -> Iterator[Callable[[Any], None]]:
    """What takes dbt's events and keeps those of level info and above, without what they quote."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(file, maxBytes=_MOST_BYTES, backupCount=5, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s [%(levelname)s] %(message)s"))
    log = logging.Logger("dbt")
    log.addHandler(handler)

    def keep(event: Any) -> None:
        level = logging.getLevelNamesMapping().get(event.info.level.upper(), logging.DEBUG)
        if level >= logging.INFO:
            log.log(level, "%s", _tell_event(event))

    try:
        yield keep
    finally:
        handler.close()


def _tell_event(event: Any) -> str:
    """Lines of results (LogModelResult and its like) are dbt's own; errors have the warehouse's text in them."""
    text = str(event.info.msg)
    return text if event.info.level != "error" or event.info.name.startswith("Log") else tell_dbt(text)


def mask_results(file: Path) -> None:
    """The messages of a run_results.json, in its place."""
    if not file.exists():
        return
    content = json.loads(file.read_text(encoding="utf-8"))
    for result in content["results"]:
        result["message"] = result["message"] and tell_dbt(result["message"])
    unfinished = file.with_name(f".{file.name}")
    unfinished.write_text(json.dumps(content), encoding="utf-8")
    unfinished.replace(file)


def passing(message: str) -> int:
    """The exit code of what a later try may not meet; 0: it would."""
    if IS_TAKEN.search(message):
        return TRY_LATER
    return SERVICE if IS_DOWN.search(message) else 0


def tell_operation(said: str) -> str:
    """Why a macro failed that was run by itself; what Gold's guard says names builds alone."""
    found = _GUARD.search(said)
    return found[0] if found else " ".join(tell_dbt(said).split())


def summarize(results: Sequence[Any]) -> str:
    """Seconds by layer, tests, and what they warn of."""
    seconds = dict.fromkeys(LAYERS, 0.0)
    for result in results:
        seconds[layer_of(result.node)] += result.execution_time
    tests = sum(layer_of(result.node) == "tests" for result in results)
    warned = [result for result in results if result.status == "warn"]
    warnings = "".join(f"\nwarning: {what(result)}" for result in warned)
    by_layer = ", ".join(f"{layer} {spent:.1f}" for layer, spent in seconds.items())
    return f"{by_layer}; {tests} tests, {len(warned)} warnings{warnings}"


def list_each(results: Sequence[Any]) -> list[str]:
    """A line a model, snapshot and seed: what became of it, and in how many seconds."""
    built = [result for result in results if layer_of(result.node) != "tests"]
    return [
        f"  {layer_of(result.node)} {result.node.name}: {result.status}, {result.execution_time:.1f} s"
        for result in built
    ]


def layer_of(node: Any) -> str:
    """One of LAYERS."""
    if node.resource_type == "model":
        return Path(node.path).parts[0]
    return f"{node.resource_type}s"


def what(result: Any) -> str:
    """A node, its file, and what became of it."""
    return f"{result.node.name} ({result.node.original_file_path}): {' '.join(tell_dbt(str(result.message)).split())}"


def listen(said: list[str], event: Any) -> None:
    """Keeps what a macro logs, or why one failed that was run by itself."""
    if event.info.name == "JinjaLogInfo":
        said.append(event.data.msg)
    elif event.info.name.startswith("RunningOperation"):  # the result itself does not say why
        said.append(event.data.exc)
