"""What only real BigQuery can prove of a reader: an account of `readers` reads no column that identifies a person.

    python -m tests.bigquery.verify_reader --env bigquery --reader KEY.json

The tables are those of the environment, as the account of dbt sees them. Asks for the lists of tables, and for one row
of each, which is thrown away; costs nothing. Exit 1: a check failed.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from google.api_core.exceptions import Forbidden, NotFound
from google.cloud import bigquery

from jobs.bronze.bigquery.client import get_dbt_credentials, make_client
from jobs.clients import credentials
from jobs.config.environment import ROOT, load_environment
from jobs.config.warehouses import BigQueryWarehouse
from jobs.errors import ConfigurationError
from tests.readers import Reader, verify

SCOPE = "https://www.googleapis.com/auth/bigquery"


def reader_of(client: bigquery.Client) -> Reader:
    """What an account is given in its client's project."""
    tables = [table for dataset in client.list_datasets() for table in client.list_tables(dataset.reference)]
    sees = {_name(table.reference): [field.name for field in client.get_table(table).schema] for table in tables}

    def reads(table: str) -> bool:
        try:
            list(client.list_rows(client.get_table(f"{client.project}.{table}"), max_results=1))
        except (Forbidden, NotFound):
            return False
        return True

    return Reader(sees, reads)


def tables_of(client: bigquery.Client, *datasets: str) -> Iterator[str]:
    """But for views, whose rows cannot be listed: they read by the rights of who asks."""
    for dataset in datasets:
        yield from (_name(table.reference) for table in client.list_tables(dataset) if table.table_type == "TABLE")


def _name(table: bigquery.TableReference) -> str:
    return f"{table.dataset_id}.{table.table_id}"


def main(given: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bigquery.verify_reader", description=__doc__)
    parser.add_argument("--env", default="bigquery", help="[bigquery]")
    parser.add_argument("--reader", type=Path, required=True, help="key of an account that reads Gold")
    asked = parser.parse_args(given)
    environment = load_environment(asked.env)
    warehouse = environment.warehouse
    if not isinstance(warehouse, BigQueryWarehouse):
        raise ConfigurationError(f"environment {asked.env}: its Bronze is not in BigQuery")
    builder = make_client(warehouse, get_dbt_credentials(warehouse, environment))
    reader = make_client(warehouse, credentials.get_google_credentials(f"file:{asked.reader.absolute()}", SCOPE))
    others = (warehouse.bronze, warehouse.silver, warehouse.private, warehouse.build)
    gold = list(tables_of(builder, warehouse.gold))
    return 0 if verify(reader_of(reader), gold, list(tables_of(builder, *others))) else 1


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
