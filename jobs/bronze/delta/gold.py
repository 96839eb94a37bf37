"""Silver and Gold where Bronze is in Delta tables: one DuckDB file that dbt builds."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from jobs.bronze.bronze import Answer, GoldIsHeldError, GoldIsMissingError
from jobs.clients.location import ROOT, Location
from jobs.config.toml import show_path
from jobs.errors import ConfigurationError, NotArrivedError
from jobs.masking import describe

_LAYERS = ("silver", "gold")


def query(queries: Mapping[str, str], environment: str, bronze: Location) -> dict[str, Answer]:
    """Of the file of an environment, whose Bronze is there.

    Raises NotArrivedError where a table has not been built, GoldIsMissingError, GoldIsHeldError, and ConfigurationError
    where another environment made the file (dbt/warehouse.py).
    """
    schemas = {layer: os.environ.get(f"CORETELECOMS_{layer.upper()}", f"coretelecoms_{layer}") for layer in _LAYERS}
    path = ROOT / os.environ.get("CORETELECOMS_WAREHOUSE", f".local/warehouse/{environment}/warehouse.duckdb")
    with _open(path) as connection:
        _check_owner(connection, path, environment, bronze)
        return {name: _answer_query(connection, query.format(**schemas)) for name, query in queries.items()}


def _check_owner(connection: duckdb.DuckDBPyConnection, path: Path, environment: str, bronze: Location) -> None:
    """A file without a name in it is of an older version, or a copy of Gold."""
    if not connection.execute("FROM duckdb_views() WHERE NOT internal AND view_name = 'environment'").fetchall():
        return
    ours = (environment, show_path(bronze) if isinstance(bronze, Path) else str(bronze))
    (owner,) = connection.execute("SELECT name, bronze FROM main.environment").fetchall()
    if owner != ours:
        whose, who = (f"environment {name!r} (Bronze: {place})" for name, place in (owner, ours))
        raise ConfigurationError(f"{show_path(path)} is of {whose}, not of {who}: name that one by --env")


def _answer_query(connection: duckdb.DuckDBPyConnection, query: str) -> Answer:
    try:
        answer = connection.execute(query)
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise NotArrivedError(describe(error)) from error
    return Answer([column[0] for column in answer.description or ()], answer.fetchall())


@contextmanager
def _open(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    if not path.exists():
        raise GoldIsMissingError("there is no warehouse file; build it: ./dbt.sh build")
    try:
        connection = duckdb.connect(path, read_only=True)
    except duckdb.IOException as error:
        if "lock" in str(error):
            raise GoldIsHeldError(
                f"{path} is held by another process, which writes it; try later: {describe(error)}"
            ) from error
        raise ConfigurationError(f"{path}: {describe(error)}") from error
    with connection:
        yield connection
