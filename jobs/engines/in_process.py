"""Tasks on threads of this process: Arrow's parsers and writers let go of the interpreter's lock."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from jobs.engines.task import Result, Split, Task


class InProcess:
    """One pool for all sources and days of a run, so that memory is bounded by the tasks in flight."""

    name = "in-process"

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads or len(os.sched_getaffinity(0))
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="task")

    def __str__(self) -> str:
        return f"{self.name}, {self._threads} threads"

    def run(self, task: Task[Split, Result], named: Sequence[tuple[str, Split]]) -> list[Result]:
        """Results in the order of the splits; the first error ends it."""
        return list(self._pool.map(task, named))

    def find_failure(self, _work: str) -> str:
        """The error that was raised is the first one."""
        return ""
