"""dbt-duckdb plugin: shows the Delta tables of Bronze to dbt as the catalog `bronze`, offline.

One version of each table is read by a whole build, also while another run loads. A source that has not arrived yet
is an empty table with the columns of its source contract.
"""

import os
import re
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
    """Configured by `folder` (Bronze; or s3://bucket/prefix) and `contracts` (the folder of the source contracts)."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        folder = str(plugin_config["folder"])
        self._folder = folder if is_on_s3(folder) else str(Path(folder).resolve())
        self._contracts = Path(plugin_config["contracts"]).resolve()

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        if is_on_s3(self._folder):
            reach_s3(conn)
        load_extension(conn, "delta")
        attach(conn, self._folder, self._contracts)


def is_on_s3(folder: str) -> bool:
    return folder.startswith("s3://")


def load_extension(connection: DuckDBPyConnection, name: str) -> None:
    """From the wheel's own file, so that neither the network nor a home folder is asked."""
    package = find_spec(f"duckdb_extension_{name}")
    if package is None or package.origin is None:
        raise ModuleNotFoundError(f"duckdb-extension-{name} is not installed in this environment")
    file = Path(package.origin).parent / "extensions" / f"v{version('duckdb')}" / f"{name}.duckdb_extension"
    connection.execute(f"LOAD {_quoted(str(file))}")


def reach_s3(connection: DuckDBPyConnection) -> None:
    """With the credentials and at the address that AWS's own variables, files or instance role give."""
    for name in ("httpfs", "aws"):
        load_extension(connection, name)
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "eu-north-1"
    options = {"PROVIDER": "credential_chain", "REGION": _quoted(region)}
    if endpoint:
        scheme, _, host = endpoint.rstrip("/").partition("://")
        options |= {"ENDPOINT": _quoted(host), "URL_STYLE": "'path'", "USE_SSL": str(scheme == "https")}
    secret_options = ", ".join(f"{name} {value}" for name, value in options.items())
    connection.execute(f"CREATE OR REPLACE SECRET bronze (TYPE s3, {secret_options})")


def attach(connection: DuckDBPyConnection, folder: str, contracts: Path) -> None:
    """A catalog in memory: a view a source, pinned to the newest version there is now."""
    # Looked up before anything is made: dbt calls again after an error, and has to meet the same one.
    versions = {path: newest_version(connection, f"{folder}/{path.stem}") for path in sorted(contracts.glob("*.toml"))}
    connection.execute(f"ATTACH ':memory:' AS {CATALOG}")
    connection.execute(f"CREATE SCHEMA {CATALOG}.{SCHEMA}")
    for path, newest in versions.items():
        name = f"{CATALOG}.{SCHEMA}.{path.stem}"
        if newest is None:
            connection.execute(f"CREATE TABLE {name} ({_columns(path)})")
        else:
            scan = f"delta_scan({_quoted(f'{folder}/{path.stem}')}, version => {newest})"
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {scan}")


def newest_version(connection: DuckDBPyConnection, table: str) -> int | None:
    """Of a Delta table, as its log says; None where there is no table."""
    if is_on_s3(table):
        # The pattern is matched here: what DuckDB takes for one in a prefix would find nothing, and say nothing.
        listed = connection.execute(f"SELECT file FROM glob({_quoted(_escaped(table) + '/_delta_log/*')})").fetchall()
        commits = [str(file).rpartition("/")[2] for (file,) in listed]
    else:
        commits = [path.name for path in (Path(table) / "_delta_log").glob("*.json")]
    return max((int(name[:20]) for name in commits if re.fullmatch("[0-9]{20}[.]json", name)), default=None)


def _escaped(prefix: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", prefix)


def _columns(contract: Path) -> str:
    landed = tomllib.loads(contract.read_text(encoding="utf-8"))["columns"].values()
    return ", ".join(f'"{name}" {kind}' for name, kind in (dict.fromkeys(landed, "varchar") | _METADATA).items())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
