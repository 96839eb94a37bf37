"""What all benchmarks share: days, environments, and the code that this one is compared with."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from bench.cpu import Usage, measured

ROOT = Path(__file__).resolve().parents[1]
DAYS = tuple(date(2025, 11, number) for number in (20, 21, 22, 23))
CUSTOMERS = 20_000  # for 100,000 calls; not the 2.5 million that are delivered once: the day is measured
OFFLINE = {"AWS_EC2_METADATA_DISABLED": "true", "GCE_METADATA_HOST": "127.0.0.1:9", "NO_GCE_CHECK": "true"}
BEFORE = "ce44c05"  # the last commit whose rows were read and written by Spark
KEPT = ("JARS", "LARGE", "JAVA_HOME")


def clean_environment() -> dict[str, str]:
    """Ours, without what would tune Spark; Python keeps what it compiled, as it does by itself and as the images do."""
    tuned = ("SPARK_", "CORETELECOMS_JVM", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(tuned)}
    return kept | OFFLINE | {"PYTHONPATH": str(ROOT)}


def spark_environment() -> dict[str, str]:
    """What `spark-submit.sh --master` starts Spark's JVM with, and the jars; made first where they are missing."""
    subprocess.run([ROOT / "conf/spark/archive.sh"], check=True, env=clean_environment(), stdout=sys.stderr)
    script = "source ./setup.sh && source conf/spark/jvm.sh && JARS=$JARS LARGE=$LARGE exec env -0"
    found = subprocess.run(["bash", "-c", script], cwd=ROOT, env=clean_environment(), check=True, capture_output=True)
    variables = dict(line.split("=", 1) for line in found.stdout.decode().split("\0") if line)
    return {name: value for name, value in variables.items() if name in KEPT or "SPARK_" in name}


def stock_environment(spark: Mapping[str, str]) -> dict[str, str]:
    """Of `spark_environment`, what Spark as it comes would have too."""
    kept = {name: spark[name] for name in ("SPARK_HOME", "JAVA_HOME", "PYSPARK_PYTHON", "SPARK_LOCAL_IP", "JARS")}
    return kept | {"SPARK_SUBMIT_OPTS": f"-Dlog4j2.configurationFile=file:{ROOT}/conf/spark/log4j2.properties"}


def before() -> Path | None:
    """A checkout of `BEFORE` in the cache, with all that it needs; None where this clone does not have that commit."""
    known = subprocess.run(
        ["git", "cat-file", "-e", f"{BEFORE}^{{commit}}"], cwd=ROOT, check=False, capture_output=True
    )
    if known.returncode:
        say(f"{BEFORE} is not in this clone (a shallow one?): nothing is compared with it")
        return None
    cache = (
        os.environ.get("CORETELECOMS_CACHE")
        or f"{os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'}/coretelecoms"
    )
    made = Path(cache) / f"checkout-{BEFORE}"
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f"{made.name}.", dir=made.parent))
        archive = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", fresh], input=archive, check=True)
        fresh.chmod(0o755)
        fresh.rename(made)
    environment = clean_environment() | {"PYTHONPATH": str(made)}
    for command in ("./setup.sh", "conf/spark/archive.sh"):
        subprocess.run([command], cwd=made, check=True, env=environment, stdout=subprocess.DEVNULL)
    return made


def five_contracts(work: Path, root: Path = ROOT) -> Path:
    """Source contracts without the outages, which no peer reads."""
    without = shutil.ignore_patterns("service_outages.toml")
    return Path(shutil.copytree(root / "conf/sources", work / f"contracts-{root.name}", ignore=without))


def write_environment(work: Path, name: str = "bench.toml", root: Path = ROOT) -> Path:
    """Five sources, as the peers read them: agents from a file, no outages. `root`: of the code that reads."""
    five_contracts(work, root)
    file = work / name
    file.write_text(
        f'sources = "{work}/sources"\nlake = "{work}/lake"\nlogs = "{work}/logs"\n'
        f'warehouse = {{ kind = "delta", path = "{work}/lake/bronze" }}\n'
        f'contracts = "{work}/contracts-{root.name}"\n'
        f'secrets = {{ database = "file:{work}/secrets" }}\n'
        'postgres = { sslmode = "disable" }\n'
        'deliveries = { agents = { kind = "csv", paths = ["agents/agents.csv"] } }\n',
        encoding="utf-8",
    )
    return file


def run(command: list[str], work: Path, environment: Mapping[str, str], folder: Path = ROOT) -> Usage:
    """A command measured; its output is in `work / "log"`. Raises SystemExit where it fails."""
    usage = measured(command, work / "usage.json", dict(environment), folder, work / "log")
    if usage.code:
        output = (work / "log").read_text(encoding="utf-8", errors="replace")
        raise SystemExit(f"{' '.join(command)[:400]} ended with {usage.code}:\n{output[-4000:]}")
    return usage


def machine(load_before: float, java_home: str = "") -> str:
    """Processors, versions and load, in words."""
    cpus = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(": ")[2] for line in cpus if line.startswith("model name")), platform.machine())
    names = ("pyarrow", "msgspec", "deltalake", *(("pyspark",) if java_home else ()))
    packages = ", ".join(f"{package} {version(package)}" for package in names)
    load = f"load {load_before:.1f} before, {os.getloadavg()[0]:.1f} after"
    return f"{os.cpu_count()} x {model}, Python {platform.python_version()}{_java(java_home)}, {packages}; {load}"


def _java(home: str) -> str:
    if not home:
        return ""
    release = Path(home, "release").read_text(encoding="utf-8")
    found = next(line.partition("=")[2].strip('"') for line in release.splitlines() if line.startswith("JAVA_VERSION="))
    return f", Java {found}"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
