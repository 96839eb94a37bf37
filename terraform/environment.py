"""Terraform's outputs into conf/env: what was made is named once.

    make env-from-terraform ENV=s3

Takes the output `environment` of terraform/aws, and of the warehouse's folder where the environment has one, and puts
its entries into conf/env/ENV.toml; comments and whatever else stands there stay.
"""

import argparse
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.container import Container

TERRAFORM = Path(__file__).parent
WAREHOUSES = {"bigquery": "gcp", "snowflake": "snowflake"}


def main() -> None:
    """Writes the file, and prints its name."""
    parser = argparse.ArgumentParser(usage="make env-from-terraform ENV=s3", description=__doc__)
    parser.add_argument("environment", help="of conf/env; bigquery and snowflake take their warehouse's outputs too")
    parser.add_argument("--folders", type=Path, default=TERRAFORM, help="where aws, gcp and snowflake are")
    parser.add_argument("--into", type=Path, default=TERRAFORM.parent / "conf/env")
    asked = parser.parse_args()
    file = asked.into / f"{asked.environment}.toml"
    document = tomlkit.parse(file.read_text(encoding="utf-8"))
    found = output(asked.folders / "aws")
    if folder := WAREHOUSES.get(asked.environment):
        found |= output(asked.folders / folder)  # its `warehouse`, not the lake's Delta tables
    put(found, document)
    file.write_text(tomlkit.dumps(document), encoding="utf-8")
    print(file)


def output(folder: Path) -> dict[str, Any]:
    """Raises SystemExit, with Terraform's own words, where nothing was applied."""
    command = ["terraform", f"-chdir={folder}", "output", "-json", "environment"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{folder}: {done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def put(found: Mapping[str, Any], into: Container | Any) -> None:
    """Tables entry by entry, everything else in the place of what was there."""
    for name, value in found.items():
        if isinstance(value, Mapping):
            if name not in into:
                into[name] = tomlkit.inline_table() if into.__class__.__name__ == "Table" else tomlkit.table()
            put(value, into[name])
        elif into.get(name) != value:
            into[name] = value


if __name__ == "__main__":
    main()
