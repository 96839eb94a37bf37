"""All files that a draft becomes: new ones, and those of dbt that name every feed."""

import re
from datetime import UTC, datetime
from pathlib import Path
from textwrap import wrap

from jobs.adopt.contract import write_contract
from jobs.adopt.described import write_description
from jobs.adopt.draft import Draft
from jobs.adopt.entries import add_entries
from jobs.adopt.fixture import make_rows, place_fixture, write_fixture
from jobs.adopt.silver import write_model
from jobs.config.toml import show_path
from jobs.errors import ConfigurationError

SOURCES, FEEDS = "dbt/models/silver/sources.yml", "dbt/macros/feeds.sql"
CHANNELS = "dbt/seeds/channels.csv"
_LIST = re.compile(r"return\(\[(.*?)\]\)", re.DOTALL)


def make_files(draft: Draft, root: Path, contracts: Path, environment: Path) -> dict[Path, bytes]:
    """`root`: the project's folder; `environment`: its file, which gets what the source takes from it.

    The source contract comes last: with it the feed is there. Raises ConfigurationError where one of them is already.
    """
    name, silver = draft.contract.name, root / "dbt/models/silver"
    if not (root / SOURCES).exists():
        raise ConfigurationError(
            f"{show_path(root / SOURCES)}: found nothing; adopt writes into a checkout, with dbt in it"
        )
    sql, rows = write_model(draft.contract, draft.forms), make_rows(draft)
    day = max(draft.found.days, default=datetime.now(UTC).date())
    described = write_description(draft.contract, draft.forms, sql, rows)
    new = {
        root / "tests/deliveries" / place_fixture(draft, day): write_fixture(
            draft.contract.delivery, draft.found.samples.headers, rows, day
        ),
        silver / f"stg_{name}.sql": sql.encode(),
        silver / f"stg_{name}.yml": described.encode(),
        contracts / f"{name}.toml": write_contract(draft.contract, draft.forms).encode(),
    }
    if there := sorted(show_path(path) for path in new if path.exists()):
        raise ConfigurationError(f"{there} are there already; allowed is a name that nothing has")
    changed = {
        root / SOURCES: _name_table((root / SOURCES).read_text(encoding="utf-8"), draft).encode(),
        root / FEEDS: _name_feed((root / FEEDS).read_text(encoding="utf-8"), name).encode(),
    }
    if complaint := draft.contract.complaint:
        listed = (root / CHANNELS).read_text(encoding="utf-8").rstrip()
        key = complaint.channel.lower().replace(" ", "_")
        changed[root / CHANNELS] = f"{listed}\n{key},{complaint.channel},\n".encode()
    if draft.found.entries:
        changed[environment] = add_entries(environment, draft.found.entries)
    return changed | new


def _name_table(text: str, draft: Draft) -> str:
    """Bronze's table with its columns, behind the others."""
    columns = "".join(f"          - name: {column}\n" for column in draft.contract.columns.values())
    described = draft.contract.description.replace("\n", " ").replace('"', "'")
    return (
        f"{text.rstrip()}\n      - name: {draft.contract.name}\n"
        f'        description: "{described}"\n        columns:\n{columns}'
    )


def _name_feed(text: str, name: str) -> str:
    """The first list of names in it is that of the feeds."""
    found = _LIST.search(text)
    assert found, FEEDS
    names = [*re.findall(r"'(\w+)'", found[1]), name]
    lines = wrap(", ".join(f"'{one}'" for one in names), 110, break_on_hyphens=False)
    listed = "".join(f"\n        {line}" for line in lines) + "\n    " if len(lines) > 1 else lines[0]
    return f"{text[: found.start(1)]}{listed}{text[found.end(1) :]}"
