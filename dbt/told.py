"""What dbt says, written down and told without what a warehouse quotes of its rows in it."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import ModuleType
from typing import Any

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
