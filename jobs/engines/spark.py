"""Tasks of a Spark stage, on executors: the very function that threads run."""

from collections.abc import Sequence

from jobs.landing.split import Split, SplitResult
from jobs.landing.task import LandSplit
from jobs.session import Session


class OnSpark:
    """A stage a landing, a task a split."""

    name = "spark"

    def __init__(self, session: Session) -> None:
        self.session = session

    def __str__(self) -> str:
        return self.name

    def run(self, task: LandSplit, named: Sequence[tuple[str, Split]]) -> list[SplitResult]:
        """Results in the order of the splits; what a task raises is tried again by Spark, then raised."""
        context = self.session.describe(task.description).sparkContext
        return context.parallelize(named, max(1, len(named))).map(task).collect()

    def first_failure(self, work: str) -> str:
        """What the earliest failed task of the stage described as `work` said; "": nothing is known."""
        from jobs.failures import first_task_failure

        return first_task_failure(self.session(), work)
