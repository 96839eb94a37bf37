import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from jobs.config.environment import Environment, load_environment

DAY = date(2025, 11, 21)
DAYS = tuple(date(2025, 11, day) for day in (20, 21, 22, 23))
TEMPLATES = {
    "call_logs": "call logs/call_logs_day_{}.csv",
    "social_media": "social_medias/media_complaint_day_{}.json",
    "customers": "customers/customers_dataset.csv",
    "agents": "agents/agents.csv",
}

AGENTS_FROM_A_FILE = '[deliveries]\nagents = { kind = "csv", paths = ["agents/agents.csv"] }\n'

NIGHTLY = os.environ.get("CORETELECOMS_NIGHTLY") == "1"  # what takes too long, or fetches too much, for each change

# Whatever a library looks for in a cloud, it finds nothing.
os.environ.update(AWS_EC2_METADATA_DISABLED="true", GCE_METADATA_HOST="127.0.0.1:9", NO_GCE_CHECK="true")


@dataclass(frozen=True)
class World:
    """An environment of its own under a temporary folder: sources, lake, Bronze."""

    root: Path

    @property
    def file(self) -> Path:
        return self.root / "env.toml"

    @property
    def environment(self) -> Environment:
        return load_environment(str(self.file))

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    @property
    def bronze(self) -> Path:
        return self.root / "bronze"

    def deliver(self, source: str, content: bytes, day: date = DAY) -> Path:
        """A new object each time, as a supplier who sends a file again makes one."""
        path = self.root / "sources" / TEMPLATES[source].format(day)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def raw_files(self) -> set[Path]:
        return {path for path in (self.lake / "raw").rglob("*") if path.is_file()}


@pytest.fixture(scope="session", autouse=True)
def no_database_stays_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Started by root, Postgres lies outside of pytest's folders, which its user cannot enter."""
    yield
    if server := sys.modules.get("demo.server"):
        ours = tmp_path_factory.getbasetemp()
        server.forget(lambda folder: folder.is_relative_to(ours))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def make_world(root: Path, agents_from_a_file: bool = True, warehouse: str = "") -> World:
    """`warehouse`: its TOML table, inline; Delta where it is left out."""
    world = World(root)
    warehouse = warehouse or f'{{ kind = "delta", path = "{root}/bronze" }}'
    world.file.write_text(
        f'sources = "{root}/sources"\nlake = "{root}/lake"\nlogs = "{root}/logs"\n'
        f"warehouse = {warehouse}\n"
        'postgres = { sslmode = "disable" }\n'
        "retries = { landing = [0.1, 0.1, 0.1], http_backoff = 0.01 }\n"
        f"{secrets_and_services(root)}{AGENTS_FROM_A_FILE if agents_from_a_file else ''}"
    )
    (root / "sources").mkdir(exist_ok=True)
    return world


def secrets_and_services(root: Path) -> str:
    """Every reference that the shipped source contracts need, as files below `root`."""
    return (
        f'services = {{ sheets = "file:{root}/services/sheets", outages = "file:{root}/services/outages" }}\n'
        'spreadsheets = { agents = "demo-agents" }\n'
        f'[secrets]\ndatabase = "file:{root}/secrets"\n'
        f'sheets_key = "file:{root}/services/sheets_key.json"\noutages_token = "file:{root}/services/outages_token"\n'
    )
