"""The personal columns of the source contracts into terraform/gcp/personal.json, which Terraform can read.

    make personal-columns

The analysts' views leave these columns out. A test holds the file against the contracts.
"""

import json
import tomllib
from pathlib import Path

FILE = Path(__file__).parent / "gcp/personal.json"
CONTRACTS = Path(__file__).parents[1] / "conf/sources"


def main() -> None:
    """Writes the file, and prints its name."""
    contracts = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in CONTRACTS.glob("*.toml")}
    # `_rescued` may hold anything, until someone decides.
    found = {name: contract.get("personal", {}) | {"_rescued": "undecided"} for name, contract in contracts.items()}
    FILE.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(FILE)


if __name__ == "__main__":
    main()
