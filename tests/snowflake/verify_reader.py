"""What only real Snowflake can prove of a reader: a role of `readers` reads no column that identifies a person.

    python -m tests.snowflake.verify_reader --env snowflake --reader ENV

The tables are those of the environment, as its own role sees them; ENV is a copy of it with user, key and role of a
reader. Asks for no row. Exit 1: a check failed.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence

from snowflake.connector import SnowflakeConnection
from snowflake.connector.errors import ProgrammingError

from jobs.bronze.snowflake.session import ABSENT, connect, execute
from jobs.config.environment import ROOT, load_environment
from jobs.config.warehouses import SnowflakeWarehouse
from jobs.errors import ConfigurationError
from tests.readers import Reader, verify


def reader_of(connection: SnowflakeConnection, warehouse: SnowflakeWarehouse) -> Reader:
    """What a session's role is given in its database."""
    sees: dict[str, list[str]] = {}
    columns = f"select table_schema, table_name, column_name from {warehouse.database}.information_schema.columns"
    for schema, table, column in execute(connection, f"{columns} where table_schema <> 'INFORMATION_SCHEMA'"):
        sees.setdefault(f"{schema}.{table}".lower(), []).append(column)

    def reads(table: str) -> bool:
        with connection.cursor() as cursor:
            try:
                cursor.execute(f"select * from {warehouse.database}.{table} limit 0")
            except ProgrammingError as error:
                if error.errno == ABSENT:  # also: not authorized
                    return False
                raise
        return True

    return Reader(sees, reads)


def tables_of(connection: SnowflakeConnection, warehouse: SnowflakeWarehouse, *schemas: str) -> Iterator[str]:
    listed = ", ".join(f"'{schema.upper()}'" for schema in schemas)
    query = f"select table_schema, table_name from {warehouse.database}.information_schema.tables"
    for schema, table in execute(connection, f"{query} where table_schema in ({listed})"):
        yield f"{schema}.{table}".lower()


def main(given: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.snowflake.verify_reader", description=__doc__)
    parser.add_argument("--env", default="snowflake", help="[snowflake]")
    parser.add_argument("--reader", required=True, help="an environment whose user and role are a reader's")
    asked = parser.parse_args(given)
    warehouse, of_reader = (load_environment(name).warehouse for name in (asked.env, asked.reader))
    if not isinstance(warehouse, SnowflakeWarehouse) or not isinstance(of_reader, SnowflakeWarehouse):
        raise ConfigurationError(f"environments {asked.env}, {asked.reader}: their Bronze is not in Snowflake")
    others = (warehouse.bronze, warehouse.silver, warehouse.private, warehouse.build)
    with connect(warehouse, {"step": "verify"}) as builder, connect(of_reader, {"step": "verify"}) as reader:
        gold = list(tables_of(builder, warehouse, warehouse.gold))
        found = verify(reader_of(reader, warehouse), gold, list(tables_of(builder, warehouse, *others)))
    return 0 if found else 1


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
