"""Loading: a landing into Bronze, balanced against its manifest."""

from collections.abc import Iterable
from datetime import date
from logging import INFO
from typing import TYPE_CHECKING, assert_never

from jobs.errors import BalanceError
from jobs.ledger import Manifest
from jobs.logs import fact
from jobs.settings import BigQueryWarehouse, DeltaWarehouse, Environment, SnowflakeWarehouse, SourceContract

if TYPE_CHECKING:
    from jobs.session import Session


def load(environment: Environment, contract: SourceContract, manifest: Manifest, session: "Session") -> tuple[str, int]:
    """Publish a landing; returns the run and the rows that Bronze then holds of its day.

    A newer run is never replaced by an older one: its rows stay, and the answer names it.
    """

    def log(event: str, **facts: object) -> None:
        known: dict[str, object] = {"rows": manifest.rows_landed, **facts}
        fact(event, manifest.source, manifest.ingest_date, manifest.run_id, level=INFO, **known)

    match environment.warehouse:
        case DeltaWarehouse() as warehouse:
            from jobs.bronze import delta

            held = delta.load(warehouse, environment.lake, manifest, list(contract.columns.values()), log)
        case BigQueryWarehouse() as warehouse:
            from jobs.bronze import bigquery

            held = bigquery.Loading(warehouse, environment, contract, manifest, session, log)()
        case SnowflakeWarehouse() as warehouse:
            from jobs.bronze import snowflake

            held = snowflake.load(warehouse, environment.lake, manifest, list(contract.columns.values()), log)
        case _ as unknown:
            assert_never(unknown)
    run_id, rows = held
    if run_id == manifest.run_id and rows != manifest.rows_landed:
        raise BalanceError(f"{manifest.rows_landed} rows landed, {rows} in Bronze")
    return held


def loaded(environment: Environment, source: str, day: date | None = None) -> dict[date, tuple[str, int]]:
    """What Bronze holds of a source, or of one day of it: the run and its rows, counted in the warehouse."""
    match environment.warehouse:
        case DeltaWarehouse() as warehouse:
            from jobs.bronze import delta

            return delta.loaded(warehouse, source, day)
        case BigQueryWarehouse() as warehouse:
            from jobs.bronze import bigquery

            return bigquery.loaded(warehouse, environment, source, day)
        case SnowflakeWarehouse() as warehouse:
            from jobs.bronze import snowflake

            return snowflake.loaded(warehouse, source, day)
        case _ as unknown:
            assert_never(unknown)


def for_dbt(environment: Environment, contracts: Iterable[SourceContract]) -> dict[str, str]:
    """The variables of dbt/profiles.yml, and the target among its outputs."""
    match environment.warehouse:
        case DeltaWarehouse(path=path):
            folders = {"CORETELECOMS_BRONZE": str(path), "CORETELECOMS_CONTRACTS": str(environment.contracts)}
            return {"CORETELECOMS_TARGET": "local", **folders}
        case BigQueryWarehouse() as warehouse:
            from jobs.bronze import bigquery

            return {"CORETELECOMS_TARGET": "bigquery", **bigquery.for_dbt(warehouse, environment, contracts)}
        case SnowflakeWarehouse() as warehouse:
            from jobs.bronze import snowflake

            return {"CORETELECOMS_TARGET": "snowflake", **snowflake.for_dbt(warehouse, contracts)}
        case _ as unknown:
            assert_never(unknown)


def renewal(environment: Environment) -> dict[str, str]:
    """Variables by which dbt outlasts its first token; they serve this process and what it becomes by exec."""
    if not isinstance(environment.warehouse, BigQueryWarehouse):
        return {}
    from jobs.bronze import bigquery

    return bigquery.renewal(environment.warehouse, environment)
