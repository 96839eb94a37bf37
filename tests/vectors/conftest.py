import os
from pathlib import Path

import pytest

from jobs.config.environment import ROOT

# Suites that others wrote are not part of the project: https://github.com/nst/JSONTestSuite (as json/),
# https://github.com/max-mapper/csv-spectrum and https://github.com/sineemore/csv-test-data.
VECTORS = Path(os.environ.get("CORETELECOMS_VECTORS", ROOT.parent / "shared/vectors"))


@pytest.fixture(scope="session")
def vectors() -> Path:
    if not VECTORS.is_dir():
        pytest.skip(f"no folder {VECTORS} with the suites that others wrote; CORETELECOMS_VECTORS names another")
    return VECTORS
