import re

from jobs.settings import ROOT

SILVER = ROOT / "dbt/models/silver"


def test_the_rows_of_every_staging_model_are_counted() -> None:
    """A stg_ model that is not among the feeds would lose rows without a test that fails."""
    models = {path.stem.removeprefix("stg_") for path in SILVER.glob("stg_*.sql")}
    counted = set(re.findall(r"'(\w+)'", (ROOT / "dbt/macros/feeds.sql").read_text()))
    assert models == counted
