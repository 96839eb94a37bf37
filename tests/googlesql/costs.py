"""What a day costs in BigQuery, computed: its statements, the bytes that they read, and what is billed for them.

    python -m tests.googlesql.costs [--write | --sent | --of call_logs=1000,customers=500]

Alone the table of docs/bigquery.md; `--of`: as JSON what an environment of so few rows costs.

Columns and partitions that a statement reads are the analyzer's (reads.py), compared with what is sent in
tests/bigquery. Sizes of values are as BigQuery documents them (SIZES), rows the real telecom's, their widths those of
the demo's rows. An upper bound where BigQuery says less: it may answer from its cache, and remove whole partitions for
nothing.
"""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jobs.bronze.bigquery import sql
from jobs.config.warehouses import BigQueryWarehouse
from pages.gold import QUERIES
from tests.googlesql import judge, kept, project, rows
from tests.googlesql.engine import Resolved, engine
from tests.googlesql.lint import GOLD, OF_BUILDS, bronze, look_at
from tests.googlesql.project import PROJECT, ROOT, Node
from tests.googlesql.reads import Read, Touched, touched

MB = 2**20
LEAST = 10 * MB  # billed for each table that a query refers to (https://cloud.google.com/bigquery/pricing)
# Logical bytes (https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#data_type_sizes); a text has
# its own in UTF-8 besides, a null none at all.
SIZES = {"BOOL": 1, "DATE": 8, "FLOAT64": 8, "INT64": 8, "NUMERIC": 16, "STRING": 2, "TIMESTAMP": 8}
ROWS_A_DAY = {
    "call_logs": 378_993,
    "web_forms": 278_985,
    "social_media": 37_863,
    "service_outages": 42,
}  # docs/scale.md
ROWS_ONCE = {"customers": 2_499_948, "agents": 100}
DAY = date(2025, 11, 21)
SHOWN = (30, 365, 1095)  # days of history
MAXIMUM = int(BigQueryWarehouse.model_fields["maximum_bytes_billed"].default)
DOCUMENT = ROOT / "docs/bigquery.md"
START, END = "<!-- made by `make bigquery-costs` -->\n", "<!-- until here -->\n"
_WAREHOUSE: Any = SimpleNamespace(project=PROJECT, bronze="coretelecoms_bronze", staging=None)
_BRONZE = f"{PROJECT}.coretelecoms_bronze"
Rows = Mapping[str, float]
NOTHING = Touched(())
LAYERS = ("load", "Silver", "Silver's tests", "Gold", "Gold's tests", "publication", "pages")


@dataclass(frozen=True)
class Table:
    """`widths`: bytes of an average value, by column; `daily`, `once`: rows; `by`: the column by whose days it lies."""

    widths: Mapping[str, float]
    daily: float = 0
    once: float = 0
    by: str = ""

    def bytes(self, read: Read, history: int) -> float:
        """`history`: days there are, up to DAY."""
        first = DAY - timedelta(days=history - 1)
        low, high = read.days if read.days and self.by else (first, DAY)
        days = max(0, (min(high, DAY) - max(low, first)).days + 1)
        held = self.daily * days + self.once * (low <= first <= high)
        return held * sum(self.widths[column] for column in read.columns)


@dataclass(frozen=True)
class Statement:
    """`what`: a node of dbt's, a source's load, or a page's query."""

    layer: str
    what: str
    kind: str
    touched: Touched = NOTHING

    def processed(self, tables: Mapping[str, Table], history: int) -> dict[str, float]:
        """Bytes, by table: columns read, and of partitions that are changed all of them
        (https://cloud.google.com/bigquery/docs/estimate-costs#dml-statements)."""
        found = {read.table: tables[read.table].bytes(read, history) for read in self.touched.by_table().values()}
        if changed := self.touched.changed:
            table = tables[changed.table]
            whole = Read(changed.table, frozenset(table.widths), changed.days)
            found[changed.table] = (
                found.get(changed.table, 0) + table.bytes(changed, history) + table.bytes(whole, history)
            )
        return found

    def billed(self, tables: Mapping[str, Table], history: int) -> int:
        """For nothing, nothing."""
        found = self.processed(tables, history).values()
        return sum(max(LEAST, int(-(-size // MB)) * MB) for size in found) if any(found) else 0


def statements(day: date = DAY) -> list[Statement]:
    """Of the load of six sources, of a build of one day that finds its tables there, and of the pages."""
    nodes = project.nodes(later=True, day=day)
    found = _Analysis(nodes, day)
    loads = [one for source in (*ROWS_A_DAY, *ROWS_ONCE) for one in found.of_load(source)]
    return [*loads, *of_build(nodes, day), *found.of_pages()]


def of_build(nodes: list[Node], day: date = DAY) -> list[Statement]:
    found = _Analysis(nodes, day)
    return [*(one for node in nodes for one in found.of(node)), *found.of_publication(nodes)]


def _is_changed(node: Node) -> str:
    keys = " and ".join(f"changed.{key} = was.{key}" for key in node.key)
    return f"exists (select 1 from {node.changed} as changed where {keys})"


def _is_replaced(node: Node, day: date) -> str:
    """As dbt/macros/publish.sql has it."""
    if not node.changed:
        return "true"
    return f"was.{node.by} in (date '{day}') and {_is_changed(node)}" if node.by else _is_changed(node)


def _audited(node: Node) -> str:
    """As dbt/macros/published.sql has it."""
    columns = ", ".join(node.columns)
    rows = f"select {columns} from {node.rows}"
    published = f"select {columns} from {node.readers} as was where not {_is_changed(node)} union all "
    return published * bool(node.changed) + rows


def _partitions(nodes: list[Node]) -> dict[str, str]:
    """Of tables: the column by whose days they lie. What a build makes of a table of Gold lies by none."""
    found = {(node.readers or node.table): node.by for node in nodes if node.by}
    return dict.fromkeys(bronze(), "ingest_date") | found


class _Analysis:
    """What each statement touches, as dbt and the jobs send it; what is sent is compared in tests/bigquery."""

    def __init__(self, nodes: list[Node], day: date) -> None:
        self.day = day
        self.tables = look_at(project.nodes(later=False)).tables
        self.by = _partitions(nodes)
        self.views: dict[str, Resolved] = {}

    def of(self, node: Node) -> Iterator[Statement]:
        layer = "Gold" if "/gold/" in node.file else "Silver"
        match node.kind, node.materialized:
            case "model", "view":
                self.views[node.table] = engine().analyze(node.sql, self.tables)
                yield Statement(layer, node.name, "create_view")
            case "model", "incremental":
                yield from self._replaced(node, layer)
            case "model", "found":
                yield self._reading(layer, node.name, "create_table_as_select", node.sql)
            case "model", _:
                columns = ", ".join(node.columns)
                made = f"select {columns} from (\n{node.sql}\n) as built"
                yield self._reading(layer, node.name, "create_table_as_select", made)
                self.views[node.table] = engine().analyze(_audited(node), self.tables)
                yield Statement(layer, node.name, "create_view")
            case "seed", _:  # its rows are a load job
                yield Statement(layer, node.name, "alter_table_set_options")
            case "snapshot", _:
                yield from self._snapped(node, layer)
            case "test", _:
                layer = "Gold's tests" if "`coretelecoms_gold" in node.sql else "Silver's tests"
                yield self._reading(layer, node.name, "query", node.sql)

    def of_publication(self, nodes: list[Node]) -> Iterator[Statement]:
        """dbt/macros/publish.sql: before the build the one row is read, after it all is one script."""
        guard, days, _ = OF_BUILDS
        claim = (
            f"update {guard} set building = 'b', building_since = null where building = '' or building_since is null"
        )
        yield self._reading("publication", "newest_build", "update", claim)
        yield self._reading("publication", "newest_build", "query", f"select * from {guard}")
        taken = "concat(build, building)"
        script = [("update", f"update {guard} set build = {taken}, version = 'v', building = '' where true")]
        for node in nodes:
            if node.readers:
                named = ", ".join(self.tables[node.table])
                script.append(("delete", f"delete from {node.readers} as was where {_is_replaced(node, self.day)}"))
                script.append(("insert", f"insert into {node.readers} ({named}) select {named} from {node.rows}"))
        changed = f"{PROJECT}.coretelecoms_gold_build.changed_days"
        of_days = "changed.feed = was.feed and changed.ingest_date = was.ingest_date"
        script.append(
            ("delete", f"delete from {days} as was where exists (select 1 from {changed} as changed where {of_days})")
        )
        columns_of_days = "feed, ingest_date, written_by, build"
        written = f"select feed, ingest_date, written_by, 'b' from {changed} where written_by is not null"
        script.append(("insert", f"insert into {days} ({columns_of_days}) {written}"))
        yield Statement("publication", "newest_build", "begin")
        for kind, text in script:
            yield self._reading("publication", "newest_build", kind, text)
        yield Statement("publication", "newest_build", "insert")  # a row of `builds`
        yield Statement("publication", "newest_build", "commit")

    def of_load(self, source: str) -> Iterator[Statement]:
        """Held, staged, published, held."""
        columns, staged = tuple(self.tables[f"{_BRONZE}.{source}"]), f"_stage_{source}"
        manifest: Any = SimpleNamespace(source=source, ingest_date=self.day, version="R", columns_landed=columns)
        held = sql.select_published(_WAREHOUSE, source, self.day, None)
        asked = judge.Judge(PROJECT, self._find)
        for script in (held, sql.select_count(_WAREHOUSE, staged), sql.publish(_WAREHOUSE, manifest, staged), held):
            for verdict in asked.judge(script):
                assert not verdict.refused, verdict
                yield Statement("load", source, verdict.kind, verdict.touched)

    def _find(self, dataset: str, name: str) -> judge.Table | None:
        """Bronze's own, beside a source's table that of its publishing and that of a load."""
        if name.startswith("_publish_"):
            return judge.Table({"ingest_date": "DATE", "run_id": "STRING", "published_at": "TIMESTAMP"})
        columns = self.tables.get(f"{PROJECT}.{dataset}.{name.removeprefix('_stage_')}")
        is_staging = name.startswith("_stage_")
        return (
            None
            if columns is None
            else judge.Table(columns, by="" if is_staging else "ingest_date", is_guarded=not is_staging)
        )

    def of_pages(self) -> Iterator[Statement]:
        for name, query in QUERIES.items():
            yield self._reading("pages", name, "query", query.format(gold=GOLD))

    def _replaced(self, node: Node, layer: str) -> Iterator[Statement]:
        columns, temporary = ", ".join(self.tables[node.table]), self._temporary(node)
        days = f"ingest_date between date '{self.day}' and date '{self.day}'"
        yield self._reading(layer, node.name, "create_table_as_select", node.sql)
        yield Statement(layer, node.name, "begin")
        yield self._reading(layer, node.name, "delete", f"delete from {node.table} where {days}")
        insert = f"insert into {node.table} ({columns}) select {columns} from {temporary}"
        yield self._reading(layer, node.name, "insert", insert)
        yield Statement(layer, node.name, "commit")

    def _snapped(self, node: Node, layer: str) -> Iterator[Statement]:
        temporary, key = self._temporary(node, {"dbt_change_type": "STRING"}), "s.dbt_scd_id = t.dbt_scd_id"
        columns = ", ".join(self.tables[node.table])
        before = "t.agent_id as id, t.dbt_valid_from, t.dbt_scd_id"
        joined = f"({node.sql}) as s left join {node.table} as t on s.agent_id = t.agent_id and t.dbt_valid_to is null"
        sql = f"select s.*, {before} from {joined}"
        yield self._reading(layer, node.name, "create_table_as_select", sql)
        yield self._without_rows(layer, replace(node, sql=sql))
        yield Statement(layer, node.name, "query")
        merge = f"""merge {node.table} as t using {temporary} as s on {key}
            when matched and t.dbt_valid_to is null and s.dbt_change_type = 'update'
                then update set dbt_valid_to = s.dbt_valid_to
            when not matched and s.dbt_change_type = 'insert' then insert ({columns}) values ({columns})"""
        yield self._reading(layer, node.name, "merge", merge)

    def _temporary(self, node: Node, more: Mapping[str, str] | None = None) -> str:
        name = f"{node.table}__dbt_tmp"
        self.tables[name] = {**self.tables[node.table], **(more or {})}
        return name

    def _without_rows(self, layer: str, node: Node) -> Statement:
        return self._reading(layer, node.name, "query", f"select * from ({node.sql}\n) as asked where false limit 0")

    def _reading(self, layer: str, what: str, kind: str, sql: str) -> Statement:
        found = touched(engine().analyze(sql, self.tables), self.by, self.views)
        return Statement(layer, what, kind, found)


# Of tables that hold neither a feed's rows nor all complaints: rows a day, and rows whatever the day.
_CHANNELS, _CATEGORIES = 6, 4
_OTHERS: dict[str, tuple[float, float]] = {
    "agg_agent_performance": (ROWS_ONCE["agents"] + 1, 0),
    "agg_complaints_daily": (_CHANNELS * _CATEGORIES, 0),
    "agg_repeat_complaints": (_CHANNELS * _CATEGORIES * 5, 0),
    "agg_resolution_time": (_CHANNELS * _CATEGORIES * 31, 0),
    "int_days_built": (len(ROWS_A_DAY), len(ROWS_ONCE)),
    "dim_date": (0, 3 * 365),
    "dim_channel": (0, _CHANNELS),
    "channels": (0, _CHANNELS),
    "resolution_hours": (0, 31),
    "states": (0, 59),
    "newest_build": (0, 1),
    "builds": (1, 0),
    "build_days": (len(ROWS_A_DAY), len(ROWS_ONCE)),
    "int_days_begun": (len(ROWS_A_DAY), len(ROWS_ONCE)),
    "int_days_settled": (len(ROWS_A_DAY), len(ROWS_ONCE)),
    "PARTITIONS": (20, 0),  # tables of a dataset
}


def sizes(daily: Rows = ROWS_A_DAY, once: Rows = ROWS_ONCE, *, anew: bool = False) -> dict[str, Table]:
    """Of every table that a statement names; `daily`, `once`: rows of the feeds, as they are delivered; `anew`: a build
    makes all of Gold."""
    by = _partitions(project.nodes(later=False))
    found = {
        name: Table(of, *_rows(name.rpartition(".")[2], daily, once), by.get(name, ""))
        for name, of in _widths().items()
    }
    for name, table in list(found.items()):
        if (
            name.endswith("__rows") and not anew
        ):  # what a day changes: at most what it delivers, or all that has no days
            found[name] = replace(table, daily=0, once=table.daily or min(table.once, sum(daily.values())), by="")
        of_a_day = replace(table, daily=0, once=table.daily if name in by else table.once, by="")
        found[f"{name}__dbt_tmp"] = replace(of_a_day, widths={**table.widths, "dbt_change_type": 8})
        dataset, _, source = name.rpartition(".")
        if name in bronze():
            found[f"{dataset}._stage_{source}"] = of_a_day
            found[f"{dataset}._publish_{source}"] = Table({"ingest_date": 8, "run_id": 28, "published_at": 8}, 1)
    return found


def _rows(name: str, daily: Rows, once: Rows) -> tuple[float, float]:
    """A day's, and those that are there whatever the day."""
    match name.removeprefix("stg_").removesuffix("__rows"):
        case feed if feed in daily:
            return daily[feed], 0
        case feed if feed in once:
            return 0, once[feed]
        case "complaints_clean" | "fact_complaints" | "complaint_deliveries":
            return sum(daily[feed] for feed in daily if feed != "service_outages"), 0
        case "fact_service_outages" | "agg_complaints_per_outage":
            return daily["service_outages"], 0
        case "dim_customer" | "dim_customer_private" | "customer_360" | "customer_deliveries" | "customer_categories":
            return 0, once["customers"]
        case "dim_agent" | "dim_agent_private" | "agents_snapshot":
            return 0, once["agents"]
        case changed if changed.startswith("changed_"):  # at most what a day delivers
            return 0, sum(daily.values())
        case other:
            return _OTHERS.get(other, (0, 0))


def _widths() -> dict[str, dict[str, float]]:
    """Logical bytes of an average value of each column; of seeds, the snapshot and the service's own views guessed."""
    types = look_at(project.nodes(later=False)).tables
    made_by = (ROOT / "demo/faithful.py", ROOT / "tests/googlesql/rows.py", Path(__file__))
    key = kept.digest("widths", repr(sorted(types.items())), *(path.read_text("utf-8") for path in made_by))
    if (found := kept.get(key)) is None:
        with tempfile.TemporaryDirectory() as folder:
            of_bronze = rows.delivered(Path(folder), calls=400, customers=300)
        there = {name: (list(types[name]), values) for name, values in of_bronze.items()} | rows.built(of_bronze)
        found = kept.put(key, {name: _average(types[name], *there[name]) for name in there})
    same = {name: node.table for node in project.nodes(later=False) for name in (node.rows, node.readers)}
    return {name: found.get(same.get(name, name), dict.fromkeys(columns, 16.0)) for name, columns in types.items()}


def _average(types: Mapping[str, str], columns: list[str], values: rows.Rows) -> dict[str, float]:
    sums = dict.fromkeys(columns, 0)
    for row in values:
        for column, value in zip(columns, row, strict=True):
            own = len(value.encode()) if types[column] == "STRING" and value is not None else 0
            sums[column] += 0 if value is None else SIZES[types[column]] + own
    return {column: total / max(1, len(values)) for column, total in sums.items()}


def table(found: list[Statement], tables: Mapping[str, Table]) -> str:
    """Of docs/bigquery.md."""
    heads = [f"read, after {history:,} days" for history in SHOWN]
    lines = [f"| | statements | {' | '.join(heads)} | billed, after {SHOWN[-1]:,} days |"]
    lines.append("|---" * (len(SHOWN) + 3) + "|")
    for layer in (*LAYERS, "all"):
        of = [one for one in found if layer in (one.layer, "all")]
        read = [sum(sum(one.processed(tables, history).values()) for one in of) for history in SHOWN]
        billed = sum(one.billed(tables, SHOWN[-1]) for one in of)
        lines.append(f"| {layer} | {len(of)} | {' | '.join(map(_gib, [*read, billed]))} |")
    day, largest = max((sum(one.processed(tables, SHOWN[-1]).values()), one.what) for one in found)
    anew, first = of_build(project.nodes(later=False)), sizes(anew=True)
    size, whole = max((one.billed(first, SHOWN[-1]), one.what) for one in anew)
    days = int(SHOWN[-1] * MAXIMUM / size)
    lines += [
        "",
        f"Of a day's statements the largest makes `{largest}`: {_gib(day)} after {SHOWN[-1]:,} days; where all is ",
    ]
    lines[-1] += (
        f"built anew, `{whole}`: {_gib(size)}. The default `maximum_bytes_billed`, {_gib(MAXIMUM)}, suffices for "
    )
    lines[-1] += f"{days:,} days of both."
    return "\n".join(lines) + "\n"


def written(text: str, made: str) -> str:
    """The document with the table in its place."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    assert start
    assert end
    return before + start + made + end + after


def _gib(size: float) -> str:
    return f"{size / 2**30:,.2f} GiB"


def sent(found: list[Statement]) -> list[list[Any]]:
    """As tests/bigquery compares it: of each statement its kind, and by table what it reads, and what it changes."""
    return [[one.what, one.kind, comparable(one.what, _by_table(one.touched))] for one in found if one.layer != "pages"]


def comparable(what: str, by_table: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Which days Gold looks at is known only then: of a statement that has to do with it, whether there is a limit."""
    of_gold = {path.stem for path in (ROOT / "dbt/models/gold").rglob("*.sql")}
    if what not in of_gold and not any(".coretelecoms_gold" in table for table in by_table):
        return by_table
    return {table: [columns, days and "some days"] for table, (columns, days) in by_table.items()}


def grouped(found: list[Statement], rows_of: Rows, history: int) -> dict[str, list[float]]:
    """Statements, bytes read and bytes billed of loads, of what dbt builds and of its tests."""
    tables = sizes(*({feed: rows_of.get(feed, 0) for feed in feeds} for feeds in (ROWS_A_DAY, ROWS_ONCE)))
    sums = {group: [0.0, 0.0, 0.0] for group in ("load", "models", "tests")}
    for one in found:
        group = "load" if one.layer == "load" else "tests" if one.layer.endswith("tests") else "models"
        if one.layer != "pages" and (group != "load" or rows_of.get(one.what)):
            processed = sum(one.processed(tables, history).values())
            sums[group] = [*map(sum, zip(sums[group], (1, processed, one.billed(tables, history)), strict=True))]
    return sums


def _by_table(of: Touched) -> dict[str, list[Any]]:
    found = {read.table: _shown(read) for read in of.by_table().values()}
    return found | ({f"changed {of.changed.table}": _shown(of.changed)} if of.changed else {})


def _shown(read: Read) -> list[Any]:
    return [sorted(read.columns), read.days and [str(day) for day in read.days]]


def main(given: list[str]) -> None:
    found = statements()
    if given == ["--sent"]:
        print(json.dumps(sent(found)))
        return
    if given[:1] == ["--of"]:
        rows_of = {feed: float(count) for feed, _, count in (one.partition("=") for one in given[1].split(","))}
        print(json.dumps(grouped(found, rows_of, history=4)))
        return
    made = table(found, sizes())
    if given == ["--write"]:
        DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8"), made), encoding="utf-8")
    print(made)


if __name__ == "__main__":
    main(sys.argv[1:])
