"""Which warehouse an environment's Bronze is in; only that warehouse's client is imported."""

from typing import TYPE_CHECKING, assert_never

from jobs.bronze.bronze import Bronze
from jobs.config.environment import Environment
from jobs.config.warehouses import BigQueryWarehouse, DeltaWarehouse, SnowflakeWarehouse

if TYPE_CHECKING:
    from jobs.engines.session import Session


def make_bronze(environment: Environment, session: "Session | None" = None) -> Bronze:
    """`session`: for who loads, where Spark takes the rows to the warehouse; nothing else needs it."""
    match environment.warehouse:
        case DeltaWarehouse() as warehouse:
            from jobs.bronze.delta.bronze import DeltaBronze

            return DeltaBronze(warehouse, environment)
        case BigQueryWarehouse() as warehouse:
            from jobs.bronze.bigquery.bronze import BigQueryBronze

            return BigQueryBronze(warehouse, environment, session)
        case SnowflakeWarehouse() as warehouse:
            from jobs.bronze.snowflake.bronze import SnowflakeBronze

            return SnowflakeBronze(warehouse, environment)
        case _ as unknown:
            assert_never(unknown)
