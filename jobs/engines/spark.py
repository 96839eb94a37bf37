"""Tasks of a Spark stage, on executors: the very function that threads run."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from jobs.engines.session import Session
from jobs.engines.task import Result, Split, Task
from jobs.masking import describe

_AWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")


@dataclass(frozen=True)
class Relation:
    """A table that Spark reads over JDBC: `query` in FROM, a partition a split's `predicate`.

    `options`: the driver's, the password among them. `rows`: how many of them a batch, and memory, may hold.
    """

    url: str
    query: str
    columns: Sequence[str]
    rows: int
    options: Mapping[str, str] = field(repr=False)


@runtime_checkable
class TableSplit(Protocol):
    """Rows of a table: a split that a thread reads by itself, and whose rows Spark reads for its task."""

    @property
    def predicate(self) -> str:
        """SQL that is true for this split's rows."""
        ...

    def make_relation(self) -> Relation:
        """The table that this split and those beside it are of. Raises ServiceError, ConfigurationError."""
        ...

    def take_rows(self, batches: Iterator[pa.RecordBatch]) -> Any:
        """The same split, where its rows have been read: `relation`'s columns."""
        ...


class TaskError(Exception):
    """What a task of Spark's did not foresee, described where it failed: nothing that it read is in it."""


@dataclass(frozen=True)
class _Lent:
    """A task with the driver's AWS credentials, for executors that have none; they stand nowhere else."""

    task: Task[Any, Any]
    variables: Mapping[str, str] = field(repr=False)

    @staticmethod
    def lend(task: Task[Any, Any]) -> "_Lent":
        return _Lent(task, {name: os.environ[name] for name in _AWS if name in os.environ})

    def __call__(self, named: tuple[str, Any]) -> Any:
        if "AWS_ACCESS_KEY_ID" not in os.environ:
            os.environ.update(self.variables)
        try:
            return self.task(named)
        except Exception as error:  # noqa: BLE001 - as it is, Spark would write it into its event log
            raise TaskError(describe(error).replace("\n", " ")) from None


class OnSpark:
    """A stage a landing, a task a split."""

    name = "spark"

    def __init__(self, session: Session) -> None:
        self.session = session

    def __str__(self) -> str:
        return self.name

    def run(self, task: Task[Split, Result], named: Sequence[tuple[str, Split]]) -> list[Result]:
        """Results in the order of the splits; what a task raises is tried again by Spark, then raised."""
        if of_table := [(name, split) for name, split in named if isinstance(split, TableSplit)]:
            return self._run_over_jdbc(task, of_table)
        context = self.session.describe(task.description).sparkContext
        return context.parallelize(named, max(1, len(named))).map(_Lent.lend(task)).collect()

    def _run_over_jdbc(self, task: Task[Any, Result], named: Sequence[tuple[str, TableSplit]]) -> list[Result]:
        """Spark's own reader has a partition a split, whose rows reach the split's task as Arrow batches.

        They are built here: `mapInArrow` needs pandas, which pyarrow then imports in every run, in threads too.
        """
        relation = named[0][1].make_relation()
        lent, size, width = _Lent.lend(task), relation.rows, len(relation.columns)

        def land(number: int, rows: Iterable[Sequence[str | None]]) -> Iterable[Result]:
            name, split = named[number]
            yield lent((name, split.take_rows(_make_batches(iter(rows), size, width))))

        spark = self.session.describe(task.description)
        predicates = [split.predicate for _, split in named]
        properties = {**relation.options, "fetchsize": str(relation.rows)}
        frame = spark.read.jdbc(relation.url, relation.query, predicates=predicates, properties=properties)
        return frame.select(*relation.columns).rdd.mapPartitionsWithIndex(land).collect()

    def find_failure(self, work: str) -> str:
        """What the earliest failed task of the stage described as `work` said; "": nothing is known."""
        from jobs.engines.failures import find_task_failure

        return find_task_failure(self.session(), work)


def _make_batches(rows: Iterator[Sequence[str | None]], size: int, width: int) -> Iterator[pa.RecordBatch]:
    """Rows of `width` texts as batches of at most `size` rows."""
    names = [str(position) for position in range(width)]
    while some := list(islice(rows, size)):
        columns = [pa.array([row[position] for row in some], pa.string()) for position in range(width)]
        yield pa.RecordBatch.from_arrays(columns, names)
