"""setup.sh and conf/spark/jvm.sh: what they make, what they export, and how they say that they cannot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.config.environment import ROOT


def sourced(script: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = ["bash", "-euo", "pipefail", "-c", f"source ./setup.sh; {script}"]
    given = os.environ | {"CORETELECOMS_PYTHON": sys.executable} | variables
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)


def test_a_start_compiles_no_module_that_was_installed() -> None:
    show = (
        "import sys, boto3, deltalake, gspread, psycopg2, pyspark.sql, jobs.__main__\n"
        "from pathlib import Path\n"
        "found = [m.__cached__ for m in sys.modules.values() if 'site-packages' in str(getattr(m, '__cached__', ''))]\n"
        "print(len(found), [path for path in found if not Path(path).exists()])"
    )
    done = subprocess.run([sys.executable, "-B", "-c", show], cwd=ROOT, capture_output=True, text=True, check=True)
    number, _, missing = done.stdout.strip().partition(" ")
    assert int(number) > 500
    assert missing == "[]"


def test_jars_may_be_read_by_others_than_who_fetched_them(tmp_path: Path) -> None:
    """An image's are fetched by root and read by hadoop."""
    path = Path("org/example/one.jar")
    (tmp_path / "maven" / path).parent.mkdir(parents=True)
    (tmp_path / "maven" / path).write_bytes(b"a jar")
    listing = f"sha256sum {tmp_path}/maven/{path} | sed 's# .*#  {path}#' >{tmp_path}/list"
    cache = tmp_path / "cache"
    more = {"CORETELECOMS_CACHE": str(cache), "CORETELECOMS_MAVEN": f"file://{tmp_path}/maven"}
    done = sourced(f"umask 022; {listing}; jars {tmp_path}/list", **more)
    assert done.returncode == 0, done.stderr
    (made,) = cache.glob("jars-*")
    assert done.stdout == f"{made}/{path}\n"
    assert [oct(one.stat().st_mode & 0o777) for one in (made, made / path.parent, made / path)] == [
        "0o755",
        "0o755",
        "0o644",
    ]


@pytest.mark.parametrize("wanted", ["environment requirements.txt", "jars conf/spark/jars.sha256"])
def test_a_cache_that_cannot_be_written_is_said_in_one_line(wanted: str) -> None:
    done = sourced(f"made=$({wanted}); echo and on", CORETELECOMS_CACHE="/proc/none")
    message = f"error: user {os.geteuid()} cannot write in /proc/none; name another folder in CORETELECOMS_CACHE\n"
    assert (done.returncode, done.stdout, done.stderr) == (78, "", message)


@pytest.mark.parametrize(
    ("given", "seen"), [(None, "127.0.0.1"), ("198.18.0.1", "198.18.0.1"), ("", "none")], ids=["none", "one", "empty"]
)
def test_java_is_never_given_an_empty_address_which_it_takes_for_loopback(given: str | None, seen: str) -> None:
    before = "unset SPARK_LOCAL_IP" if given is None else f"export SPARK_LOCAL_IP={given}"
    show = f'{sys.executable} -c \'import os; print(os.environ.get("SPARK_LOCAL_IP", "none"))\''
    done = sourced(f"{before}; source conf/spark/jvm.sh; {show}")
    assert (done.returncode, done.stdout) == (0, f"{seen}\n"), done.stderr
