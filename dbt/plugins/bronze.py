"""dbt-duckdb plugin: shows the Delta tables of Bronze to dbt as the catalog `bronze`, offline.

One version of each table is read by a whole build, also while another run loads. A source that has not arrived yet
is an empty table with the columns of its source contract.
"""

import tomllib
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

CATALOG, SCHEMA = "bronze", "coretelecoms_bronze"
_METADATA = {
    "_ingested_at": "timestamptz",
    "_source_system": "varchar",
    "_source_uri": "varchar",
    "_run_id": "varchar",
    "_rescued": "varchar",
    "ingest_date": "date",
}


class Plugin(BasePlugin):
    """Configured by `folder` (Bronze) and `contracts` (the folder of the source contracts)."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        self._folder = Path(plugin_config["folder"]).resolve()
        self._contracts = Path(plugin_config["contracts"]).resolve()

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        load_delta(conn)
        attach(conn, self._folder, self._contracts)


def load_delta(connection: DuckDBPyConnection) -> None:
    """From the wheel's own file, so that neither the network nor a home folder is asked."""
    package = find_spec("duckdb_extension_delta")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("duckdb-extension-delta is not installed in this environment")
    file = Path(package.origin).parent / "extensions" / f"v{version('duckdb')}" / "delta.duckdb_extension"
    connection.execute(f"LOAD {_quoted(str(file))}")


def attach(connection: DuckDBPyConnection, folder: Path, contracts: Path) -> None:
    """A catalog in memory: a view a source, pinned to the newest version there is now."""
    connection.execute(f"ATTACH ':memory:' AS {CATALOG}")
    connection.execute(f"CREATE SCHEMA {CATALOG}.{SCHEMA}")
    for path in sorted(contracts.glob("*.toml")):
        table = folder / path.stem
        name = f"{CATALOG}.{SCHEMA}.{path.stem}"
        newest = newest_version(table)
        if newest is None:
            connection.execute(f"CREATE TABLE {name} ({_columns(path)})")
        else:
            scan = f"delta_scan({_quoted(str(table))}, version => {newest})"
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {scan}")


def newest_version(table: Path) -> int | None:
    """Of a Delta table, as its log says; None where there is no table."""
    commits = (table / "_delta_log").glob("[0-9]" * 20 + ".json")
    return max((int(path.stem) for path in commits), default=None)


def _columns(contract: Path) -> str:
    landed = tomllib.loads(contract.read_text(encoding="utf-8"))["columns"].values()
    return ", ".join(f'"{name}" {kind}' for name, kind in (dict.fromkeys(landed, "varchar") | _METADATA).items())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
