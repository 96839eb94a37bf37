"""`--master`: what Spark's own spark-submit is started with, and what never starts it. A recorder stands in for it."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.config.environment import ROOT
from jobs.engines.submit import package
from jobs.errors import ConfigurationError
from tests.conftest import World, make_world

Submit = Callable[..., "subprocess.CompletedProcess[str]"]
DAY = ("--date", "2025-11-20")
KEPT = ("CORETELECOMS_ROOT", "SPARK_LOCAL_IP", "SPARK_SUBMIT_OPTS", "PYTHONPATH", "class_path", "jars")
RECORDER = f"""#!{sys.executable}
import json, os, sys
print(json.dumps([sys.argv[1:], {{name: os.environ.get(name) for name in {KEPT}}}]))
"""


def jars_of(listed: str, cache: Path | None = None) -> str:
    command = [ROOT / "setup.sh", f"conf/spark/{listed}.sha256"]
    variables = {"CORETELECOMS_PYTHON": sys.executable} | ({"CORETELECOMS_CACHE": str(cache)} if cache else {})
    return subprocess.run(
        command, env=os.environ | variables, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """With the pinned jars, and nothing else."""
    made = tmp_path / "cache"
    made.mkdir()
    for listed in ("jars", "bigquery"):
        jars = next(folder for folder in Path(jars_of(listed).split(":")[0]).parents if folder.name.startswith("jars-"))
        shutil.copytree(jars, made / jars.name, copy_function=os.symlink)
    return made


@pytest.fixture
def submit(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Submit:
    """The command, by a Python beside which the recorder is Spark's."""
    spark = tmp_path / "lib/python3.11/site-packages/pyspark/bin/spark-submit"
    python = tmp_path / "bin/python"
    for program, text in ((spark, RECORDER), (python, f'#!/bin/sh\nexec {sys.executable} "$@"\n')):
        program.parent.mkdir(parents=True)
        program.write_text(text)
        program.chmod(0o755)
    for name in ("SPARK_LOCAL_IP", "SPARK_SUBMIT_OPTS", "PYTHONPATH", "CORETELECOMS_ROOT", "CORETELECOMS_JVM"):
        monkeypatch.delenv(name, raising=False)

    def started(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        variables = {"CORETELECOMS_PYTHON": str(python), "CORETELECOMS_CACHE": str(cache)} | more
        command = [str(ROOT / "spark-submit.sh"), *words]
        return subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)

    return started


def recorded(done: "subprocess.CompletedProcess[str]") -> tuple[list[str], dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    words, variables = json.loads(done.stdout)
    return words, variables


def test_on_this_machine_spark_gets_the_class_path_and_stays_on_loopback(submit: Submit, cache: Path) -> None:
    given = ["run", *DAY, "--master", "local[2]"]
    words, variables = recorded(submit(*given, CORETELECOMS_DRIVER_MEMORY="3g"))
    class_path = jars_of("jars", cache)
    options = ["--master", "local[2]", "--driver-memory", "3g", "--driver-class-path", class_path]
    assert words == [*options, f"{ROOT}/jobs/__main__.py", *given]
    assert class_path.startswith(f"{cache}/jars-")
    assert (variables["CORETELECOMS_ROOT"], variables["SPARK_LOCAL_IP"]) == (None, "127.0.0.1")
    assert "-XX:TieredStopAtLevel=1" in variables["SPARK_SUBMIT_OPTS"]
    assert str(ROOT) in variables["PYTHONPATH"].split(":")
    assert (variables["class_path"], variables["jars"]) == (None, None)


def test_a_cluster_is_handed_the_package_and_the_jars_and_finds_the_driver(submit: Submit, cache: Path) -> None:
    words, variables = recorded(submit("--master=spark://h:7077", "ingest", *DAY))
    options = dict(zip(words[:10:2], words[1:10:2], strict=True))
    assert options["--driver-memory"] == "2g"
    assert options["--jars"].split(",") == options["--driver-class-path"].split(":")
    assert options["--py-files"] == str(package(cache))
    assert variables["CORETELECOMS_ROOT"] == str(ROOT)
    assert variables["SPARK_LOCAL_IP"] is None


def test_a_driver_keeps_the_address_that_it_was_given(submit: Submit) -> None:
    _, variables = recorded(submit("run", *DAY, "--master", "spark://h:7077", SPARK_LOCAL_IP="198.18.0.1"))
    assert variables["SPARK_LOCAL_IP"] == "198.18.0.1"


def test_a_load_goes_to_spark_for_bigquery_alone(submit: Submit, world: World) -> None:
    given = ["load", *DAY, "--env", str(world.file), "--master", "local[2]"]
    assert "driver-memory" not in submit(*given).stdout
    warehouse = '{ kind = "bigquery", project = "p-123456", location = "EU", secret = "database" }'
    make_world(world.root, warehouse=warehouse)
    words, _ = recorded(submit(*given))
    assert "bigquery" in words[words.index("--jars") + 1]


@pytest.mark.parametrize(
    ("words", "code"), [(["run", "-h"], 0), (["run"], 64), (["run", *DAY, "--env", "none"], 78), (["check"], 0)]
)
def test_what_needs_no_spark_never_starts_it(submit: Submit, words: list[str], code: int) -> None:
    done = submit(*words, "--master", "spark://h:7077")
    assert (done.returncode, "driver-memory" in done.stdout) == (code, False), done.stderr


def test_a_submit_to_a_cluster_ends_where_the_package_cannot_be_made(submit: Submit, cache: Path) -> None:
    made = package(cache)
    made.unlink()
    (made / "in the way").mkdir(parents=True)
    done = submit("run", *DAY, "--master", "spark://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (78, ""), done.stderr
    assert f"cannot write {made}" in done.stderr
    assert [path.name for path in cache.glob("*.zip*")] == [made.name]


def test_the_package_is_named_by_its_content_and_made_once(tmp_path: Path) -> None:
    made = package(tmp_path)
    with zipfile.ZipFile(made) as archive:
        assert "jobs/engines/submit.py" in archive.namelist()
    before = made.stat().st_mtime_ns
    assert package(tmp_path) == made
    assert made.stat().st_mtime_ns == before
    assert [path.name for path in tmp_path.iterdir()] == [made.name]


def test_a_cache_that_is_no_folder_is_said_in_one_line() -> None:
    with pytest.raises(ConfigurationError, match=r"cannot write /proc/none/jobs-.*CORETELECOMS_CACHE"):
        package(Path("/proc/none"))
