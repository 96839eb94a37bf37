import re
import runpy
import shutil
from pathlib import Path

from jobs import VERSION
from jobs.settings import ROOT

SILVER = ROOT / "dbt/models/silver"


def test_the_rows_of_every_staging_model_are_counted() -> None:
    """A stg_ model that is not among the feeds would lose rows without a test that fails."""
    models = {path.stem.removeprefix("stg_") for path in SILVER.glob("stg_*.sql")}
    counted = set(re.findall(r"'(\w+)'", (ROOT / "dbt/macros/feeds.sql").read_text()))
    assert models == counted


def test_an_images_version_names_its_commit(tmp_path: Path) -> None:
    code = shutil.copy(ROOT / "jobs/__init__.py", tmp_path)
    (tmp_path / "COMMIT").write_text("0123456789ab\n")
    assert runpy.run_path(code)["VERSION"] == f"{VERSION}+0123456789ab"
