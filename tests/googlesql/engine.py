"""Google's own analyzer and reference evaluator of GoogleSQL, in this process, with BigQuery's language.

Run by the Python of requirements/googlesql.txt. Compiled once into the project's cache (half a minute), then loaded in
about a second. One thread at a time.
"""

import ctypes
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import wasmtime
from google.protobuf.message import Message
from zetasql.core.exceptions import ServerError
from zetasql.core.wasm_client import WasmClient, get_tzinfo_dir
from zetasql.wasi import get_wasm_path
from zetasql.wasi._pb2.zetasql.local_service.local_service_pb2 import (
    AnalyzeRequest,
    AnalyzeResponse,
    EvaluateQueryRequest,
    EvaluateQueryResponse,
    ParseRequest,
    ParseResponse,
    TableContent,
    TableData,
)
from zetasql.wasi._pb2.zetasql.proto.options_pb2 import AnalyzerOptionsProto, ZetaSQLBuiltinFunctionOptionsProto
from zetasql.wasi._pb2.zetasql.proto.simple_catalog_pb2 import SimpleCatalogProto
from zetasql.wasi._pb2.zetasql.public.options_pb2 import ERROR_MESSAGE_ONE_LINE
from zetasql.wasi._pb2.zetasql.public.simple_table_pb2 import SimpleColumnProto, SimpleTableProto
from zetasql.wasi._pb2.zetasql.public.type_pb2 import TypeKind, TypeProto
from zetasql.wasi._pb2.zetasql.public.value_pb2 import ValueProto
from zetasql.wasi._pb2.zetasql.resolved_ast.resolved_ast_pb2 import (
    AnyResolvedStatementProto,
    ResolvedAddColumnActionProto,
)

from tests.googlesql import language, values

# Name of a table or view ("dataset.table", "project.dataset.table") to its columns and their types.
Tables = Mapping[str, Mapping[str, str]]
Row = tuple[values.Value, ...]

_Answer = TypeVar("_Answer", bound=Message)
_AT = re.compile(r"\[at (\d+):(\d+)\]")
_CODE = re.compile(r"^Code: \d+, Message: ")


class RefusedError(Exception):
    """What GoogleSQL says against a statement, and where: line and column from 1, 0 where it does not say."""

    def __init__(self, message: str) -> None:
        super().__init__(_CODE.sub("", message).strip())
        found = _AT.search(message)
        self.line, self.column = (int(found[1]), int(found[2])) if found else (0, 0)


@dataclass(frozen=True)
class Resolved:
    """What a statement means. `kind`: query, insert, create_table_as_select ...; `makes`: the table or view it makes.

    `alters`: the table that it adds `columns` to, which else are those of the answer, or of what is made. `proto`: all
    that the analyzer found out.
    """

    kind: str
    columns: dict[str, str]
    makes: str
    alters: str
    proto: Message


class Engine:
    def __init__(self) -> None:
        self._wasm = _Wasm()
        self._options = AnalyzerOptionsProto(
            language_options=language.bigquery(),
            error_message_mode=ERROR_MESSAGE_ONE_LINE,
            default_timezone="UTC",
            prune_unused_columns=True,
        )
        self._types: dict[str, TypeProto] = {}

    def parse_script(self, script: str) -> None:
        """The grammar of all of it, of blocks and variables too. Raises RefusedError."""
        asked = ParseRequest(sql_statement=script, options=self._options.language_options, allow_script=True)
        self._call("Parse", asked, ParseResponse)

    def analyze(
        self,
        statement: str,
        tables: Tables,
        parameters: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Resolved:
        """One statement against the tables there are; `variables`: of the script around it. Raises RefusedError."""
        options = AnalyzerOptionsProto()
        options.CopyFrom(self._options)
        for name, of in (parameters or {}).items():
            options.query_parameters.add(name=name, type=self._type(of))
        catalog = self._catalog(statement, tables)
        for name, of in (variables or {}).items():
            catalog.constant.add(name_path=[name], type=self._type(of), value=ValueProto())
        asked = AnalyzeRequest(sql_statement=statement, options=options, simple_catalog=catalog)
        return _resolved(self._call("Analyze", asked, AnalyzeResponse).resolved_statement)

    def evaluate(
        self, select: str, tables: Tables | None = None, rows: Mapping[str, Sequence[Sequence[Any]]] | None = None
    ) -> list[Row]:
        """The rows of a query, by Google's reference implementation: str, int, float, bool, bytes, date, datetime
        (naive, in UTC), Decimal, list. `rows` of `tables`, in the order of their columns. Raises RefusedError."""
        tables = tables or {}
        sql = _at_the_root(select, tables)
        asked = EvaluateQueryRequest(sql=sql, options=self._options, simple_catalog=self._catalog(sql, tables))
        for name, there in (rows or {}).items():
            types = [self._type(of) for of in tables[name].values()]
            data = [TableData.Row(cell=[values.cell(*one) for one in zip(row, types, strict=True)]) for row in there]
            asked.table_content[name].CopyFrom(TableContent(table_data=TableData(row=data)))
        answer = self._call("EvaluateQuery", asked, EvaluateQueryResponse)
        types = [column.type for column in answer.prepared.columns]
        return [tuple(map(values.value, row.cell, types)) for row in answer.content.table_data.row]

    def type_name(self, name: str) -> str:
        """A type as BigQuery itself writes it: INT64 for INTEGER."""
        return _type_name(self._type(name))

    @cached_property
    def _functions(self) -> ZetaSQLBuiltinFunctionOptionsProto:
        return ZetaSQLBuiltinFunctionOptionsProto(language_options=self._options.language_options)

    def _catalog(self, statement: str, tables: Tables) -> SimpleCatalogProto:
        """The tables that the statement may mean, under each way of writing a name: a.b.c, `a.b`.c, `a.b.c`."""
        root = SimpleCatalogProto(name="root", named_type=language.aliases(), builtin_function_options=self._functions)
        text = statement.lower()
        for full, columns in tables.items():
            parts = full.split(".")
            if parts[-1].lower() in text:
                made = [SimpleColumnProto(name=name, type=self._type(of)) for name, of in columns.items()]
                for start in range(len(parts) if len(parts) < 3 else 2):
                    _add(root, parts[start:], SimpleTableProto(name=full, column=made))
        return root

    def _type(self, name: str) -> TypeProto:
        """As the analyzer itself reads it."""
        if name not in self._types:
            select = f"SELECT CAST(NULL AS {name}) AS one"
            asked = AnalyzeRequest(
                sql_statement=select, options=self._options, simple_catalog=self._catalog(select, {})
            )
            found = self._call("Analyze", asked, AnalyzeResponse).resolved_statement.resolved_query_stmt_node
            self._types[name] = found.output_column_list[0].column.type
        return self._types[name]

    def _call(self, name: str, asked: Message, answer: type[_Answer]) -> _Answer:
        try:
            return self._wasm.call_grpc_func(f"ZetaSqlLocalService_{name}", asked, answer)
        except ServerError as error:
            raise RefusedError(str(error.raw_error)) from None


@cache
def engine() -> Engine:
    """One a process."""
    return Engine()


class _Wasm(WasmClient):
    """The package's client, with the compiled module kept, and memory copied in one go."""

    def __init__(self) -> None:
        wasi = wasmtime.WasiConfig()
        wasi.inherit_stderr()
        if zones := get_tzinfo_dir():
            wasi.preopen_dir(zones, "/usr/share/zoneinfo")
        config = wasmtime.Config()
        config.shared_memory = True
        self.store = wasmtime.Store(wasmtime.Engine(config))
        self.store.set_wasi(wasi)
        self.module = _compiled(self.store.engine)
        linker = wasmtime.Linker(self.store.engine)
        linker.define_wasi()
        self.instance = linker.instantiate(self.store, self.module)
        exports: Any = self.instance.exports(self.store)
        exports["_initialize"](self.store)
        self.exports, self.memory = exports, exports["memory"]

    def write_bytes(self, ptr: int, data: bytes) -> None:
        ctypes.memmove(self._base + ptr, data, len(data))

    def read_bytes(self, ptr: int, size: int) -> bytes:
        return ctypes.string_at(self._base + ptr, size)

    @property
    def _base(self) -> int:
        """Anew each time: memory that grows may move."""
        memory: Any = self.memory
        return ctypes.addressof(memory.data_ptr().contents)


def _compiled(engine: wasmtime.Engine) -> wasmtime.Module:
    cache = os.environ.get("CORETELECOMS_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "coretelecoms")
    name = f"googlesql-{version('zetasql')}-wasmtime-{version('wasmtime')}-{os.uname().machine}.cwasm"
    kept = Path(cache).expanduser() / name
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(wasmtime.Module.from_file(engine, str(get_wasm_path())).serialize())
        fresh.rename(kept)
    return wasmtime.Module.deserialize_file(engine, str(kept))


def _add(catalog: SimpleCatalogProto, parts: Sequence[str], table: SimpleTableProto) -> None:
    """Under a.b.c, `a.b`.c, a.`b.c` and `a.b.c` alike."""
    whole = SimpleTableProto()
    whole.CopyFrom(table)
    whole.name_in_catalog = ".".join(parts)
    catalog.table.append(whole)
    for cut in range(1, len(parts)):
        name = ".".join(parts[:cut])
        found = next((one for one in catalog.catalog if one.name == name), None)
        _add(found or catalog.catalog.add(name=name), parts[cut:], table)


def _at_the_root(select: str, tables: Tables) -> str:
    """The evaluator knows rows only of tables whose name is one identifier: a.b.c becomes `a.b.c` as c.

    What follows a table in `select` is `as` and a name, or no name.
    """
    for full in tables:
        parts = full.split(".")
        written = r"`?\.`?".join(map(re.escape, parts[-2:]))
        if len(parts) > 1:
            project = rf"(?:{re.escape(parts[0])}`?\.`?)?" if len(parts) > 2 else ""
            pattern = rf"(?<![\w`.])`?{project}{written}(?:`|\b)(?!`?\.)(\s+as\s)?"
            select = re.sub(pattern, partial(_quoted, full), select, flags=re.IGNORECASE)
    return select


def _quoted(full: str, found: re.Match[str]) -> str:
    return f"`{full}`{found[1] or ' as `' + full.rpartition('.')[2] + '` '}"


def _resolved(statement: AnyResolvedStatementProto) -> Resolved:
    """Messages of the analyzer are nested by inheritance: a `parent` holds what kinds have in common."""
    node = inner(statement)
    kind = type(node).__name__.removeprefix("Resolved").removesuffix("StmtProto")
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()
    found = first(node, "output_column_list") or []
    columns = {one.name: _type_name(one.column.type) for one in found}
    if defined := first(node, "column_definition_list"):
        columns = {one.name: _type_name(one.type) for one in defined}
    if actions := first(node, "alter_action_list"):
        added = (inner(one) for one in actions)
        defined = [one.column_definition for one in added if isinstance(one, ResolvedAddColumnActionProto)]
        columns = {one.name: _type_name(one.type) for one in defined}
    path = ".".join(first(node, "name_path") or [])
    makes, alters = (path if name.startswith(kind) else "" for kind in ("create", "alter_table"))
    return Resolved(name, columns, makes, alters, node)


def inner(message: Message) -> Message:
    """What an `Any...Proto` holds, which may be one in turn."""
    while type(message).__name__.startswith("Any"):
        (message,) = (held for _, held in message.ListFields())
    return message


def first(node: Message, field: str) -> Any:
    """The field of the statement, or of what it inherits from."""
    here: Any = node
    while here is not None:
        if field in here.DESCRIPTOR.fields_by_name and (found := getattr(here, field)):
            return found
        here = here.parent if "parent" in here.DESCRIPTOR.fields_by_name else None
    return None


def _type_name(of: TypeProto) -> str:
    """As BigQuery writes it."""
    name = str(TypeKind.Name(of.type_kind)).removeprefix("TYPE_")
    match name:
        case "ARRAY":
            return f"ARRAY<{_type_name(of.array_type.element_type)}>"
        case "STRUCT":
            fields = (f"{field.field_name} {_type_name(field.field_type)}" for field in of.struct_type.field)
            return f"STRUCT<{', '.join(fields)}>"
        case _:
            return {"DOUBLE": "FLOAT64"}.get(name, name)
