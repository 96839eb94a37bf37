"""The lines of the benchmark, and that its document says what was measured."""

from dataclasses import replace

import pytest

from bench.document import CHART, DOCUMENT, chart, document
from bench.results import LINES, Cost, Result, lines_of, report, saved


def result(ours: list[float], scenario: str = "day-100k") -> Result:
    """As many repetitions as CPU-seconds of ours; dlt takes 10."""

    def cost(cpu: float) -> Cost:
        return Cost(cpu=cpu, wall=cpu, pss=1000.0, raw=1, bronze=1)

    return Result(scenario, "2025-11-20", "a machine", 1, 1, [{"ours": cost(cpu), "dlt": cost(10.0)} for cpu in ours])


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        ([8.0, 9.0, 9.5, 9.0, 8.0], "kept"),
        ([12.0, 9.0, 13.0, 14.0, 15.0], "open: the line is within the interval"),
        ([12.0, 11.0, 13.0, 14.0, 15.0], "MISSED"),
    ],
)
def test_a_line_is_missed_only_by_the_whole_interval(ours: list[float], verdict: str) -> None:
    found = result(ours)
    [(line, values)] = lines_of(found)
    assert line.verdict(values) == verdict
    assert report(found)[1] == (verdict == "MISSED")


def test_a_line_that_is_known_not_to_hold_is_reported_and_no_failure() -> None:
    line = replace(LINES[0], known="decision 4")
    assert line.verdict([2.0, 2.0, 2.0]) == "missed: decision 4"


def test_the_document_and_its_chart_say_what_the_results_are() -> None:
    results = saved()
    assert results
    assert document(results) == DOCUMENT.read_text(encoding="utf-8")
    assert chart(results) == CHART.read_text(encoding="utf-8")
