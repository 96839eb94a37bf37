"""CPU time and memory of a command and of every process it starts, also of those that nobody waits for.

    python -m bench.cpu REPORT -- COMMAND [ARG...]

A process's time reaches its parent when the parent waits for it. Spark's launcher (`exec` while a child still runs) and
whatever else is left behind are waited for here: Linux hands orphans to the nearest "child subreaper".
"""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

from demo.server import die_with_parent

_PR_SET_CHILD_SUBREAPER = 36
_SHARE = 20  # a look at the memory is followed by a pause so many times as long, of a second at most


@dataclass(frozen=True)
class Usage:
    """Seconds of CPU (user and system) and of the clock, megabytes, and the exit code.

    `peak`: the largest process. `pss`: the most that all processes held at a look, pages that are shared counted once.
    """

    cpu: float
    wall: float
    peak: float
    code: int
    pss: float


class Memory(threading.Thread):
    """Looks at the proportional set size (PSS) of all descendants of this process until `ended`; `peak` in MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self._done, self._pause = 0.0, threading.Event(), 0.05

    def run(self) -> None:
        while not self._done.wait(self._pause):
            started = time.monotonic()
            self.peak = max(self.peak, sum(map(_pss, _descendants(os.getpid()))) / 1024)
            self._pause = min(1.0, max(0.05, _SHARE * (time.monotonic() - started)))

    def ended(self) -> float:
        """Look no more; the peak."""
        self._done.set()
        self.join()
        return self.peak


def _descendants(pid: int) -> list[int]:
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            own = [int(child) for child in children.read_text().split()]
        except OSError:
            continue
        found += own + [one for child in own for one in _descendants(child)]
    return found


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def measured(command: list[str], report: Path, env: dict[str, str], folder: Path, log: Path) -> Usage:
    """Run the command in a process group of its own, which ends with this call whatever happens."""
    helper = [sys.executable, "-m", "bench.cpu", str(report), "--", *command]
    with log.open("wb") as output:
        process = subprocess.Popen(
            helper, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    return Usage(**json.loads(report.read_text(encoding="utf-8")))


def _run(command: list[str]) -> Usage:
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no child subreaper; this needs Linux")
    memory = Memory()
    memory.start()
    started = time.monotonic()
    code = subprocess.Popen(command).wait()
    wall = time.monotonic() - started
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass  # nobody is left
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Usage(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, code, memory.ended())


def _end(_number: int, _frame: FrameType | None) -> None:
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    die_with_parent(signal.SIGTERM)
    _, report_file, _, *given = sys.argv
    Path(report_file).write_text(json.dumps(asdict(_run(given))), encoding="utf-8")
