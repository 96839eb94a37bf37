"""The models and macros as they stand, rendered and run without dbt: a build takes a tenth of the time.

What dbt gives them (ref, config, run_query, adapter.dispatch, return ...) is given here; its own macros are the
installed ones. For hundreds of builds; that dbt itself does the same is tested beside it (test_any_order.py).
"""

import datetime
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import jinja2.ext
from dbt.adapters.duckdb.column import DuckDBColumn
from dbt.adapters.duckdb.relation import DuckDBRelation
from dbt.contracts.graph.manifest import Manifest

from tests.dbt.world import ROOT

PACKAGES = ("coretelecoms", "dbt_duckdb", "dbt")  # who is asked first for a macro
SCHEMAS = ("bronze", *(f"coretelecoms_{layer}" for layer in ("silver", "gold", "gold_private", "gold_build")))
Macro = Callable[..., Any]
Node = dict[str, Any]


class _Returned(BaseException):
    """What a macro returns: no error, and nobody but its macro may catch it."""

    def __init__(self, value: Any = None) -> None:
        self.value = value


def _return(value: Any = None) -> None:
    raise _Returned(value)


class Rendered:
    """Silver and Gold in memory, of what `bronze` of `connection` holds; `empty` comes first."""

    def __init__(self, manifest: Manifest) -> None:
        manifest.build_flat_graph()
        self.connection, self.graph = duckdb.connect(config={"threads": 1}), manifest.flat_graph
        self._environment = jinja2.Environment(extensions=[jinja2.ext.do], undefined=jinja2.StrictUndefined)
        self._sources = {
            (macro.package_name, macro.name): macro.macro_sql
            for macro in manifest.macros.values()
            if not macro.name.startswith(("materialization_", "test_"))
        }
        self._compiled: dict[Any, jinja2.Template] = {}
        self._at_work: dict[str, Any] = {}  # of the model that is being built
        self._builds = 0
        self._context = self._make_context()
        self._for_dbt = {name: self._name(name) for _, name in self._sources} | self._context
        self._nodes = list(_in_order(self.graph["nodes"]))

    def empty(self) -> None:
        """As before the first build of all."""
        for schema in SCHEMAS:
            self.connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
        for node in self.graph["nodes"].values():
            if node["resource_type"] == "seed":
                self._seed(node)
        self._call("have_tables")
        self._run("insert into coretelecoms_gold.newest_build (build, version, building) values ('', '', '')")

    @contextmanager
    def planted(self, model: str, text: str, other: str) -> Iterator[None]:
        """In the block the model has another text."""
        node = next(node for node in self._nodes if node["name"] == model)
        kept = node["raw_code"]
        assert text in kept
        node["raw_code"] = kept.replace(text, other)
        self._compiled.pop(node["unique_id"], None)
        try:
            yield
        finally:
            node["raw_code"] = kept
            self._compiled.pop(node["unique_id"])

    def build(self, first: datetime.date | None = None, last: datetime.date | None = None, fails: bool = False) -> None:
        """The days, or all of them anew; `fails`: as after a test that failed, nothing is published."""
        self._builds += 1
        os.environ["CORETELECOMS_GOLD_IS_THERE"] = "yes" if first else "no"
        days = {"event_time_start": first, "event_time_end": last and last + datetime.timedelta(days=1)}
        for context in (self._context, self._for_dbt):
            context["invocation_args_dict"] = days
            context["run_started_at"] = datetime.datetime.fromtimestamp(self._builds, datetime.UTC)
        for node in self._nodes:
            self._make(node)
        if not fails:
            self._publish()

    def _publish(self) -> None:
        ((base,),) = self.connection.execute("SELECT build FROM coretelecoms_gold.newest_build").fetchall()
        now = f"{self._builds:04}"
        self.connection.execute(f"UPDATE coretelecoms_gold.newest_build SET building = '{now}'")
        self._call("publish_gold", now, base, "", ["", ""], "2025-12-01 00:00:00")

    def _make(self, node: Node) -> None:
        table = self._relate(node)
        config = {"get": node["config"].get}
        self._at_work = {"model": SimpleNamespace(**node), "this": table, "config": SimpleNamespace(**config)}
        sql = self._render(node["unique_id"], node["raw_code"])
        match node["config"]["materialized"]:
            case "view":
                self._run(f"create or replace view {table} as ({sql})")
            case "found":
                self._run(self._call("made_anew", table, sql))
            case "incremental":
                self._replace(table, sql)
            case "published":
                rows = table.incorporate(path={"identifier": f"{table.identifier}__rows"})
                columns = ", ".join(node["columns"])
                self._run(self._call("made_anew", rows, f"select {columns} from (\n{sql}\n) as built"))
                self._run(f"create or replace view {table} as ({self._call('audited', rows)})")

    def _replace(self, table: DuckDBRelation, sql: str) -> None:
        if not self._is_incremental():
            self._run(self._call("made_anew", table, sql))
            return
        made = self._run(f"create or replace temp table made as ({sql})") and self._run("describe made")
        columns = [SimpleNamespace(quoted=name) for name, *_ in made.rows]
        given = {"dest_columns": columns, "target_relation": table, "temp_relation": "made"}
        self._run(self._call("get_incremental_replace_days_sql", given))

    def _seed(self, node: Node) -> None:
        file, types = ROOT / "dbt" / node["original_file_path"], dict(node["config"]["column_types"])
        rows = self.connection.read_csv(str(file), dtype=types or None)
        rows.create(f"{node['schema']}.{node['alias']}")

    def _is_incremental(self) -> bool:
        there = "select 1 from pg_tables where schemaname = ? and tablename = ?"
        table, asked = self._at_work["this"], self._context["invocation_args_dict"]
        found = self.connection.execute(there, [table.schema, table.identifier]).fetchall()
        return bool(found and asked["event_time_start"])

    def _run(self, sql: str) -> SimpleNamespace:
        """As dbt's run_query answers."""
        done = self.connection.execute(sql)
        rows = done.fetchall() if done.description else []
        columns = [SimpleNamespace(values=lambda values=values: values) for values in zip(*rows, strict=True)]
        return SimpleNamespace(rows=rows, columns=columns or [SimpleNamespace(values=tuple)])

    def _relate(self, node: Node) -> DuckDBRelation:
        name = node.get("alias") or node["identifier"]
        return DuckDBRelation.create(database="memory", schema=node["schema"], identifier=name, type="table")

    def _find_ref(self, name: str) -> DuckDBRelation:
        return self._relate(next(node for node in self.graph["nodes"].values() if node["name"] == name))

    def _render(self, key: Any, text: str) -> str:
        if key not in self._compiled:
            self._compiled[key] = self._environment.from_string(text, globals=self._context)
        return self._compiled[key].render(self._at_work | {"config": lambda **_: ""})

    def _call(self, name: str, *args: Any, of: tuple[str, ...] = PACKAGES, **given: Any) -> Any:
        key = next((package, name) for package in of if (package, name) in self._sources)
        if key not in self._compiled:
            given_to = self._context if key[0] == PACKAGES[0] else self._for_dbt
            self._compiled[key] = self._environment.from_string(self._sources[key], globals=given_to)
        try:
            return getattr(self._compiled[key].make_module(self._at_work), name)(*args, **given)
        except _Returned as returned:
            return returned.value

    def _name(self, name: str, of: tuple[str, ...] = PACKAGES) -> Macro:
        return lambda *args, **given: self._call(name, *args, of=of, **given)

    def _dispatch(self, name: str, _: str = "") -> Macro:
        there = (f"{prefix}__{name}" for prefix in ("duckdb", "default"))
        return self._name(next(one for one in there if any((package, one) in self._sources for package in PACKAGES)))

    def _make_context(self) -> dict[str, Any]:
        """All that dbt gives to models and macros, as far as they ask for it."""
        nodes, sources = (_by_attributes(self.graph[kind]) for kind in ("nodes", "sources"))
        return {name: self._name(name) for package, name in self._sources if package == PACKAGES[0]} | {
            "return": _return,
            "execute": True,
            "is_incremental": self._is_incremental,
            "adapter": SimpleNamespace(
                dispatch=self._dispatch, commit=tuple, get_relation=lambda *_: None, check_schema_exists=lambda *_: True
            ),
            "dbt": _Namespace(lambda name: self._name(name, PACKAGES[1:])),
            "graph": SimpleNamespace(nodes=nodes, sources=sources),
            "ref": self._find_ref,
            "source": lambda layer, name: DuckDBRelation.create(
                database="memory", schema=layer, identifier=name, type="table"
            ),
            "env_var": lambda name, default="": os.environ.get(name, default),
            "run_query": self._run,
            "statement": lambda *_, caller, **__: self._run(caller()) and "",
            "api": SimpleNamespace(Relation=DuckDBRelation, Column=DuckDBColumn),
            "target": SimpleNamespace(database="memory", schema="coretelecoms_silver", type="duckdb"),
            "invocation_id": "rendered",
            "fromjson": json.loads,
            "modules": SimpleNamespace(datetime=datetime),
            "log": lambda *_, **__: "",
        }


class _Namespace:
    """`dbt.name`: dbt's own macro, whoever has another of that name."""

    def __init__(self, find: Callable[[str], Macro]) -> None:
        self._find = find

    def __getattr__(self, name: str) -> Macro:
        return self._find(name)


class _Config(dict[str, Any]):
    """As dbt's own is read, by attributes and as a dictionary."""

    def __getattr__(self, name: str) -> Any:
        found = self.get(name)
        return _Config(found) if isinstance(found, dict) else found


def _by_attributes(nodes: dict[str, Node]) -> dict[str, SimpleNamespace]:
    return {
        key: SimpleNamespace(
            **node
            | {
                "config": _Config(node["config"]),
                "columns": {name: SimpleNamespace(**column) for name, column in node["columns"].items()},
            }
        )
        for key, node in nodes.items()
    }


def _in_order(nodes: dict[str, Node]) -> Iterator[Node]:
    left = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
    while left:
        for key in sorted(key for key, node in left.items() if not set(node["depends_on"]["nodes"]) & set(left)):
            yield left.pop(key)
