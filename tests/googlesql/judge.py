"""What BigQuery would say of a script: all of it is analysed, against the tables that are there when it comes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.googlesql.engine import RefusedError, Resolved, engine
from tests.googlesql.reads import Touched, touched
from tests.googlesql.scripts import Part, parts, paths

_OF_A_TABLE = {"table_catalog": "STRING", "table_schema": "STRING", "table_name": "STRING"}
# What the service itself adds to every dataset, with the columns that are asked for, as its documentation lists them.
VIEWS: dict[str, dict[str, str]] = {
    "PARTITIONS": {**_OF_A_TABLE, "partition_id": "STRING", "total_rows": "INT64", "last_modified_time": "TIMESTAMP"},
    "MATERIALIZED_VIEWS": {**_OF_A_TABLE, "last_refresh_time": "TIMESTAMP"},
    "TABLE_OPTIONS": {**_OF_A_TABLE, "option_name": "STRING", "option_type": "STRING", "option_value": "STRING"},
    "COLUMNS": {
        **_OF_A_TABLE,
        "column_name": "STRING",
        "ordinal_position": "INT64",
        "data_type": "STRING",
        "is_partitioning_column": "STRING",
        "clustering_ordinal_position": "INT64",
    },
    "COLUMN_FIELD_PATHS": {
        **_OF_A_TABLE,
        "column_name": "STRING",
        "field_path": "STRING",
        "data_type": "STRING",
        "description": "STRING",
    },
}
TABLES = {
    "project_id": "STRING",
    "dataset_id": "STRING",
    "table_id": "STRING",
    "creation_time": "INT64",
    "last_modified_time": "INT64",
    "row_count": "INT64",
    "size_bytes": "INT64",
    "type": "INT64",
}
# Statements of a script that the analyzer does not take; what they compute is analysed as a query of its own.
CONTROL = ("DECLARE", "SET", "IF", "ELSEIF", "ELSE", "BEGIN", "EXCEPTION", "END", "RAISE")

_IF_NOT_EXISTS = re.compile(r"\bIF\s+NOT\s+EXISTS\b", re.IGNORECASE)

Schema = Mapping[str, str]


class Table(NamedTuple):
    """`made`: when, as the service says it: a table that is made again has forgotten what was added to it.

    `by`: the column by whose days it lies in partitions; `is_guarded`: it wants a filter on that column.
    """

    columns: Schema
    made: str = ""
    by: str = ""
    is_guarded: bool = False


Find = Callable[[str, str], Table | None]  # of dataset and table, what is there now


@dataclass(frozen=True)
class Verdict:
    """Of one statement. `kind`: the analyzer's (query, merge, begin ...) or one of CONTROL; `refused`: "" if it is not,
    else BigQuery's words with the position in the script. `touched`: what it reads and changes."""

    kind: str
    refused: str = ""
    touched: Touched = field(default=Touched(()), compare=False)


@dataclass
class Judge:
    """`find`: the schema of a table of the project. What GoogleSQL itself has made keeps the types it has there, and
    columns that a statement added are there, though the stand-in's own description does not show them."""

    project: str
    find: Find
    made: dict[str, Schema] = field(default_factory=dict)
    added: dict[tuple[str, str], Schema] = field(default_factory=dict)
    views: dict[str, tuple[str, Resolved]] = field(default_factory=dict)  # as they were written, and what that means

    def judge(self, script: str, parameters: Schema | None = None) -> list[Verdict]:
        """One verdict a statement, up to the first that is refused. Raises UnknownControlError."""
        try:
            engine().parse_script(script)
        except RefusedError as error:
            return [Verdict("script", str(error))]
        there = self._there(paths(script))
        tables: dict[str, Schema] = {
            name: {**table.columns, **self.added.get((name, table.made), {})} for name, table in there.items()
        }
        session = _Session(self.project, script, tables, parameters or {}, there, self.views)
        verdicts = []
        for part in parts(script):
            try:
                verdicts.append(session.analyzed(part))
            except RefusedError as error:
                verdicts.append(Verdict(part.kind, str(error)))
                break
        for name, columns in session.added.items():
            key = (name, there[name].made if name in there else "")
            self.added[key] = {**self.added.get(key, {}), **columns}
        self.made |= {name: columns for name, columns in session.made.items() if "." in name}
        return verdicts

    def _there(self, names: set[str]) -> dict[str, Table]:
        """The tables that names of a script may mean, and those behind its views."""
        found: dict[str, Table] = {}
        for path in names:
            dataset, _, view = path.partition(".INFORMATION_SCHEMA.")
            if view:
                found |= {path: Table(VIEWS[view])} if view in VIEWS else {}
                continue
            full = _full(self.project, path)
            if full.endswith(".__TABLES__"):
                found[full] = Table(TABLES)
                continue
            project, dataset, table = full.split(".") if full.count(".") == 2 else ("", "", "")
            if project == self.project and (there := self.find(dataset, table)) is not None:
                known = self.made.get(full, {})
                found[full] = there._replace(columns=known) if list(known) == list(there.columns) else there
                if full in self.views:
                    found = self._there(paths(self.views[full][0]) - {path}) | found
        return found


@dataclass
class _Session:
    """A script's own tables and variables, as they come."""

    project: str
    script: str
    tables: dict[str, Schema]
    parameters: Schema
    there: Mapping[str, Table]
    views: dict[str, tuple[str, Resolved]]
    variables: dict[str, str] = field(default_factory=dict)
    made: dict[str, Schema] = field(default_factory=dict)
    added: dict[str, Schema] = field(default_factory=dict)

    def analyzed(self, part: Part) -> Verdict:
        """Raises RefusedError, with the position in the script."""
        if part.kind == "statement":
            found = self._analyze(part)
            looked_at = self._looked_at(found)
            name = _full(self.project, found.makes)
            if name and not (name in self.tables and _IF_NOT_EXISTS.search(part.text)):
                self.made[name] = self.tables[name] = found.columns
                self.views.pop(name, None)
                if found.kind == "create_view":
                    self.views[name] = (part.text, found)
            if name := _full(self.project, found.alters):
                self.added[name] = {**self.added.get(name, {}), **found.columns}
                self.tables[name] = {**self.tables.get(name, {}), **found.columns}
            return Verdict(found.kind, touched=looked_at)
        computed = self._analyze(part, "SELECT ") if part.text else None
        found_type = next(iter(computed.columns.values())) if computed else part.of
        match part.kind:
            case "DECLARE":
                self.variables |= dict.fromkeys(part.names, _canonical(part.of) or found_type)
                self._fits(part, self.variables[part.names[0]], found_type)
            case "SET":
                for name in part.names:
                    self._fits(part, self.variables[name], found_type)
            case "IF" | "ELSEIF":
                self._fits(part, "BOOL", found_type)
        return Verdict(part.kind, touched=self._looked_at(computed) if computed else Touched(()))

    def _looked_at(self, statement: Resolved) -> Touched:
        """Raises RefusedError where a table wants a filter that is not there."""
        by = {name: table.by for name, table in self.there.items() if table.by}
        found = touched(statement, by, {name: view for name, (_, view) in self.views.items()})
        for read in found.without_days():
            if read.table in self.there and self.there[read.table].is_guarded:
                raise RefusedError(
                    f"Cannot query over table '{read.table}' without a filter over column(s) '{by[read.table]}' "
                    "that can be used for partition elimination"
                )
        return found

    def _fits(self, part: Part, wanted: str, found: str) -> None:
        if _canonical(found) != wanted:
            line, column = _position(self.script, part.start)
            raise RefusedError(f"{part.kind} wants {wanted}, found {found} [at {line}:{column}]")

    def _analyze(self, part: Part, before: str = "") -> Resolved:
        try:
            return engine().analyze(before + part.text, self.tables, self.parameters, self.variables)
        except RefusedError as error:
            lines = (before + part.text).split("\n")
            offset = sum(len(line) + 1 for line in lines[: error.line - 1]) + error.column - 1
            line, column = _position(self.script, part.start + max(0, offset - len(before)))
            message = re.sub(r" \[at \d+:\d+\]", "", str(error))
            raise RefusedError(f"{message} [at {line}:{column}]") from None


def _full(project: str, name: str) -> str:
    """With the project where only a dataset is named; a temporary table has neither."""
    return f"{project}.{name}" if name.count(".") == 1 else name


def _position(script: str, offset: int) -> tuple[int, int]:
    before = script[:offset]
    return before.count("\n") + 1, offset - before.rfind("\n")


def _canonical(of: str) -> str:
    """A type's name as the analyzer writes it."""
    return engine().type_name(of) if of else ""
