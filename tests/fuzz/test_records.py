"""Deliveries with dirt against references apart from the product, at sizes that put a boundary everywhere.

A failing input is printed small, with its seed. CORETELECOMS_FUZZ_SEED is the first seed; a nightly run may take its
date for one.
"""

import os
from pathlib import Path

import pytest

from tests.fuzz import csv_inputs, csv_reference, json_inputs, json_reference
from tests.fuzz.landed import Product, contract_of
from tests.fuzz.search import Trial

SEED = int(os.environ.get("CORETELECOMS_FUZZ_SEED", "1"))
CSV, JSON = contract_of("csv"), contract_of("json")


def trial(kind: str, folder: Path, by_files: bool = False) -> Trial:
    product = Product(kind, folder)
    way = product.landed if by_files else product.in_memory
    if kind == "csv":
        return Trial(csv_inputs.delivery, way, lambda data, sizes: [csv_reference.outcome(data, CSV, sizes.longest)])
    return Trial(json_inputs.delivery, way, lambda data, sizes: json_reference.outcome(data, JSON, sizes.longest))


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_every_record_lands_equal_or_is_rejected_with_its_reason(kind: str, tmp_path: Path) -> None:
    trial(kind, tmp_path).run(SEED, 1000)


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_so_it_stands_in_the_files_of_a_landing(kind: str, tmp_path: Path) -> None:
    trial(kind, tmp_path, by_files=True).run(SEED + 1, 100)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "json"])
def test_every_record_of_many_deliveries_does(kind: str, tmp_path: Path) -> None:
    trial(kind, tmp_path).run(SEED + 2, 50_000)
