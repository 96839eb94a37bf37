"""A day of sources into Parquet with metadata columns, then into Bronze, by what a user may pick instead.

    python -m bench.peers TOOL SOURCES OUT DAY SOURCE...     with PEERS_POSTGRES, a URL, in the environment

Runs in the environment of requirements/peers.txt. All tools get the columns' names and are told that everything is
text; none infers types. All write zstd, and Bronze takes raw's files over as the platform does. No rows are counted at
the source or balanced, and no manifest commits them: no tool here offers that.
"""

import json
import os
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

METADATA = ("_ingested_at", "_source_system", "_source_uri", "_run_id", "_rescued", "ingest_date")
SCHEMA = "customer_complaints"
_STARTED, _RUN = datetime.now(UTC), uuid4().hex


@dataclass(frozen=True)
class Source:
    """A delivery: `raw` is where its Parquet files go, `headers` are its columns as delivered."""

    name: str
    kind: str  # csv, json or postgres
    system: str
    path: Path  # of a file
    table: str  # of Postgres, without its schema
    columns: tuple[str, ...]
    headers: tuple[str, ...]
    is_multiline: bool
    day: date
    raw: Path

    @property
    def uri(self) -> str:
        return f"{SCHEMA}.{self.table}" if self.kind == "postgres" else str(self.path)

    @property
    def metadata(self) -> dict[str, Any]:
        """Column -> its one value."""
        values = (_STARTED, self.system, self.uri, _RUN, None, self.day)
        return dict(zip(METADATA, values, strict=True))

    @property
    def file(self) -> Path:
        """The one file of a tool that writes one."""
        self.raw.mkdir(parents=True, exist_ok=True)
        return self.raw / "part-0.parquet"

    def documents(self) -> list[list[str]]:
        """The JSON file's columns: `{column: {"0": value, ...}}`."""
        loaded = json.loads(self.path.read_bytes())
        return [list(loaded[header].values()) for header in self.headers]


@dataclass(frozen=True)
class Day:
    """What a tool is given."""

    sources: list[Source]
    postgres: str
    out: Path


def described(name: str, sources: Path, out: Path, day: date) -> Source:
    """From the source contract. Agents are the sheet's export."""
    root = Path(__file__).resolve().parents[1]
    contract = tomllib.loads((root / f"conf/sources/{name}.toml").read_text(encoding="utf-8"))
    delivery = contract["delivery"]
    kind = {"sheet": "csv"}.get(delivery["kind"], delivery["kind"])
    template = "agents/agents.csv" if name == "agents" else delivery.get("paths", [""])[0]
    return Source(
        name=name,
        kind=kind,
        system=contract["system"],
        path=sources / template.format(date=day),
        table=delivery.get("table", "").format(date=day),
        columns=tuple(contract["columns"].values()),
        headers=tuple(contract["columns"]),
        is_multiline=name == "customers",
        day=day,
        raw=out / "raw" / name / f"ingest_date={day}",
    )


def with_duckdb(day: Day) -> None:
    """COPY: the practical limit of one machine."""
    import duckdb
    import duckdb_extension_postgres_scanner as extension

    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
    if any(source.kind == "postgres" for source in day.sources):
        folder = Path(extension.__file__).parent / f"extensions/v{duckdb.__version__}"
        connection.execute(f"LOAD '{folder}/postgres_scanner.duckdb_extension'")
        connection.execute(f"ATTACH '{day.postgres}' AS forms (TYPE postgres, READ_ONLY)")
    for source in day.sources:
        metadata = ", ".join(f"{_literal(value)} AS {name}" for name, value in source.metadata.items())
        select = f"SELECT *, {metadata} FROM ({_duckdb_rows(source)})"
        connection.execute(f"COPY ({select}) TO '{source.file}' (FORMAT parquet, COMPRESSION zstd)")


def _literal(value: object) -> str:
    match value:
        case None:
            return "NULL::VARCHAR"
        case datetime():
            return f"TIMESTAMPTZ '{value.isoformat()}'"
        case date():
            return f"DATE '{value}'"
    return f"'{value}'"


def _duckdb_rows(source: Source) -> str:
    if source.kind == "csv":
        columns = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in source.columns) + "}"
        options = "header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', new_line = '\\n'"
        return f"SELECT * FROM read_csv('{source.path}', {options}, columns = {columns})"
    named = list(zip(source.headers, source.columns, strict=True))
    if source.kind == "postgres":
        columns = ", ".join(f'"{header}" AS {name}' for header, name in named)
        return f"SELECT {columns} FROM forms.{source.uri}"
    columns = ", ".join(f"'{header}': 'MAP(VARCHAR, VARCHAR)'" for header in source.headers)
    values = ", ".join(f'unnest(map_values("{header}")) AS {name}' for header, name in named)
    size = source.path.stat().st_size + 1
    return (
        f"SELECT {values} FROM read_json('{source.path}', format = 'unstructured', "
        f"columns = {{{columns}}}, maximum_object_size = {size})"
    )


def with_polars(day: Day) -> None:
    """Lazy frames through the streaming engine; Postgres by connectorx."""
    import polars as pl

    for source in day.sources:
        if source.kind == "csv":
            headers = dict.fromkeys(source.headers, pl.String())
            rows = pl.scan_csv(source.path, schema=headers).rename(
                dict(zip(source.headers, source.columns, strict=True))
            )
        elif source.kind == "json":
            rows = pl.LazyFrame(dict(zip(source.columns, source.documents(), strict=True)))
        else:
            rows = pl.read_database_uri(_select(source), day.postgres).lazy()
        metadata = [
            pl.lit(value, pl.String if value is None else None).alias(name) for name, value in source.metadata.items()
        ]
        rows.with_columns(metadata).sink_parquet(source.file, compression="zstd")


def _select(source: Source) -> str:
    named = zip(source.headers, source.columns, strict=True)
    columns = ", ".join(f'"{header}" AS {name}' for header, name in named)
    return f"SELECT {columns} FROM {source.uri}"


def with_pandas(day: Day) -> None:
    """The common solution: a frame a source, Postgres by psycopg2."""
    import pandas as pd

    for source in day.sources:
        if source.kind == "csv":
            rows = pd.read_csv(source.path, names=list(source.columns), header=0, dtype=str, na_filter=False)
        elif source.kind == "json":
            rows = pd.read_json(source.path, orient="columns", dtype=False, convert_axes=False)
            rows.columns = pd.Index(source.columns)
        else:
            rows = _from_psycopg2(day, source)
        for name, value in source.metadata.items():
            rows[name] = pd.Series(value, rows.index, dtype="str") if value is None else value
        rows.to_parquet(source.file, index=False, compression="zstd", coerce_timestamps="us")


def _from_psycopg2(day: Day, source: Source) -> Any:
    from contextlib import closing

    import pandas as pd
    import psycopg2

    with closing(psycopg2.connect(day.postgres)) as connection:
        return pd.read_sql_query(_select(source), connection, dtype="str")


def with_dlt(day: Day) -> None:
    """dlt's default path: rows as dictionaries, the metadata added row by row."""
    import dlt
    from dlt.sources.filesystem import filesystem, read_csv
    from dlt.sources.sql_database import sql_table

    def of_json(source: Source) -> Iterator[list[dict[str, str]]]:
        rows = list(zip(*source.documents(), strict=True))
        for start in range(0, len(rows), 10_000):
            yield [dict(zip(source.columns, row, strict=True)) for row in rows[start : start + 10_000]]

    def resource(source: Source) -> Any:
        if source.kind == "csv":
            files = filesystem(bucket_url=str(source.path.parent), file_glob=source.path.name)
            made = files | read_csv(names=list(source.columns), header=0, dtype=str, na_filter=False)
        elif source.kind == "json":
            made = dlt.resource(of_json(source))
        else:
            made = sql_table(_for_sqlalchemy(day.postgres), source.table, SCHEMA).add_map(renamed(source))
        return made.add_map(lambda row: row | source.metadata)

    def renamed(source: Source) -> Callable[[dict[str, str]], dict[str, str]]:
        return lambda row: dict(zip(source.columns, row.values(), strict=True))

    _run_dlt(day, [(source, resource(source)) for source in day.sources])


def with_dlt_arrow(day: Day) -> None:
    """dlt's Arrow path: tables all the way, Postgres by connectorx."""
    import dlt
    import pyarrow as pa
    import pyarrow.csv as pa_csv
    from dlt.sources.sql_database import sql_table

    def of_csv(source: Source) -> Iterator[Any]:
        read = pa_csv.ReadOptions(column_names=source.columns, skip_rows=1, block_size=16 * 2**20)
        parse = pa_csv.ParseOptions(newlines_in_values=source.is_multiline)
        convert = pa_csv.ConvertOptions(column_types=dict.fromkeys(source.columns, pa.string()))
        with pa_csv.open_csv(source.path, read, parse, convert) as batches:
            yield from (complete(source, pa.Table.from_batches([batch])) for batch in batches)

    def of_json(source: Source) -> Iterator[Any]:
        arrays = [pa.array(values, pa.string()) for values in source.documents()]
        yield complete(source, pa.table(arrays, names=list(source.columns)))

    def complete(source: Source, table: Any) -> Any:
        table = table.rename_columns(list(source.columns))
        for name, value in source.metadata.items():
            kind = {"_ingested_at": pa.timestamp("us", "UTC"), "ingest_date": pa.date32()}.get(name, pa.string())
            table = table.append_column(name, pa.repeat(pa.scalar(value, kind), len(table)))
        return table

    def resource(source: Source) -> Any:
        if source.kind == "csv":
            return dlt.resource(of_csv(source))
        if source.kind == "json":
            return dlt.resource(of_json(source))
        stream = {"return_type": "arrow_stream"}
        table = sql_table(
            _for_sqlalchemy(day.postgres), source.table, SCHEMA, backend="connectorx", backend_kwargs=stream
        )
        return table.add_map(lambda rows: complete(source, rows))

    _run_dlt(day, [(source, resource(source)) for source in day.sources])


def _for_sqlalchemy(postgres: str) -> str:
    return postgres.replace("postgresql://", "postgresql+psycopg2://")


def _run_dlt(day: Day, resources: list[tuple[Source, Any]]) -> None:
    import dlt

    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "DATA_WRITER__COMPRESSION": "zstd"}
    for source, resource in resources:
        texts = {name: {"name": name, "data_type": "text"} for name in (*source.columns, "_rescued")}
        resource.apply_hints(columns={})  # those of Postgres, by their old names
        resource.apply_hints(table_name=source.name, columns=texts, write_disposition="append")
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(day.out / "dlt-work"),
        destination=dlt.destinations.filesystem(bucket_url=(day.out / "dlt").as_uri()),
        dataset_name="raw",
    )
    made = [resource.with_name(source.name) for source, resource in resources]
    pipeline.run(made, loader_file_format="parquet").raise_on_failed_jobs()
    for source, _ in resources:
        source.raw.parent.mkdir(parents=True)
        (day.out / "dlt/raw" / source.name).rename(source.raw)


TOOLS: dict[str, Callable[[Day], None]] = {
    "dlt": with_dlt,
    "dlt-arrow": with_dlt_arrow,
    "pandas": with_pandas,
    "polars": with_polars,
    "duckdb": with_duckdb,
}


def into_bronze(source: Source, bronze: Path) -> None:
    """Files copied beside a Delta table's own and added by one commit: no tool has a cheaper way."""
    import pyarrow.parquet as pq
    from deltalake import DeltaTable, Field, Schema
    from deltalake.schema import PrimitiveType
    from deltalake.transaction import AddAction

    table, part = bronze / source.name, f"ingest_date={source.day}"
    (table / part).mkdir(parents=True)
    kinds = {"_ingested_at": "timestamp", "ingest_date": "date"}
    fields = [Field(name, PrimitiveType(kinds.get(name, "string"))) for name in (*source.columns, *METADATA)]
    made = DeltaTable.create(str(table), Schema(fields), partition_by=["ingest_date"])
    actions = []
    for file in sorted(source.raw.glob("*.parquet")):
        target = table / part / file.name
        shutil.copyfile(file, target)
        statistics = json.dumps({"numRecords": pq.read_metadata(target).num_rows})
        values = (target.stat().st_size, {"ingest_date": str(source.day)}, int(_STARTED.timestamp() * 1000))
        actions.append(AddAction(f"{part}/{file.name}", *values, True, statistics))
    made.create_write_transaction(actions, "append", made.schema(), ["ingest_date"])


def main() -> None:
    tool, sources, out, day, *names = sys.argv[1:]
    made = [described(name, Path(sources), Path(out), date.fromisoformat(day)) for name in names]
    given = Day(made, os.environ["PEERS_POSTGRES"], Path(out))
    TOOLS[tool](given)
    for source in made:
        into_bronze(source, Path(out) / "bronze")


if __name__ == "__main__":
    main()
