"""JSON lines, one a fact: to the environment's log folder, or to stderr where it names none."""

import json
import logging
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from jobs.errors import ConfigurationError
from jobs.masking import describe_trace

_logger = logging.getLogger("jobs")


class JsonLines(logging.Formatter):
    """A fact a line; of an exception where it was raised, and what may be told of it."""

    def format(self, record: logging.LogRecord) -> str:
        facts = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[1]:
            facts["traceback"] = describe_trace(record.exc_info[1])
        return json.dumps(facts, default=str)


def start(folder: Path | None, run_id: str) -> Path | None:
    """Open the log of a run; returns its file, or None where it goes to stderr."""
    file = folder and folder / f"{run_id}.jsonl"
    handler = _open(file) if file else logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    _logger.handlers.append(handler)
    _logger.setLevel(logging.INFO)
    _logger.propagate = False
    return file


def _open(file: Path) -> logging.FileHandler:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return logging.FileHandler(file)
    except OSError as error:
        raise ConfigurationError(
            f"logs: found {file.parent}, which cannot be written ({error.strerror}); name another folder in the "
            "environment's file"
        ) from error


def log_fact(event: str, source: str, day: date, run: str, *, level: int = logging.INFO, **facts: object) -> None:
    """Log that `event` happened to a source's day in a run."""
    _logger.log(level, event, extra={"facts": {"source": source, "day": day, "run": run, **facts}})


def log_run_fact(event: str, run: str, *, level: int = logging.INFO, **facts: object) -> None:
    """Log that `event` happened to a run as a whole."""
    _logger.log(level, event, extra={"facts": {"run": run, **facts}})


def log_unexpected(source: str, day: date, run: str) -> None:
    """Log the exception being handled with its traceback, which users do not see, nor what it quotes."""
    _logger.exception("error", extra={"facts": {"source": source, "day": day, "run": run}})
