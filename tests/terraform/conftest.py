import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.clients.location import ROOT
from tests.s3.server import Server
from tests.terraform.command import Folder, copy_of
from tests.terraform.stand_in import aws

KEYS = {"AWS_ACCESS_KEY_ID": "operator", "AWS_SECRET_ACCESS_KEY": "nothing", "AWS_REGION": "eu-north-1"}
# What init says where a provider cannot be had on this machine; anything else is a failure.
_NOT_HAD = (
    "Failed to query available provider packages",
    "Failed to install provider",
    "could not query provider registry",
)


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Of every terraform here. Skips where there is none."""
    if not shutil.which("terraform"):
        pytest.skip("terraform is not on PATH: nothing of terraform/ was tried")
    found = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "TF_CLI_ARGS": "-no-color", **KEYS}
    return found | {"TF_CLI_CONFIG_FILE": _providers()}


def _providers() -> str:
    """Where the registry cannot be reached, a CLI configuration may name a mirror.

    TF_CLI_CONFIG_FILE does, or what terraform-schema-providers/build in a folder beside this checkout prints.
    """
    given = os.environ.get("TF_CLI_CONFIG_FILE", "")
    if Path(given).is_file():
        return given
    for build in sorted(ROOT.parent.glob("*/terraform-schema-providers/build")):
        return subprocess.run([build], capture_output=True, text=True, check=False).stdout.strip()
    return ""


@pytest.fixture(scope="session")
def initialised(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Folder]:
    """A copy of a folder of terraform/ with its provider; skips, with Terraform's words, where that cannot be had."""

    def initialise(name: str, *arguments: str, target: Path | None = None, **variables: Any) -> Folder:
        folder = copy_of(name, target or tmp_path_factory.mktemp(name) / name, environment, **variables)
        is_locked = (folder.path / ".terraform.lock.hcl").exists()
        done = folder("init", *(["-lockfile=readonly"] if is_locked else []), *arguments)
        skip_where_no_provider(name, done)
        assert done.returncode == 0, done.stderr
        return folder

    return initialise


def skip_where_no_provider(name: str, done: "subprocess.CompletedProcess[str]") -> None:
    if done.returncode and any(reason in done.stderr for reason in _NOT_HAD):
        pytest.skip(f"terraform/{name}: its provider cannot be had here: {' '.join(done.stderr.split())[:400]}")


@pytest.fixture(scope="session")
def cloud(environment: dict[str, str]) -> Iterator[Server]:
    with aws() as server:
        environment["AWS_ENDPOINT_URL"] = server.url
        yield server
        del environment["AWS_ENDPOINT_URL"]


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """All that lies in a folder or, packed, in its plan files: name -> text."""
    for path in (path for path in folder.rglob("*") if path.is_file() and ".terraform" not in path.parts):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                yield from (
                    (f"{path.name}/{name}", packed.read(name).decode(errors="replace")) for name in packed.namelist()
                )
        else:
            yield path.name, path.read_text(errors="replace")
