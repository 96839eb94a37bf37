"""A table or view of Postgres -> where it is, and a sample of its rows as the texts that land."""

from collections.abc import Sequence
from contextlib import closing

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from jobs.adopt.entries import choose_secret
from jobs.adopt.found import Found
from jobs.adopt.places import find_template
from jobs.adopt.questions import NONE, Answers, Question
from jobs.adopt.sample import MAX_BYTES, MAX_ROWS, Row, Sample, Samples
from jobs.clients.credentials import read_database
from jobs.clients.postgres import connect
from jobs.config.environment import Environment
from jobs.errors import ConfigurationError
from jobs.sources.extent import Selection, look_at

_AT_ONCE = 500  # rows


def find_tables(names: Sequence[str], environment: Environment, answers: Answers) -> Found:
    """Raises ConfigurationError, ServiceError."""
    secret = choose_secret(environment, "database", "the connection", answers)
    template, days = find_template(names, answers)
    where = {} if days else _ask_where(names[0], answers)
    database = read_database(environment.secrets[secret])
    with connect(database, environment.postgres) as connection:
        samples = [_read_sample(connection, Selection(database, name)) for name in names]
    delivery = {"kind": "postgres", "table": template, "secret": secret, **where}
    return Found("postgres", delivery, Samples(tuple(samples)), tuple(days), is_static=not days and not where)


def _ask_where(table: str, answers: Answers) -> dict[str, str]:
    what = (
        f"no day in the name {table}: by which condition are rows of a day's, as updated_at::date = {{date}}; "
        "or none, where it is delivered once"
    )
    found = answers.settle(Question("where", what))
    return {} if found in (NONE, "") else {"where": found}


def _read_sample(connection: Connection, selection: Selection) -> Sample:
    """In the order in which the rows lie."""
    if look_at(connection, selection) is None:
        raise ConfigurationError(f"{selection.uri}: no such table")
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("select * from {} limit 0").format(selection.name))
        headers = tuple(column.name for column in cursor.description or ())
    texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(header)) for header in headers)
    rows: list[Row] = []
    size = 0
    with closing(connection.cursor("sample")) as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(sql.SQL("select {} from {}").format(texts, selection.rows))
        for values in cursor:
            rows.append(dict(zip(headers, values, strict=True)))
            size += sum(len(value or "") for value in values)
            if len(rows) == MAX_ROWS or size > MAX_BYTES:
                return Sample(headers, rows, is_whole=False)
    if not rows:
        raise ConfigurationError(f"{selection.uri}: no row in it; a delivery with rows in it tells what they are")
    return Sample(headers, rows)
