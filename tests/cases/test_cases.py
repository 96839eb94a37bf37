"""Small deliveries, written by hand, whose right outcome is known: all of them through one run of the command."""

import pytest

from tests.cases import csv_cases, json_cases
from tests.cases.case import Case
from tests.shipment import Arrival, ship

CASES = {("csv", name): case for name, case in csv_cases.CASES.items()} | {
    ("json", name): case for name, case in json_cases.CASES.items()
}


@pytest.fixture(scope="module")
def arrivals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Arrival]:
    return ship([case.parcel(*which) for which, case in CASES.items()], tmp_path_factory.mktemp("cases"), "run")


@pytest.mark.parametrize(("which", "case"), CASES.items(), ids=map("-".join, CASES))
def test_a_delivery_ends_as_it_should(which: tuple[str, str], case: Case, arrivals: dict[str, Arrival]) -> None:
    case.hold_against(arrivals["_".join(which)])
