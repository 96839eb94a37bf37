"""One run by Spark on a tiny delivery, for the class archive (conf/spark/archive.sh): it loads what days need.

Says nothing, or all that the run said, with 70, where it failed.
"""

import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from demo.faithful import generate

ROOT = Path(__file__).resolve().parents[1]
DAY = date(2025, 11, 20)
SOURCES = ("call_logs", "social_media", "customers", "agents", "web_forms")  # what needs no service but Postgres
ENVIRONMENT = """
sources = "{work}/sources"
lake = "{work}/lake"
logs = "{work}/logs"
warehouse = {{ kind = "delta", path = "{work}/bronze" }}
secrets = {{ database = "file:{work}/secrets" }}
postgres = {{ sslmode = "disable" }}
deliveries = {{ agents = {{ kind = "csv", paths = ["agents/agents.csv"] }} }}
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        work.chmod(0o755)  # Postgres may run as another user
        generate(work / "sources", [DAY], calls=300, customers=300)
        (work / "archive.toml").write_text(ENVIRONMENT.format(work=work), encoding="utf-8")
        done = subprocess.run(_command(work), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        sys.stderr.buffer.write(done.stdout)
    return 70 if done.returncode else 0


def _command(work: Path) -> list[str]:
    database = ["--folder", work / "postgres", "--secrets", work / "secrets", "--load", work / "sources/web_forms"]
    run = ["run", "--engine", "spark", "--env", work / "archive.toml", "--date", DAY]
    chosen = [option for source in SOURCES for option in ("--source", source)]
    command = [sys.executable, "-m", "demo.postgres", *database, "--", ROOT / "spark-submit.sh", *run, *chosen]
    return [str(word) for word in command]


if __name__ == "__main__":
    sys.exit(main())
