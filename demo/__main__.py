"""The newcomer's demo: four days of six sources, generated, landed and loaded by the one command users have.

python -m demo [--calls N] [--customers N] [--master URL]
"""

import argparse
import os
import resource
import sys
from datetime import date
from functools import partial
from pathlib import Path

from demo import services
from demo.faithful import days_between, generate
from demo.postgres import run, serving
from demo.server import ServerError

ROOT = Path(__file__).resolve().parents[1]
LOCAL = ROOT / ".local"
FIRST, LAST = date(2025, 11, 20), date(2025, 11, 23)


def main() -> int:
    """Returns the run's exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000, help="calls a day; the real telecom has 378993")
    parser.add_argument("--customers", type=int, default=50_000, help="customers; the real telecom has 2499948")
    parser.add_argument("--master", default="", help="read by Spark, on this master: local[2], spark://host:7077")
    options = parser.parse_args()
    _say(f"sources for {FIRST} to {LAST} in {LOCAL / 'sources'}")
    generate(LOCAL / "sources", days_between(FIRST, LAST), options.calls, options.customers)
    days = ["--from", str(FIRST), "--to", str(LAST)]
    _say("Postgres with the web forms, agents as a Google Sheet, outages by a REST API: all on loopback")
    try:
        with (
            serving(LOCAL / "postgres") as server,
            services.serving(partial(services.agents_of, LOCAL / "sources")) as web,
        ):
            web.write_secrets(LOCAL / "secrets/services")
            server.load_web_forms(LOCAL / "sources/web_forms")
            server.write_secrets(LOCAL / "secrets/database")
            command = ["./spark-submit.sh", "run", *days, *(["--master", options.master] if options.master else [])]
            _say(" ".join(command))
            code = run(command)
    except ServerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 69
    if code == 0:
        code = _shown(days)
    _say(f"lake and Bronze in {LOCAL / 'lake'}; {_cpu_seconds():.0f} CPU-seconds in all")
    return code


def _shown(days: list[str]) -> int:
    """Silver and Gold, the headline, the pages: what was landed is for this."""
    for command in (["./dbt.sh", "build", *days], ["./dbt.sh", "headline"], ["make", "--no-print-directory", "pages"]):
        _say(" ".join(command))
        if code := run(command):
            return code
    return 0


def _say(text: str) -> None:
    print(f"demo: {text}", flush=True)


def _cpu_seconds() -> float:
    """Of this process and all that it started and waited for: generator, Postgres, Spark."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
