"""What Spark's JVM is started with on this machine: the same for a session of Python's own and for spark-submit."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.clients.location import ROOT
from jobs.errors import ConfigurationError, ServiceError


@dataclass(frozen=True)
class Jvm:
    """`variables`: of the process that starts it; `class_path`, `jars`: files; `large_flags`: for much to read."""

    variables: dict[str, str]
    class_path: tuple[str, ...]
    jars: tuple[str, ...]
    large_flags: str
    cache: Path

    def options(self, ships_class_path: bool = False) -> list[str]:
        """Of spark-submit. `ships_class_path`: other machines have none of its jars."""
        memory = os.environ.get("CORETELECOMS_DRIVER_MEMORY") or "2g"
        options = ["--driver-memory", memory, "--driver-class-path", ":".join(self.class_path)]
        jars = [*(self.class_path if ships_class_path else ()), *self.jars]
        return [*options, "--jars", ",".join(jars)] if jars else options


def find_jvm(jar_lists: Sequence[str] = (), variables: Mapping[str, str] = os.environ) -> Jvm:
    """What is missing is made or downloaded first, once. `jar_lists`: of conf/spark, besides Spark's own.

    Raises ServiceError where a download failed, ConfigurationError where anything else did.
    """
    command = [str(ROOT / "conf/spark/exports.sh"), *jar_lists]
    done = subprocess.run(command, env=dict(variables), stdout=subprocess.PIPE, check=False)
    if done.returncode:
        kind = ServiceError if done.returncode == ServiceError.exit_code else ConfigurationError
        raise kind(f"Spark cannot be set up (exit {done.returncode}); what is missing is said above")
    pairs = (pair.partition("=") for pair in done.stdout.decode().split("\0") if pair)
    found = {name: value for name, _, value in pairs}
    class_path, jars = (tuple(filter(None, found.pop(name).split(":"))) for name in ("class_path", "jars"))
    large_flags, cache = found.pop("large_flags"), Path(found.pop("cache"))
    return Jvm(found, class_path, jars, large_flags, cache)
