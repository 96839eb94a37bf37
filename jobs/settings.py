"""Configuration as types: `conf/sources/*.toml` (source contracts) and `conf/env/*.toml` (environments)."""

import re
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from jobs.errors import ConfigurationError
from jobs.location import ROOT, Location, S3Location, Service

# Columns every raw and Bronze row carries besides its source's own.
METADATA_COLUMNS = ("_ingested_at", "_source_system", "_source_uri", "_run_id", "_rescued", "ingest_date")
SNAKE_CASE = r"[a-z][a-z0-9_]*"

Name = Annotated[str, Field(pattern=f"^{SNAKE_CASE}$")]
Model = TypeVar("Model", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def _checked_template(template: str) -> str:
    """A path or table with `{date}` or `{date:%Y_%m_%d}` in it; anything else in braces is a mistake."""
    try:
        template.format(date=date(2025, 11, 20))
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError("only {date} or {date:%Y_%m_%d} may stand in braces") from error
    return template


Template = Annotated[str, Field(min_length=1)]


class FileDelivery(_Strict):
    """A file, or several by `*`, below the environment's `sources`; of `paths` the first that is there counts."""

    paths: tuple[Template, ...] = Field(min_length=1)

    _templates = field_validator("paths")(lambda paths: tuple(_checked_template(path) for path in paths))


class CsvDelivery(FileDelivery):
    """RFC 4180 with a header line, comma and double quote; `multiline`: fields hold newlines as a rule."""

    kind: Literal["csv"]
    multiline: bool = False


class JsonDelivery(FileDelivery):
    """An object of columns (pandas `orient="columns"`), an array of records, or JSON lines: told apart by content."""

    kind: Literal["json"]
    # A file that is a single value is read by one task as a whole; raise this together with Spark's memory.
    max_value_mb: int = Field(default=64, gt=0)


class PostgresDelivery(_Strict):
    """A table a day; `secret` names the environment's entry that holds the six connection parameters."""

    kind: Literal["postgres"]
    table: Template
    secret: Name

    _templates = field_validator("table")(_checked_template)

    @field_validator("table")
    @classmethod
    def _a_plain_identifier(cls, table: str) -> str:
        if not re.fullmatch(SNAKE_CASE, table.format(date=date(2025, 11, 20)).lower()):
            raise ValueError("only letters, digits and _ outside the braces")
        return table


Delivery = CsvDelivery | JsonDelivery | PostgresDelivery


class SourceContract(_Strict):
    """One feed: where it is, its columns as delivered and as landed, and how much may be wrong with it."""

    name: Name
    description: str
    system: Literal["s3", "postgres", "google_sheets", "rest"]
    static: bool = False
    key: tuple[Name, ...] = Field(min_length=1)
    max_rejected: float = Field(default=0.01, ge=0, le=1)
    odd_volume: Literal["report", "refuse"] = "report"
    delivery: Delivery = Field(discriminator="kind")
    columns: dict[str, Name]
    optional: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _columns_are_sound(self) -> Self:
        landed = list(self.columns.values())
        if twice := sorted({name for name in landed if landed.count(name) > 1}):
            raise ValueError(f"columns: several headers land as {twice}")
        if reserved := sorted(set(landed) & set(METADATA_COLUMNS)):
            raise ValueError(f"columns: {reserved} are reserved for ingestion metadata")
        if unknown := sorted({*self.key, *self.optional} - set(landed)):
            raise ValueError(f"key, optional: {unknown} are not among the landed columns {landed}")
        return self

    @model_validator(mode="after")
    def _daily_sources_name_their_day(self) -> Self:
        templates = (self.delivery.table,) if self.delivery.kind == "postgres" else self.delivery.paths
        undated = [template for template in templates if "{date" not in template]
        if undated and not self.static:
            raise ValueError(f"delivery: {undated} has no {{date}}, and the source is not static")
        return self


class DeltaWarehouse(_Strict):
    """Bronze as Delta tables below `path`: the embedded default."""

    kind: Literal["delta"]
    path: Location


class Environment(_Strict):
    """Where deliveries, lake, warehouse, secrets and logs are. Relative paths start at the project's folder."""

    name: Name
    s3: Service = Service()
    sources: Location
    lake: Location
    warehouse: DeltaWarehouse
    secrets: dict[Name, Annotated[str, Field(pattern=r"^(env:[A-Z][A-Z0-9_]*|file:.+)$")]] = {}
    contracts: Path = Path("conf/sources")
    logs: Path | None = None
    spark: dict[str, str] = {}

    @field_validator("contracts", "logs")
    @classmethod
    def _anchored(cls, path: Path | None) -> Path | None:
        return path and ROOT / path

    @model_validator(mode="after")
    def _locations_know_their_service(self) -> Self:
        """Frozen for everybody else; here the parts of one file are put together."""
        if isinstance(self.warehouse.path, S3Location) != isinstance(self.lake, S3Location):
            raise ValueError("lake and warehouse.path must both be folders, or both on S3")
        warehouse = self.warehouse.model_copy(update={"path": self._reached(self.warehouse.path)})
        values = {"sources": self._reached(self.sources), "lake": self._reached(self.lake), "warehouse": warehouse}
        self.__dict__.update(values)
        return self

    def _reached(self, location: Location) -> Location:
        return replace(location, service=self.s3) if isinstance(location, S3Location) else location

    @property
    def uses_s3(self) -> bool:
        return any(isinstance(location, S3Location) for location in (self.sources, self.lake))


def load_environment(name: str) -> Environment:
    """Of `conf/env/NAME.toml`, or of the file itself where `name` ends in .toml."""
    path = Path(name) if name.endswith(".toml") else ROOT / "conf/env" / f"{name}.toml"
    if not path.is_file():
        known = sorted(found.stem for found in (ROOT / "conf/env").glob("*.toml"))
        raise ConfigurationError(f"environment {name!r}: no file {_shown(path)}; there are {known}")
    return _load(Environment, path)


def load_contracts(environment: Environment, only: tuple[str, ...] = ()) -> dict[str, SourceContract]:
    """All source contracts by name, or `only` those named."""
    paths = {path.stem: path for path in sorted(environment.contracts.glob("*.toml"))}
    if unknown := sorted(set(only) - set(paths)):
        raise ConfigurationError(
            f"--source {unknown}: not in {_shown(environment.contracts)}; there are {sorted(paths)}"
        )
    contracts = {name: _load(SourceContract, path) for name, path in paths.items() if not only or name in only}
    if not contracts:
        raise ConfigurationError(f"{_shown(environment.contracts)}: no source contract (*.toml) in it")
    for contract in contracts.values():
        secret = contract.delivery.secret if contract.delivery.kind == "postgres" else None
        if secret and secret not in environment.secrets:
            raise ConfigurationError(
                f"conf/env/{environment.name}.toml: secrets.{secret}: found nothing, "
                f"but {contract.name} needs it; there are {sorted(environment.secrets)}"
            )
    return contracts


def _load(model: type[Model], path: Path) -> Model:
    """Read and validate one TOML file; every mistake in it is named in one error."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{_shown(path)}: not TOML: {error}") from error
    content.setdefault("name", path.stem)
    if content["name"] != path.stem:
        raise ConfigurationError(f"{_shown(path)}: name: found {content['name']!r}, allowed {path.stem!r}, as the file")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        mistakes = "\n  ".join(_mistake(detail) for detail in error.errors())
        raise ConfigurationError(f"{_shown(path)}:\n  {mistakes}") from error


def _mistake(detail: Any) -> str:
    """One line of a validation error: field, what was found, what is allowed."""
    field = ".".join(str(part) for part in detail["loc"] if part not in ("csv", "json", "postgres")) or "file"
    match detail["type"]:
        case "missing":
            return f"{field}: found nothing, but it is required"
        case "extra_forbidden":
            return f"{field}: found, but there is no such field"
        case "string_pattern_mismatch":
            return f"{field}: found {detail['input']!r}, allowed {detail['ctx']['pattern']}"
        case "literal_error":
            return f"{field}: found {detail['input']!r}, allowed {detail['ctx']['expected']}"
        case "union_tag_invalid":
            return f"{field}.kind: found {detail['ctx']['tag']!r}, allowed {detail['ctx']['expected_tags']}"
        case "union_tag_not_found":
            return f"{field}.kind: found nothing, allowed 'csv', 'json', 'postgres'"
        case "value_error":
            return f"{field}: {detail['ctx']['error']}"
        case _:
            return f"{field}: found {detail['input']!r}: {detail['msg']}"


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
