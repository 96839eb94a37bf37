"""What the two pages read of Gold, from one warehouse and from another."""

import pytest

from jobs.config.environment import Environment
from pages import gold


def pages_read_the_same(there: Environment, here: Environment) -> None:
    """Sums of floats aside, which warehouses add up in an order of their own."""
    (found, build), (expected, _) = gold.read(there), gold.read(here)
    assert build
    assert build.behind == 0
    assert found.keys() == expected.keys()
    for name, columns in expected.items():
        assert columns
        assert any(columns.values()), name
        assert found[name].keys() == columns.keys()
        for column, values in columns.items():
            wanted = [pytest.approx(value) if isinstance(value, float) else value for value in values]
            assert found[name][column] == wanted, (name, column)
