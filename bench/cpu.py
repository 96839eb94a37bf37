"""CPU time and memory of a command and of every process it starts, also of those that nobody waits for.

    python -m bench.cpu REPORT FOLDER -- COMMAND [ARG...]

A process's time reaches its parent when the parent waits for it. Spark's launcher (`exec` while a child still runs) and
whatever else is left behind are waited for here: Linux hands orphans to the nearest "child subreaper". The parent of
Spark's Python workers waits for none (it ignores SIGCHLD), and their time is lost. So a counter of the kernel is used
that descendants inherit; where it is not allowed (perf_event_paranoid above 2), the larger of two counts that are both
too small, never too large: what was waited for, and what was seen of each process at the last look at it.
"""

import ctypes
import json
import os
import platform
import resource
import signal
import struct
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from demo.server import die_with_parent

_ROOT = Path(__file__).resolve().parents[1]  # the helper's own folder: another checkout's may have a `bench` too
_PR_SET_CHILD_SUBREAPER = 36
_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}  # numbers of the system call
_SOFTWARE, _TASK_CLOCK = 1, 1  # an event of the kernel's own: nanoseconds on a processor
_INHERIT, _EXCLUDE_KERNEL = 1 << 1, 1 << 5  # the latter is what allows it to everybody; time in the kernel still counts
_LOOK = 0.05  # seconds between looks at processes
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


class Inherited:
    """The CPU of this thread and of all processes and threads that it starts, however they end.

    Raises OSError where this kernel does not allow it.
    """

    def __init__(self) -> None:
        # struct perf_event_attr: type, size, config, ..., flags
        wanted = struct.pack("<IIQ24xQ", _SOFTWARE, 128, _TASK_CLOCK, _INHERIT | _EXCLUDE_KERNEL).ljust(128, b"\0")
        call = ctypes.CDLL(None, use_errno=True).syscall
        self._file = call(_PERF_EVENT_OPEN.get(platform.machine(), -1), wanted, 0, -1, -1, 0)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "no inherited counter of CPU")

    def seconds(self) -> float:
        (nanoseconds,) = struct.unpack("<Q", os.read(self._file, 8))
        return float(nanoseconds) / 1e9


class Seen(NamedTuple):
    """A process as it was seen last; `cpu`: its own seconds, without those of its children."""

    name: str
    cpu: float


class Watch(threading.Thread):
    """Looks at all descendants of some processes until `ended`: their CPU, their proportional set sizes (PSS).

    `peak`: the largest sum of PSS, in MB. `seen`: by process id and start, for ids are given again.
    """

    def __init__(self, *roots: int, memory: bool = True) -> None:
        super().__init__(daemon=True)
        self._roots, self._memory = roots, memory
        self.peak, self._done = 0.0, threading.Event()
        self.seen: dict[tuple[int, int], Seen] = {}

    def run(self) -> None:
        due = 0.0
        while not self._done.wait(_LOOK):
            found = [pid for root in self._roots for pid in _descendants(root)]
            self.seen.update(seen for pid in found if (seen := _seen(pid)))
            started = time.monotonic()
            if self._memory and started >= due:
                self.peak = max(self.peak, sum(map(_pss, found)) / 1024)
                due = time.monotonic() + min(1.0, _SHARE * (time.monotonic() - started))

    def ended(self) -> "Watch":
        """Look no more."""
        self._done.set()
        self.join()
        return self

    def cpu(self, name: str = "") -> float:
        """Of all processes seen whose name begins so; at most a look too little of each."""
        return sum(seen.cpu for seen in self.seen.values() if seen.name.startswith(name))


def _descendants(pid: int) -> list[int]:
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            own = [int(child) for child in children.read_text().split()]
        except OSError:
            continue
        found += own + [one for child in own for one in _descendants(child)]
    return found


def _seen(pid: int) -> tuple[tuple[int, int], Seen] | None:
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
    except OSError:
        return None
    fields = rest.split()
    ticks = int(fields[11]) + int(fields[12])
    return (pid, int(fields[19])), Seen(name, ticks / os.sysconf("SC_CLK_TCK"))


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def measured(command: list[str], report: Path, env: dict[str, str], folder: Path, log: Path) -> Usage:
    """Run the command in `folder`, in a process group of its own, which ends with this call whatever happens."""
    helper = [sys.executable, "-m", "bench.cpu", str(report), str(folder), "--", *command]
    with log.open("wb") as output:
        process = subprocess.Popen(
            helper, cwd=_ROOT, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    return Usage(**json.loads(report.read_text(encoding="utf-8")))


def _inherited() -> Inherited | None:
    try:
        return Inherited()
    except OSError:
        return None


def _run(command: list[str], folder: str) -> Usage:
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no child subreaper; this needs Linux")
    watch = Watch(os.getpid())
    watch.start()  # before there is a counter, which a thread would inherit too
    counter, started = _inherited(), time.monotonic()
    before = counter.seconds() if counter else 0.0
    code = subprocess.Popen(command, cwd=folder).wait()
    wall = time.monotonic() - started
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass  # nobody is left
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = watch.ended().peak
    cpu = counter.seconds() - before if counter else max(usage.ru_utime + usage.ru_stime, watch.cpu())
    return Usage(cpu, wall, usage.ru_maxrss / 1024, code, peak)


def _end(_number: int, _frame: FrameType | None) -> None:
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    die_with_parent(signal.SIGTERM)
    _, report_file, where, _, *given = sys.argv
    Path(report_file).write_text(json.dumps(asdict(_run(given, where))), encoding="utf-8")
