"""CSV against rules applied byte by byte and Python's csv, at sizes that put a boundary everywhere."""

from pathlib import Path

import pytest

from tests.fuzz import csv_inputs, csv_reference
from tests.fuzz.landed import Product
from tests.fuzz.search import Trial


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    product = Product("csv", tmp_path)
    return Trial(
        csv_inputs.delivery,
        product.outcome,
        lambda data, sizes: [csv_reference.outcome(data, product.contract, sizes.longest)],
    )


def test_every_record_lands_equal_or_is_rejected_with_its_reason(trial: Trial) -> None:
    trial.run(seed=1, inputs=1000)
