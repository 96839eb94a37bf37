"""Builds by dbt's Python, one after the other in one process: a JSON line in (arguments of build), one out.

[exit code, what the user reads]. Started by `python -m jobs dbt --env E -- PYTHON tests/builds.py`.
"""

import json
import sys
from datetime import date
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1] / "dbt")  # not this folder, whose `dbt` is not dbt

from build import build  # noqa: E402  # dbt/build.py, which is a script
from warehouse import BuildError  # noqa: E402

for line in sys.stdin:
    asked = json.loads(line)
    days = [date.fromisoformat(asked["day"])] * 2 if "day" in asked else [None, None]
    try:
        answer = [0, build(*days, dbt_arguments=asked["more"])]
    except BuildError as error:
        answer = [error.code, str(error)]
    print(json.dumps(answer), flush=True)
