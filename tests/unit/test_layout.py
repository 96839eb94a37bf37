import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import yaml

from jobs import VERSION
from jobs.config.environment import ROOT
from tests.conftest import World

SILVER = ROOT / "dbt/models/silver"


def test_the_rows_of_every_staging_model_are_counted() -> None:
    """A stg_ model that is not among the feeds would lose rows without a test that fails."""
    models = {path.stem.removeprefix("stg_") for path in SILVER.glob("stg_*.sql")}
    named = (ROOT / "dbt/macros/feeds.sql").read_text().partition("endmacro")[0]
    counted = set(re.findall(r"'(\w+)'", named))
    assert models == counted


def test_bronzes_columns_are_named_to_dbt_as_they_land() -> None:
    """Of a source that an environment leaves out, Silver reads no row of these columns."""
    (bronze,) = yaml.safe_load((SILVER / "sources.yml").read_text())["sources"]
    named = {table["name"]: [column["name"] for column in table["columns"]] for table in bronze["tables"]}
    contracts = {path.stem: tomllib.loads(path.read_text()) for path in (ROOT / "conf/sources").glob("*.toml")}
    landed = {name: list(dict.fromkeys(contract["columns"].values())) for name, contract in contracts.items()}
    assert named == landed


def test_an_images_version_names_its_commit_also_from_a_zip(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs/COMMIT").write_text("0123456789ab\n")
    package = shutil.make_archive(str(tmp_path / "package"), "zip", ROOT, "jobs")
    command = [
        sys.executable,
        "-c",
        "from jobs.ledger import manifest; print(manifest.__file__, manifest.CODE_VERSION)",
    ]
    variables = os.environ | {"CORETELECOMS_ROOT": str(tmp_path), "PYTHONPATH": package}
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [f"{package}/jobs/ledger/manifest.py", f"{VERSION}+0123456789ab"]


def test_asking_one_warehouse_imports_no_client_of_another(world: World) -> None:
    """`status` has to answer at once."""
    asks = "make_bronze(load_environment(sys.argv[1])).published('agents')"
    shown = "print(*{'google', 'snowflake', 'pyspark', 'duckdb', 'botocore'} & {*sys.modules})"
    imports = (
        "import sys; from jobs.bronze.choice import make_bronze; from jobs.config.environment import load_environment"
    )
    command = [sys.executable, "-c", f"{imports}; {asks}; {shown}", str(world.file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_status_imports_neither_spark_nor_what_computes_with_arrow(world: World) -> None:
    """It must answer at once: a sensor asks for the state every minute."""
    asks = "main(['status', '--env', sys.argv[1]])"
    shown = "print(*{'pyspark', 'py4j', 'pyarrow.compute', 'numpy', 'google.cloud', 'duckdb'} & {*sys.modules})"
    command = [sys.executable, "-c", f"import sys; from jobs.__main__ import main; {asks}; {shown}", str(world.file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


def test_files_and_functions_stay_short() -> None:
    """Nobody reads further than a screen or two; limits of the house style, tests aside."""
    paths = [path for folder in ("jobs", "dags", "pages", "demo", "dbt") for path in (ROOT / folder).rglob("*.py")]
    lines = {path: len(path.read_text().splitlines()) for path in paths}
    assert {path.name: number for path, number in lines.items() if number > 300} == {}
    assert median(lines.values()) <= 100
    lengths = sorted(length for path in paths for length in function_lengths(path))
    assert median(lengths) <= 8
    assert lengths[int(len(lengths) * 0.9)] <= 20


def function_lengths(path: Path) -> Iterator[int]:
    """Lines of the functions in a file, without signature and docstring."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            yield (body[-1].end_lineno or 0) - body[0].lineno + 1
