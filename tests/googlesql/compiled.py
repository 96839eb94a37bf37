"""What dbt's own Jinja makes of macros and staging models for each warehouse; no server is asked."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# An environment's lock file to the adapters that it has, and their targets of the profile.
ADAPTERS = {
    "requirements/dbt-bigquery.txt": {"bigquery": "bigquery", "duckdb": "local"},
    "requirements/dbt-snowflake.txt": {"snowflake": "snowflake"},
}
DELIVERED = "delivered_rows"  # what the models read instead of a source
# A source is asked for by name, and whether a model's table is there is asked of the warehouse.
STAND_INS = f"""
{{% macro source(schema, name) %}} {DELIVERED} {{% endmacro %}}
{{% macro is_incremental() %}} {{{{ return(false) }}}} {{% endmacro %}}
"""


def compiled(lock: str, expressions: dict[str, str]) -> dict[str, dict[str, str]]:
    """Of each adapter of an environment: the SQL of each stg_ model, and of the expressions (name to Jinja)."""
    python = subprocess.run([ROOT / "setup.sh", lock], check=True, capture_output=True, text=True).stdout.strip()
    with TemporaryDirectory() as folder:
        _project(Path(folder), expressions)
        command = [python, __file__, folder, lock]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"HOME": folder})
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, dict[str, str]] = json.loads((Path(folder) / "compiled.json").read_text(encoding="utf-8"))
    return found


def _project(folder: Path, expressions: dict[str, str]) -> None:
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(ROOT / "dbt" / name, folder)
    for name in ("macros", "plugins"):
        shutil.copytree(ROOT / "dbt" / name, folder / name)
    (folder / "macros/stand_ins.sql").write_text(STAND_INS, encoding="utf-8")
    (folder / "models/silver").mkdir(parents=True)
    for model in (ROOT / "dbt/models/silver").glob("stg_*.sql"):
        shutil.copy(model, folder / "models/silver")
    (folder / "models/silver/int_days_begun.sql").write_text("select 1 as is_before_them", encoding="utf-8")
    (folder / "analyses").mkdir()
    for name, jinja in expressions.items():
        (folder / "analyses" / f"{name}.sql").write_text(jinja, encoding="utf-8")


def _compile(folder: str, lock: str) -> None:
    """In that environment, for importing dbt is what costs."""
    os.environ |= {"CORETELECOMS_WAREHOUSE": f"{folder}/none.duckdb", "CORETELECOMS_DBT": folder}
    os.environ |= {"CORETELECOMS_BRONZE": folder, "CORETELECOMS_CONTRACTS": folder}
    for variable in ("PROJECT", "SNOWFLAKE_ACCOUNT", "SNOWFLAKE_USER"):
        os.environ[f"CORETELECOMS_{variable}"] = "none"
    from dbt.cli.main import dbtRunner

    arguments = ["compile", "--project-dir", folder, "--profiles-dir", folder, "--no-introspect", "--no-populate-cache"]
    made = {}
    for adapter, target in ADAPTERS[lock].items():
        places = ["--target", target, "--target-path", f"{folder}/{adapter}"]
        done: Any = dbtRunner().invoke([*arguments, "--quiet", *places])
        if not done.success:
            sys.exit(f"{adapter}: {done.exception or [one.message for one in done.result.results]}")
        made[adapter] = {one.node.name: one.node.compiled_code for one in done.result.results}
    Path(folder, "compiled.json").write_text(json.dumps(made), encoding="utf-8")


if __name__ == "__main__":
    _compile(*sys.argv[1:])
