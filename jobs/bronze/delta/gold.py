"""Silver and Gold where Bronze is in Delta tables: one DuckDB file that dbt builds."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb

from jobs.bronze.bronze import Answer, GoldIsHeldError, GoldIsMissingError
from jobs.clients.location import ROOT
from jobs.errors import ConfigurationError, NotArrivedError

_LAYERS = ("silver", "gold")


def query(queries: Mapping[str, str]) -> dict[str, Answer]:
    """Raises NotArrivedError where a table has not been built, GoldIsMissingError, GoldIsHeldError."""
    schemas = {layer: os.environ.get(f"CORETELECOMS_{layer.upper()}", f"coretelecoms_{layer}") for layer in _LAYERS}
    with _open() as connection:
        return {name: _answer_query(connection, query.format(**schemas)) for name, query in queries.items()}


def _answer_query(connection: duckdb.DuckDBPyConnection, query: str) -> Answer:
    try:
        answer = connection.execute(query)
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise NotArrivedError(str(error).partition("\n")[0]) from error
    return Answer([column[0] for column in answer.description or ()], answer.fetchall())


@contextmanager
def _open() -> Iterator[duckdb.DuckDBPyConnection]:
    path = ROOT / os.environ.get("CORETELECOMS_WAREHOUSE", ".local/warehouse.duckdb")
    if not path.exists():
        raise GoldIsMissingError("there is no warehouse file; build it: ./dbt.sh build")
    try:
        connection = duckdb.connect(path, read_only=True)
    except duckdb.IOException as error:
        if "lock" in str(error):
            raise GoldIsHeldError(f"{path} is held by another process, which writes it; try later: {error}") from error
        raise ConfigurationError(f"{path}: {error}") from error
    with connection:
        yield connection
