"""What a resolved statement reads: of each table the columns, and the days of its partitions where constants say so.

BigQuery leaves out the partitions that a comparison of the partition's column with a constant rules out, also where
that comparison stands outside a view, a WITH or a UNION ALL; not for a subquery or a function over the column.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from google.protobuf.message import Message

from tests.googlesql.engine import Resolved, first, inner

Days = tuple[date, date]  # both included
ALL_DAYS: Days = (date.min, date.max)
_EPOCH = date(1970, 1, 1)
_COMPARED = {"$equal", "$less", "$less_or_equal", "$greater", "$greater_or_equal"}
_MIRRORED = {
    "$less": "$greater",
    "$less_or_equal": "$greater_or_equal",
    "$greater": "$less",
    "$greater_or_equal": "$less_or_equal",
}


@dataclass(frozen=True)
class Read:
    """One scan of a table. `days`: of its partitions, by constants; None: nothing says which, so all of them."""

    table: str
    columns: frozenset[str]
    days: Days | None


@dataclass(frozen=True)
class Touched:
    """`changed`: whose partitions an UPDATE, DELETE or MERGE changes, with the columns that it looks at there."""

    reads: tuple[Read, ...]
    changed: Read | None = None

    def by_table(self) -> dict[str, Read]:
        """Several scans of a table as one: what BigQuery bills."""
        found: dict[str, Read] = {}
        for read in self.reads:
            found[read.table] = _both(found[read.table], read) if read.table in found else read
        return found

    def without_days(self) -> Iterator[Read]:
        """Scans that no constant limits."""
        return (read for read in (*self.reads, *filter(None, [self.changed])) if read.days is None)


def touched(statement: Resolved, partitions: Mapping[str, str], views: Mapping[str, Resolved] | None = None) -> Touched:
    """`partitions`: of a table the column by whose days it lies; `views`: what each of them selects."""
    walk = _Walk(partitions, views or {})
    node = statement.proto
    match statement.kind:
        case "update" | "delete" | "merge":
            changed = walk.changed(node)
            return Touched(tuple(walk.found), changed)
        case "create_view":
            return Touched(())
    for row in first(node, "row_list") or []:
        walk.values(row)
    query = first(node, "query")
    if query is not None and query.ListFields():
        named = [column.column for column in first(node, "output_column_list") or []]
        walk.scan(query, set(_numbers(named or first(node, "query_output_column_list"))), {})
    return Touched(tuple(walk.found))


@dataclass
class _Walk:
    """From the statement down to its tables: which columns are needed there, by number, and between which days."""

    partitions: Mapping[str, str]
    views: Mapping[str, Resolved]
    found: list[Read] = field(default_factory=list)
    _with: dict[str, Message] = field(default_factory=dict)

    def values(self, row: Any) -> None:
        """Of INSERT: they may ask."""
        self._columns(row)

    def changed(self, node: Any) -> Read:
        conditions = [inner(node.merge_expr)] if "merge_expr" in node.DESCRIPTOR.fields_by_name else []
        conditions += [inner(node.where_expr)] if "where_expr" in node.DESCRIPTOR.fields_by_name else []
        others = [*getattr(node, "update_item_list", []), *getattr(node, "when_clause_list", [])]
        limits = _limits(conditions)
        needed = set[int]().union(*(self._columns(one) for one in [*conditions, *others]))
        if "from_scan" in node.DESCRIPTOR.fields_by_name and node.HasField("from_scan"):
            self.scan(node.from_scan, needed, limits)
        return self._read(node.table_scan, needed, limits)

    def scan(self, node: Any, needed: set[int], limits: Mapping[int, Days]) -> None:
        """Down through one kind of scan. Raises NotImplementedError for one that no statement here has had so far."""
        node = inner(node)
        kind = type(node).__name__.removeprefix("Resolved").removesuffix("Proto")
        known: dict[str, Callable[[Any, set[int], Mapping[int, Days]], None]] = {
            "TableScan": self._table,
            "FilterScan": self._filtered,
            "WithScan": self._named,
            "WithRefScan": self._by_name,
            "SetOperationScan": self._united,
            "JoinScan": self._joined,
            "AggregateScan": self._aggregated,
            "AnalyticScan": self._windowed,
            "ArrayScan": self._unnested,
            "SingleRowScan": lambda *_: None,
            **dict.fromkeys(("ProjectScan", "OrderByScan", "LimitOffsetScan"), self._projected),
        }
        if kind not in known:
            raise NotImplementedError(f"{kind} is not known to tests/googlesql/reads.py")
        known[kind](node, needed, limits)

    def _filtered(self, node: Any, needed: set[int], limits: Mapping[int, Days]) -> None:
        condition, before = inner(node.filter_expr), len(self.found)
        self.scan(node.input_scan, needed | self._columns(condition), _narrowed(limits, _limits([condition])))
        if _is_never_true(condition):  # dbt asks so for the columns of an answer
            self.found[before:] = [replace(read, columns=frozenset()) for read in self.found[before:]]

    def _named(self, node: Any, needed: set[int], limits: Mapping[int, Days]) -> None:
        self._with |= {entry.with_query_name: entry.with_subquery for entry in node.with_entry_list}
        self.scan(node.query, needed, limits)

    def _by_name(self, node: Any, needed: set[int], limits: Mapping[int, Days]) -> None:
        there = self._with[node.with_query_name]
        self._through(there, _numbers(first(inner(there), "column_list")), node, needed, limits)

    def _united(self, node: Any, needed: set[int], limits: Mapping[int, Days]) -> None:
        for item in node.input_item_list:
            self._through(item.scan, _numbers(item.output_column_list), node, needed, limits)

    def _unnested(self, node: Any, needed: set[int], limits: Mapping[int, Days]) -> None:
        needed = needed | self._columns(node, beside=("input_scan", "parent"))
        if node.HasField("input_scan"):
            self.scan(node.input_scan, needed, limits)

    def _table(self, node: Any, needed: set[int], limits: Mapping[int, Days]) -> None:
        if (view := self.views.get(node.table.name)) is None:
            self.found.append(self._read(node, needed, limits))
            return
        wanted = {column.name: column.column_id for column in first(node, "column_list") or []}
        inside = _Walk(self.partitions, self.views)
        outputs = first(view.proto, "output_column_list")
        there = {column.column.column_id: wanted.get(column.name) for column in outputs}
        inside.scan(
            first(view.proto, "query"),
            {number for number, outside in there.items() if outside in needed},
            {number: limits[outside] for number, outside in there.items() if outside is not None and outside in limits},
        )
        self.found += inside.found

    def _read(self, node: Any, needed: set[int], limits: Mapping[int, Days]) -> Read:
        columns = {column.name: column.column_id for column in first(node, "column_list") or []}
        by = columns.get(self.partitions.get(node.table.name, ""), -1)
        used = frozenset(name for name, number in columns.items() if number in needed)
        return Read(node.table.name, used, limits.get(by))

    def _through(
        self, scan: Any, inside: Sequence[int], node: Any, needed: set[int], limits: Mapping[int, Days]
    ) -> None:
        """Columns of the one are those of the other, by their position."""
        outside = _numbers(first(node, "column_list"))
        pairs = list(zip(inside, outside, strict=True))
        self.scan(
            scan,
            {there for there, here in pairs if here in needed},
            {there: limits[here] for there, here in pairs if here in limits},
        )

    def _projected(self, node: Any, needed: set[int], limits: Mapping[int, Days]) -> None:
        computed = _computed(first(node, "expr_list"))
        others = [one.column_ref for one in first(node, "order_by_item_list") or []]
        below = needed - set(computed)
        below |= set[int]().union(
            *(self._columns(of) for number, of in computed.items() if number in needed),
            *(self._columns(of) for of in others),
        )
        renamed = {
            of.column.column_id: limits[number]
            for number, of in computed.items()
            if number in limits and type(of).__name__ == "ResolvedColumnRefProto"
        }
        self.scan(node.input_scan, below, _narrowed(limits, renamed))

    def _joined(self, node: Any, needed: set[int], limits: Mapping[int, Days]) -> None:
        """What is asked of the side that an outer join fills up with nulls says nothing of the rows it reads."""
        kinds = node.DESCRIPTOR.fields_by_name["join_type"].enum_type.values_by_number
        kind = kinds[node.join_type].name
        condition = [inner(node.join_expr)] if node.HasField("join_expr") else []
        needed = needed | set[int]().union(*map(self._columns, condition))
        if kind == "INNER":
            limits = _narrowed(limits, _limits(condition))
        self.scan(node.left_scan, needed, limits if kind in ("INNER", "LEFT") else {})
        self.scan(node.right_scan, needed, limits if kind in ("INNER", "RIGHT") else {})

    def _aggregated(self, node: Any, needed: set[int], limits: Mapping[int, Days]) -> None:
        groups, made = _computed(first(node, "group_by_list")), _computed(first(node, "aggregate_list"))
        used = [*groups.values(), *(of for number, of in made.items() if number in needed)]
        below = {
            of.column.column_id: limits[number]
            for number, of in groups.items()
            if number in limits and type(of).__name__ == "ResolvedColumnRefProto"
        }
        self.scan(first(node, "input_scan"), set[int]().union(*map(self._columns, used)), below)

    def _windowed(self, node: Any, needed: set[int], limits: Mapping[int, Days]) -> None:
        """A limit holds below a window only where each window stays within a value of that column."""
        made = {number for group in node.function_group_list for number in _computed(group.analytic_function_list)}
        below, kept = needed - made, dict(limits)
        for group in node.function_group_list:
            within = self._columns(group.partition_by) if group.HasField("partition_by") else set()
            kept = {number: days for number, days in kept.items() if number in within}
            if needed & made:
                below = below | self._columns(group)
        self.scan(node.input_scan, below, kept)

    def _columns(self, node: Any, beside: Sequence[str] = ()) -> set[int]:
        """Of an expression. What subqueries in it read is found on the way."""
        node = inner(node)
        kind = type(node).__name__
        if kind == "ResolvedColumnRefProto":
            return {node.column.column_id}
        if kind == "ResolvedSubqueryExprProto":
            self.scan(node.subquery, set(_numbers(first(inner(node.subquery), "column_list"))), {})
            beside = ("subquery", "parent")
        found = set[int]()
        for described, value in node.ListFields():
            if described.message_type and described.name not in beside:
                for one in [value] if isinstance(value, Message) else value:
                    found |= self._columns(one)
        return found


def _is_never_true(condition: Any) -> bool:
    if type(condition).__name__ == "ResolvedFunctionCallProto" and condition.parent.function.name == "ZetaSQL:$and":
        return any(_is_never_true(inner(one)) for one in condition.parent.argument_list)
    is_literal = type(condition).__name__ == "ResolvedLiteralProto"
    return (
        is_literal
        and condition.value.value.WhichOneof("value") == "bool_value"
        and not condition.value.value.bool_value
    )


def _computed(columns: Any) -> dict[int, Any]:
    """Expressions, by the number of the column that each makes."""
    found = map(inner, columns or [])
    return {one.column.column_id: inner(one.expr) for one in found}


def _numbers(columns: Any) -> list[int]:
    return [column.column_id for column in columns or []]


def _limits(conditions: Sequence[Any]) -> dict[int, Days]:
    """Of columns that constants are compared with, in what has to be true."""
    found: dict[int, Days] = {}
    for condition in conditions:
        found = _narrowed(found, _limit(condition))
    return found


def _limit(condition: Any) -> dict[int, Days]:
    if type(condition).__name__ != "ResolvedFunctionCallProto":
        return {}
    name = condition.parent.function.name.removeprefix("ZetaSQL:")
    arguments = [inner(one) for one in condition.parent.argument_list]
    if name == "$and":
        return _limits(arguments)
    days = [_day(one) for one in arguments]
    columns = [one.column.column_id if type(one).__name__ == "ResolvedColumnRefProto" else None for one in arguments]
    match name, columns, days:
        case "$between", [int(column), None, None], [None, date() as low, date() as high]:
            return {column: (low, high)}
        case "$in", [int(column), *_], [None, *listed] if all(listed):
            return {column: (min(filter(None, listed)), max(filter(None, listed)))}
        case _, [int(column), None], [None, date() as day] if name in _COMPARED:
            return {column: _between(name, day)}
        case _, [None, int(column)], [date() as day, None] if name in _COMPARED:
            return {column: _between(_MIRRORED.get(name, name), day)}
    return {}


def _between(name: str, day: date) -> Days:
    match name:
        case "$equal":
            return (day, day)
        case "$less" | "$less_or_equal":
            return (date.min, day - timedelta(days=name == "$less"))
        case _:
            return (day + timedelta(days=name == "$greater"), date.max)


def _day(node: Any) -> date | None:
    if type(node).__name__ != "ResolvedLiteralProto" or node.value.value.WhichOneof("value") != "date_value":
        return None
    return _EPOCH + timedelta(days=node.value.value.date_value)


def _narrowed(one: Mapping[int, Days], other: Mapping[int, Days]) -> dict[int, Days]:
    both = dict(one)
    for number, (low, high) in other.items():
        before = both.get(number, ALL_DAYS)
        both[number] = (max(low, before[0]), min(high, before[1]))
    return both


def _both(one: Read, other: Read) -> Read:
    days = None
    if one.days and other.days:
        days = (min(one.days[0], other.days[0]), max(one.days[1], other.days[1]))
    return replace(one, columns=one.columns | other.columns, days=days)
