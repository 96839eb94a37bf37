"""`ingest`, `load` and `run` with `--master`: by Spark's own spark-submit, where the command needs Spark."""

from jobs.cli import Arguments
from jobs.commands import run as in_this_process
from jobs.config.environment import Environment, load_environment
from jobs.config.warehouses import BigQueryWarehouse
from jobs.engines.submit import submit


def run(arguments: Arguments) -> int:
    """Does not return where spark-submit takes this process's place."""
    environment = load_environment(arguments.environment)
    if _needs_spark(arguments, environment):
        submit(environment, arguments.master, arguments.words)
    return in_this_process.run(arguments)


def _needs_spark(arguments: Arguments, environment: Environment) -> bool:
    """A plan only looks at what is there; of the warehouses only BigQuery is loaded by Spark."""
    if arguments.is_plan:
        return False
    return arguments.command != "load" or isinstance(environment.warehouse, BigQueryWarehouse)
