"""The lines of the benchmark, that CPU of no process is lost, and that the document says what was measured."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import cpu
from bench.document import CHART, DOCUMENT, chart, document
from bench.results import LINES, Cost, Result, lines_of, report, saved


def result(ours: list[float], scenario: str = "day-100k") -> Result:
    """As many repetitions as CPU-seconds of ours; DuckDB takes 10."""

    def cost(cpu: float) -> Cost:
        return Cost(cpu=cpu, wall=cpu, pss=1000.0, raw=1, bronze=1)

    return Result(
        scenario, "2025-11-20", "a machine", 1, 1, [{"ours": cost(cpu), "duckdb": cost(10.0)} for cpu in ours]
    )


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        ([8.0, 9.0, 9.5, 9.0, 8.0], "kept"),
        ([12.0, 11.0, 13.0, 14.0, 15.0], "open: the line is within the interval"),
        ([12.0, 12.0, 13.0, 14.0, 15.0], "MISSED"),
    ],
)
def test_a_line_is_missed_only_by_the_whole_interval(ours: list[float], verdict: str) -> None:
    found = result(ours)
    [(line, values)] = lines_of(found)
    assert line.verdict(values) == verdict
    assert report(found)[1] == (verdict == "MISSED")


def test_a_line_that_is_known_not_to_hold_is_reported_and_no_failure() -> None:
    line = replace(LINES[0], known="decision 8")
    assert line.verdict([2.0, 2.0, 2.0]) == "missed: decision 8"


def test_the_document_and_its_chart_say_what_the_results_are() -> None:
    results = saved()
    assert results
    assert document(results) == DOCUMENT.read_text(encoding="utf-8")
    assert chart(results) == CHART.read_text(encoding="utf-8")


# Four seconds of CPU, of which their parents learn next to nothing: two children of one that waits for none, as
# Spark's Python daemon does, and two daemons, of which one is killed.
_BURNERS = """
import os, signal, time
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end: pass
def daemon(then):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            burn(1)
            then()
        os._exit(0)
daemon(lambda: os._exit(0))
daemon(lambda: os.kill(os.getpid(), signal.SIGKILL))
if os.fork() == 0:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in range(2):
        if os.fork() == 0:
            burn(1)
            os._exit(0)
    try:
        os.wait()
    except ChildProcessError:
        os._exit(0)
"""


@pytest.mark.parametrize("counter", ["inherited", "looks"])
def test_cpu_of_processes_that_nobody_waits_for_is_counted(counter: str, tmp_path: Path) -> None:
    script, report = tmp_path / "burners.py", tmp_path / "usage.json"
    script.write_text(_BURNERS)
    if counter == "looks":  # as where the kernel does not allow its counter: no such system call
        (tmp_path / "sitecustomize.py").write_text("import platform\nplatform.machine = lambda: ''\n")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    usage = cpu.measured([sys.executable, str(script)], report, environment, tmp_path, tmp_path / "log")
    assert usage.code == 0, (tmp_path / "log").read_text()
    assert 3.7 < usage.cpu < 4.8
