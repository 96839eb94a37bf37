"""Tests of dbt/, run by the Python of requirements/dbt-test.txt; where dbt is missing they are not collected."""

from importlib.util import find_spec

collect_ignore_glob = []
if find_spec("dbt.cli") is None or find_spec("deltalake") is None:
    collect_ignore_glob.append("test_*.py")
else:
    from tests.dbt.world import base, world  # noqa: F401  # fixtures
