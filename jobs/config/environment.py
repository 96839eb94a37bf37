"""An environment: where deliveries, lake, warehouse, secrets and logs are; `conf/env/<name>.toml`."""

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Self, assert_never

from pydantic import Field, ModelWrapValidatorHandler, field_validator, model_validator

from jobs.clients.credentials import Address, Reference
from jobs.clients.location import ROOT, Location, S3Location, Service
from jobs.clients.options import MysqlAccess, PostgresAccess, Retries
from jobs.clients.url import checked_url
from jobs.config import toml
from jobs.config.model import Name, Strict
from jobs.config.warehouses import BigQueryWarehouse, DeltaWarehouse, SnowflakeWarehouse, Warehouse
from jobs.errors import ConfigurationError


class EngineChoice(Strict):
    """From which size on Spark reads deliveries on this machine (a `--master` always does)."""

    spark_above_gb: float = Field(default=64, gt=0)  # GiB to be read by one run


class Prices(Strict):
    """By the price lists of the cloud and its region: EMR Serverless by the hour, BigQuery by what it reads."""

    currency: str = "USD"
    vcpu_hour: float = Field(default=0, ge=0)
    gb_hour: float = Field(default=0, ge=0)
    tib_read: float = Field(default=0, ge=0)

    @property
    def is_stated(self) -> bool:
        return bool(self.vcpu_hour or self.gb_hour or self.tib_read)


class Environment(Strict):
    """Where deliveries, lake, warehouse, secrets and logs are. Relative paths start at the project's folder."""

    name: Name
    s3: Service = Service()
    sources: Location
    lake: Location
    warehouse: Warehouse
    secrets: dict[Name, Reference] = {}
    services: dict[Name, Address] = {}
    # Ids, or Airflow's variables that hold them.
    spreadsheets: dict[Name, Annotated[str, Field(pattern="^(variable:)?[A-Za-z0-9_-]+$")]] = {}
    postgres: PostgresAccess = PostgresAccess()
    mysql: MysqlAccess = MysqlAccess()
    retries: Retries = Retries()
    engine: EngineChoice = EngineChoice()
    prices: Prices = Prices()
    # A source that comes another way here than its source contract says: its [delivery], by the source's name.
    deliveries: dict[Name, dict[str, Any]] = {}  # checked with the source contract (jobs/contracts/source.py)
    contracts: Path = Path("conf/sources")
    without: tuple[Name, ...] = ()  # sources of `contracts` that this environment leaves out
    logs: Path | None = None
    spark: dict[str, str] = {}

    @field_validator("contracts", "logs")
    @classmethod
    def _anchor(cls, path: Path | None) -> Path | None:
        return path and ROOT / path

    @field_validator("spark")
    @classmethod
    def _holds_no_secret(cls, spark: dict[str, str]) -> dict[str, str]:
        if secret := sorted(name for name in spark if re.search("secret|password", name, re.IGNORECASE)):
            raise ValueError(
                f"{secret} are secrets, which stand in no file of ours: use a role, or spark-defaults.conf"
            )
        return spark

    @model_validator(mode="wrap")
    @classmethod
    def _put_together(cls, content: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        """The parts of one file: a place on S3 knows how this environment's S3 is reached."""
        environment = read(content)
        environment._check_together()
        locations = {"sources": environment.locate(environment.sources), "lake": environment.locate(environment.lake)}
        match environment.warehouse:
            case DeltaWarehouse(path=path) as warehouse:
                warehouse = warehouse.model_copy(update={"path": environment.locate(path)})
                return environment.model_copy(update={**locations, "warehouse": warehouse})
            case BigQueryWarehouse() | SnowflakeWarehouse():
                return environment.model_copy(update=locations)
            case _ as unknown:
                assert_never(unknown)

    def _check_together(self) -> None:
        _check_variables(self.s3.plain_http)
        match self.warehouse:
            case DeltaWarehouse(path=path):
                if isinstance(path, S3Location) != isinstance(self.lake, S3Location):
                    raise ValueError("lake and warehouse.path must both be folders, or both on S3")
            case BigQueryWarehouse(secret=secret, dbt_secret=of_dbt):
                for needed in (secret, of_dbt or secret):
                    if needed not in self.secrets:
                        raise ValueError(f"secrets.{needed}: found nothing, but the warehouse needs it")
            case SnowflakeWarehouse():
                if not isinstance(self.lake, S3Location):
                    raise ValueError("lake: Snowflake copies from S3; allowed is s3://bucket/prefix")
            case _ as unknown:
                assert_never(unknown)

    def locate(self, location: Location) -> Location:
        """A place on S3 that knows how this environment's S3 is reached; any other as it is."""
        return replace(location, service=self.s3) if isinstance(location, S3Location) else location

    @property
    def uses_s3(self) -> bool:
        return any(isinstance(location, S3Location) for location in (self.sources, self.lake))


def _check_variables(plain_http: tuple[str, ...]) -> None:
    """Libraries send tokens and rows where variables say. Raises ValueError that names the variable."""
    for name, url in os.environ.items():
        if url and (name == "BIGQUERY_EMULATOR_HOST" or name.startswith("AWS_ENDPOINT_URL")):
            try:
                checked_url(url if "://" in url else f"http://{url}", plain_http)
            except ValueError as error:
                raise ValueError(f"the variable {name}: {error}") from None


def find_file(name: str) -> Path:
    """`conf/env/NAME.toml`, or the file itself where `name` ends in .toml."""
    return Path(name) if name.endswith(".toml") else ROOT / "conf/env" / f"{name}.toml"


def load_environment(name: str) -> Environment:
    """Of the file that `find_file` finds. Raises ConfigurationError."""
    path = find_file(name)
    if not path.is_file():
        names = sorted(file.stem for file in (ROOT / "conf/env").glob("*.toml"))
        raise ConfigurationError(f"environment {name!r}: no file {toml.show_path(path)}; there are {names}")
    return toml.load(Environment, path)
