"""All SQL of dbt/ as it goes to a warehouse, without one: compiled by dbt itself, for a first build and a later one.

Nothing is asked of a warehouse: `--no-introspect`, and is_incremental, the one macro that would look whether a table is
there, is answered instead. What only a build adds (CREATE TABLE around a model, the days' transaction) is not in it:
`make test-bigquery` analyses that.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.googlesql import kept

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "p"
A_DAY = date(2025, 11, 21)
_IS_INCREMENTAL = "{% macro is_incremental() %}{{ return(env_var('SQL_OF_A_LATER_BUILD') == 'yes') }}{% endmacro %}"

# What `dbt docs` asks of BigQuery, which no stand-in here can answer: dbt's own macro, over one dataset.
_DOCUMENTED = """{%- set there = ref('dim_date').information_schema() -%}
with table_shards as ({{ _bigquery__get_table_shards_sql(there) }}),
tables as ({{ _bigquery__get_tables_sql() }}),
table_stats as ({{ _bigquery__get_table_stats_sql() }}),
columns as ({{ _bigquery__get_columns_sql(there) }}),
column_stats as ({{ _bigquery__get_column_stats_sql() }})
{{ _bigquery__get_extended_catalog_sql() }}
"""
# What `build --look-back` asks before it builds.
_BEHIND = """{%- set there = [] -%}
{%- for feed in feeds() if not is_left_out(feed) -%} {%- do there.append(feed) -%} {%- endfor -%}
{{ first_day_behind(there, '2025-11-14', '2025-11-20') }}
"""


@dataclass(frozen=True)
class Node:
    """`kind`: model, snapshot, seed, test or analysis; `table`: project.dataset.name, "" of the last two.

    `file`: from dbt/ on; `columns`: with their types, of a seed and of an enforced contract; `materialized`: what dbt
    makes of a model; `by`: the column by whose days its table lies; `is_guarded`: it wants a filter on that column;
    `readers`: where a table of Gold is published.
    """

    name: str
    kind: str
    table: str
    file: str
    sql: str
    columns: dict[str, str]
    materialized: str
    by: str
    is_guarded: bool
    readers: str = ""
    changed: str = ""  # of a table of Gold: the table that holds the keys of what changed, and those
    key: tuple[str, ...] = ()

    @property
    def rows(self) -> str:
        """What a build made of a table of Gold; `table` is the view of it, which others mean."""
        return f"{self.table}__rows" if self.readers else ""

    @property
    def is_incremental(self) -> bool:
        return self.materialized == "incremental"


def nodes(later: bool, target: str = "bigquery", day: date | None = None) -> list[Node]:
    """In an order in which they can be built; `later`: as in a build that finds its tables there; `target`: of the
    profile, bigquery or local (DuckDB); `day`: the one that is built, else all."""
    files = (f"{path}\n{path.read_text('utf-8')}" for path in _files())
    variables = [os.environ.get(f"CORETELECOMS_{name}", "") for name in ("SOURCES", "COMPLAINTS")]
    key = kept.digest("nodes", str(later), target, str(day), *variables, *files)
    found = kept.get(key)
    if found is None:
        found = kept.put(key, [asdict(node) for node in _compiled(later, target, day)])
    return [Node(**{**one, "key": tuple(one["key"])}) for one in found]


def _files() -> list[Path]:
    there = (ROOT / "dbt").rglob("*")
    others = [Path(__file__), ROOT / "requirements/googlesql.txt"]
    return [*others, *sorted(path for path in there if path.suffix in (".sql", ".yml", ".csv", ".md"))]


def _compiled(later: bool, target: str, day: date | None) -> list[Node]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        shutil.copytree(ROOT / "dbt", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("target", "*.pyc"))
        Path(folder, "macros/is_incremental.sql").write_text(_IS_INCREMENTAL, encoding="utf-8")
        _on_what_is_published(day or A_DAY, Path(folder, "macros/published.sql"))
        if day:
            _ask_for(day, Path(folder, "macros/days.sql"))
        if target == "bigquery":
            Path(folder, "analyses").mkdir()
            for name, text in (("documentation", _DOCUMENTED), ("days_behind", _BEHIND)):
                Path(folder, f"analyses/{name}.sql").write_text(text, encoding="utf-8")
        os.environ |= _places(folder) | {
            "SQL_OF_A_LATER_BUILD": "yes" if later else "no",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        from dbt.cli.main import dbtRunner

        places = ["--target", target, "--project-dir", folder, "--profiles-dir", folder]
        places += ["--target-path", f"{folder}/target", "--log-path", f"{folder}/logs", "--log-level", "none"]
        runner = dbtRunner()
        done = runner.invoke(["compile", "--no-introspect", "--no-populate-cache", *places])
        assert done.success, done.exception or [one.message for one in _results(done) if one.message]
        compiled = {one.node.unique_id: one.node for one in _results(done)}
        parsed: Any = runner.invoke(["parse", *places]).result
        seeds = {key: node for key, node in parsed.nodes.items() if node.resource_type == "seed"}
        return list(_ordered(seeds | compiled))


def _on_what_is_published(day: date, macros: Path) -> None:
    """A later build changes what is published, and asks its own small tables which days: here, the one."""
    text = macros.read_text(encoding="utf-8")
    for asked, answered in (
        ("env_var('CORETELECOMS_GOLD_IS_THERE', '')", "env_var('SQL_OF_A_LATER_BUILD')"),
        ("run_query(asked).columns[0].values() | list", f"['{day}']"),
        ("run_query('select 1 from ' ~ relation ~ ' where ' ~ condition ~ ' limit 1').rows | length > 0", "false"),
    ):
        assert asked in text
        text = text.replace(asked, answered)
    macros.write_text(text, encoding="utf-8")


def _ask_for(day: date, macros: Path) -> None:
    """As a build does by flags, which `dbt compile` does not take."""
    text = macros.read_text(encoding="utf-8")
    for flag, asked in (("event_time_start", day), ("event_time_end", day + timedelta(days=1))):
        assert flag in text
        text = text.replace(f"invocation_args_dict.get('{flag}')", f"'{asked}'")
    macros.write_text(text, encoding="utf-8")


def _places(folder: str) -> dict[str, str]:
    """Of DuckDB's, none is there, and none is looked at."""
    return {
        "CORETELECOMS_PROJECT": PROJECT,
        "CORETELECOMS_LOCATION": "EU",
        "CORETELECOMS_WAREHOUSE": f"{folder}/{PROJECT}.duckdb",
        "CORETELECOMS_BRONZE": f"{folder}/bronze",
        "CORETELECOMS_CONTRACTS": f"{folder}/contracts",
        "CORETELECOMS_DBT": folder,
    }


def _results(done: Any) -> Any:
    return done.result.results if done.result else []


def _ordered(by_id: dict[str, Any]) -> Iterator[Node]:
    """What is read comes before what reads it."""
    left = dict(by_id)
    while left:
        ready = [key for key, node in left.items() if not set(_reads(node)) & set(left)]
        for key in sorted(ready):
            yield _node(left.pop(key))


def _reads(node: Any) -> list[str]:
    return [] if node.resource_type == "seed" else list(node.depends_on.nodes)


def _node(node: Any) -> Node:
    kind = str(node.resource_type)
    sql = node.compiled_code or "" if kind != "seed" else ""
    columns = {}
    if kind == "seed":
        columns = _of_seed(node)
    elif kind == "model" and node.config.contract.enforced:
        columns = {column.name: column.data_type for column in node.columns.values()}
    if kind == "test":  # as dbt asks it
        asked, of = node.config.fail_calc, f"({sql}\n) as dbt_internal_test"
        warn, error = node.config.warn_if, node.config.error_if
        sql = f"select {asked} as failures, {asked} {warn} as should_warn, {asked} {error} as should_error from {of}"
    table = "" if kind in ("test", "analysis") else f"{node.database}.{node.schema}.{node.alias}"
    materialized = str(node.config.materialized) if kind == "model" else ""
    by = (
        (node.config.get("partition_by") or {}).get("field", "") if materialized in ("incremental", "published") else ""
    )
    is_gold = materialized == "published"
    is_guarded = bool(node.config.get("require_partition_filter"))
    readers = f"{node.database}.coretelecoms_{node.config.meta['published_in']}.{node.alias}" if is_gold else ""
    meta = node.config.meta if is_gold else {}
    changed = f"{node.database}.{node.schema}.{meta['changed']}" if meta.get("changed") else ""
    return Node(
        *(node.name, kind, table, node.original_file_path, sql, columns, materialized, by, is_guarded, readers),
        changed,
        tuple(meta.get("key", ())),
    )


def _of_seed(node: Any) -> dict[str, str]:
    """Text, where dbt is not told otherwise."""
    header = (ROOT / "dbt" / node.original_file_path).read_text(encoding="utf-8").splitlines()[0].split(",")
    return {name: node.config.column_types.get(name, "string") for name in header}
