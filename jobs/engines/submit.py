"""`--master`: Spark's own spark-submit takes this process's place, and starts the same command as its driver."""

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import NoReturn
from zipfile import ZIP_DEFLATED, ZipFile

from jobs.clients.location import ROOT
from jobs.config.environment import Environment
from jobs.engines.jvm import Jvm, find_jvm
from jobs.engines.session import list_jars
from jobs.errors import ConfigurationError

_PROGRAM = "jobs/__main__.py"


def submit(environment: Environment, master: str, arguments: Sequence[str]) -> NoReturn:
    """`arguments`: of this program, for the driver. Raises ConfigurationError, or ServiceError, before it goes."""
    is_cluster = not master.startswith("local")
    # Set to nothing it is this machine's own address, not loopback: executors come back to the driver.
    jvm = find_jvm(list_jars(environment), ({"SPARK_LOCAL_IP": ""} if is_cluster else {}) | dict(os.environ))
    options = ["--master", master, *jvm.options(ships_class_path=is_cluster)]
    if is_cluster:
        # A cluster's machines need Spark and nothing else: the package and the pinned jars are handed over.
        options += ["--py-files", str(package(jvm.cache))]
        own = jvm.variables["PYSPARK_PYTHON"]
        theirs = environment.spark.get("spark.pyspark.python", own)  # as Spark's own spark-submit hands it on
        variables = {"CORETELECOMS_ROOT": str(ROOT), "PYSPARK_DRIVER_PYTHON": own, "PYSPARK_PYTHON": theirs}
        jvm.variables.update(variables)
    _become_spark_submit(jvm, [*options, str(ROOT / _PROGRAM), *arguments])


def _become_spark_submit(jvm: Jvm, arguments: Sequence[str]) -> NoReturn:
    program = f"{jvm.variables['SPARK_HOME']}/bin/spark-submit"
    os.execve(program, [program, *arguments], jvm.variables)  # noqa: S606 - what it starts is this program again


def package(cache: Path) -> Path:
    """The `jobs` package as a zip, made once for its content. Raises ConfigurationError where it cannot be written."""
    modules = sorted((ROOT / "jobs").rglob("*.py"))
    made = cache / f"jobs-{_make_digest(modules)}.zip"
    if made.is_file():
        return made
    unfinished = made.with_name(f"{made.name}.{os.getpid()}")
    try:
        _write_zip(unfinished, modules)
        unfinished.replace(made)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise ConfigurationError(
            f"user {os.geteuid()} cannot write {made} ({error.strerror}); name another folder in CORETELECOMS_CACHE"
        ) from error
    return made


def _make_digest(modules: Sequence[Path]) -> str:
    digest = sha256()
    for module in modules:
        digest.update(f"{module.relative_to(ROOT)}\0".encode() + sha256(module.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _write_zip(path: Path, modules: Sequence[Path]) -> None:
    with ZipFile(path, "w", ZIP_DEFLATED, strict_timestamps=False) as archive:
        for module in modules:
            archive.write(module, module.relative_to(ROOT))
