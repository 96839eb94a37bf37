"""Configuration as types: `conf/sources/*.toml` (source contracts) and `conf/env/*.toml` (environments)."""

import re
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, assert_never

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from jobs.errors import ConfigurationError
from jobs.location import ROOT, Location, S3Location, Service

# Columns every raw and Bronze row carries besides its source's own.
METADATA_COLUMNS = ("_ingested_at", "_source_system", "_source_uri", "_run_id", "_rescued", "ingest_date")
SNAKE_CASE = r"[a-z][a-z0-9_]*"

ENGINES = ("auto", "in-process", "spark")

Name = Annotated[str, Field(pattern=f"^{SNAKE_CASE}$")]
# Where a value is, never the value: a variable, a file or folder, a parameter or path of the AWS parameter store, a
# connection of Airflow's.
REFERENCE = r"env:[A-Z][A-Z0-9_]*|file:.+|ssm:/[A-Za-z0-9_./-]+|connection:[A-Za-z][A-Za-z0-9_]*"
Reference = Annotated[str, Field(pattern=f"^({REFERENCE})$")]
# Of a service: itself, or where it stands; plain http only on this machine (jobs/credentials.py looks).
Address = Annotated[str, Field(pattern=f"^(https?://[^/]+.*|{REFERENCE})$")]
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
Dataset = Annotated[str, Field(pattern="^[A-Za-z0-9_]+$")]


class FileDelivery(_Strict):
    """A file, or several by `*`, below the environment's `sources`; of `paths` the first that is there counts."""

    paths: tuple[Template, ...] = Field(min_length=1)

    _templates = field_validator("paths")(lambda paths: tuple(_checked_template(path) for path in paths))

    @property
    def templates(self) -> tuple[str, ...]:
        """What a day is told by."""
        return self.paths


class CsvDelivery(FileDelivery):
    """RFC 4180 with a header line, comma and double quote.

    `multiline` is taken and means nothing any more: whether values hold line ends is found from the data.
    """

    kind: Literal["csv"]
    multiline: bool = False


class JsonDelivery(FileDelivery):
    """An object of columns (pandas `orient="columns"`), an array of records, or JSON lines: told apart by content."""

    kind: Literal["json"]
    # A file that is one object is read by one task as a whole; raise this together with its memory, ten times as much.
    max_value_mb: int = Field(default=64, gt=0, lt=2048)  # a column of Arrow's text holds 2 GiB


class PostgresDelivery(_Strict):
    """A table a day; `secret` names the environment's entry that holds the six connection parameters.

    `settle`: seconds that the table must stand still before it is read, waited for up to `settle_limit` seconds;
    with 0 a table that grows meanwhile is only reported.
    """

    kind: Literal["postgres"]
    table: Template
    secret: Name
    settle: float = Field(default=0, ge=0)
    settle_limit: float = Field(default=600, ge=0)

    _templates = field_validator("table")(_checked_template)

    @field_validator("table")
    @classmethod
    def _a_plain_identifier(cls, table: str) -> str:
        if not re.fullmatch(SNAKE_CASE, table.format(date=date(2025, 11, 20)).lower()):
            raise ValueError("only letters, digits and _ outside the braces")
        if len(table.format(date=date(2025, 11, 20))) > 63:
            raise ValueError("longer than the 63 characters that Postgres keeps of a name")
        return table

    @property
    def templates(self) -> tuple[str, ...]:
        """What a day is told by."""
        return (self.table,)


class SheetDelivery(_Strict):
    """A worksheet of a Google spreadsheet, its header in row 1.

    `spreadsheet` names the environment's entry with the spreadsheet's id, `secret` that of a service account's key.
    """

    kind: Literal["sheet"]
    spreadsheet: Name
    worksheet: Template
    secret: Name

    _templates = field_validator("worksheet")(_checked_template)

    @property
    def templates(self) -> tuple[str, ...]:
        """What a day is told by."""
        return (self.worksheet,)


class LinkPages(_Strict):
    """The next page's address comes in the Link header (RFC 8288), or in the answer at `field`."""

    by: Literal["link"]
    field: str | None = None


class CursorPages(_Strict):
    """The answer holds at `field` what the next request sends as `parameter`; null, "" or nothing: the last page."""

    by: Literal["cursor"]
    field: str
    parameter: str


class NumberPages(_Strict):
    """`parameter` counts the pages from `first`; a page without items is behind the last."""

    by: Literal["number"]
    parameter: str
    first: int = 1


class OffsetPages(_Strict):
    """`parameter` counts the items before the page; a page without items is behind the last."""

    by: Literal["offset"]
    parameter: str


Pages = LinkPages | CursorPages | NumberPages | OffsetPages


class HeaderAuth(_Strict):
    """`header: prefix + value`, the value of the environment's entry `secret`."""

    secret: Name
    header: str = "Authorization"
    prefix: str = "Bearer "


class RestDelivery(_Strict):
    """A REST API's items, page by page as JSON.

    `service` names the environment's entry with the address that `path` is added to; `items` and `total` are dotted
    paths into an answer: its list of items ("": the answer is the list), and how many items all pages have.
    """

    kind: Literal["rest"]
    service: Name
    path: Annotated[str, Field(pattern="^/")]
    parameters: dict[str, str] = {}
    items: str = ""
    total: str | None = None
    auth: HeaderAuth | None = None
    pages: Pages | None = Field(default=None, discriminator="by")
    max_pages: int = Field(default=10_000, ge=1)
    max_page_bytes: int = Field(default=64 * 2**20, ge=1)
    timeout: float = Field(default=60, gt=0)  # seconds without a byte

    _templates = field_validator("path")(_checked_template)
    _parameters = field_validator("parameters")(
        lambda given: {name: _checked_template(value) for name, value in given.items()}
    )

    @property
    def templates(self) -> tuple[str, ...]:
        """What a day is told by: one of them names it."""
        return (" ".join([self.path, *self.parameters.values()]),)


Delivery = CsvDelivery | JsonDelivery | PostgresDelivery | SheetDelivery | RestDelivery
KINDS = ("csv", "json", "postgres", "sheet", "rest")
WAREHOUSES = ("delta", "bigquery", "snowflake")


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
        undated = [template for template in self.delivery.templates if "{date" not in template]
        if undated and not self.static:
            raise ValueError(f"delivery: {undated} has no {{date}}, and the source is not static")
        return self


class DeltaWarehouse(_Strict):
    """Bronze as Delta tables below `path`: the embedded default."""

    kind: Literal["delta"]
    path: Location


LabelKey = Annotated[str, Field(pattern="^[a-z][a-z0-9_-]{0,62}$")]
LabelValue = Annotated[str, Field(pattern="^[a-z0-9_-]{0,63}$")]


class BigQueryWarehouse(_Strict):
    """Bronze in BigQuery, loaded by the Spark BigQuery connector; dbt builds Silver and Gold beside it.

    `secret` names the environment's entry with Google's JSON: a service account's key, or a federation's configuration.
    `dbt_secret`: of another account, for what does not load (dbt, `status`, the pages); None: the same.
    """

    kind: Literal["bigquery"]
    project: Annotated[str, Field(pattern="^[a-z][a-z0-9-]{4,28}[a-z0-9]$")]
    location: Annotated[str, Field(pattern="^[A-Za-z0-9-]+$")]  # of all datasets; they must exist
    bronze: Dataset = "coretelecoms_bronze"
    silver: Dataset = "coretelecoms_silver"
    gold: Dataset = "coretelecoms_gold"
    staging: Dataset | None = None  # where loads stage, with an expiry for all that lies there; None: beside Bronze
    secret: Name = "bigquery"  # noqa: S105 - an entry's name
    dbt_secret: Name | None = None
    labels: dict[LabelKey, LabelValue] = {"application": "coretelecoms"}  # of tables and jobs; jobs have more
    maximum_bytes_billed: int = Field(default=200 * 2**30, gt=0)  # of a statement; BigQuery refuses one that needs more
    staging_hours: float = Field(default=24, gt=0)  # until BigQuery removes what a killed run left
    endpoint: Address | None = None  # else Google's own
    storage_endpoint: str | None = None  # host:port of the Storage Write API, always TLS


Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_$]*$")]


class Host(_Strict):
    """Where a stand-in for Snowflake listens; Snowflake itself is found by its account."""

    host: Literal["127.0.0.1", "localhost"]
    port: int
    protocol: Literal["http", "https"] = "http"


class SnowflakeWarehouse(_Strict):
    """Bronze in Snowflake, copied from the lake through an external stage whose URL is the lake's."""

    kind: Literal["snowflake"]
    account: str = Field(min_length=1)  # itself (orgname-account), or a reference
    user: Identifier
    role: Identifier
    warehouse: Identifier
    database: Identifier
    bronze: Identifier = "coretelecoms_bronze"
    silver: Identifier = "coretelecoms_silver"
    gold: Identifier = "coretelecoms_gold"
    stage: Annotated[str, Field(pattern=r"^[A-Za-z_][\w$]*\.[A-Za-z_][\w$]*$")] = "coretelecoms_bronze.lake"
    private_key: Reference | None = None  # PKCS#8 in PEM
    passphrase: Reference | None = None
    oauth_token: Reference | None = None
    login_timeout: int = Field(default=60, gt=0)
    statement_timeout: int = Field(default=600, gt=0)  # seconds, also until a lost connection is given up
    host: Host | None = None

    @model_validator(mode="after")
    def _one_way_to_log_in(self) -> Self:
        if bool(self.private_key) == bool(self.oauth_token):
            raise ValueError("private_key or oauth_token: exactly one must name a secret; passwords are not taken")
        return self


Warehouse = Annotated[DeltaWarehouse | BigQueryWarehouse | SnowflakeWarehouse, Field(discriminator="kind")]


class PostgresAccess(_Strict):
    """How databases are spoken to. Weaker than verify-full is for servers that have nothing better, and warned of."""

    sslmode: Literal["verify-full", "verify-ca", "require", "disable"] = "verify-full"
    sslrootcert: Path | None = None  # PEM, on every machine that reads; None: ~/.postgresql/root.crt
    statement_timeout: float = Field(default=600, gt=0)  # seconds a statement, or a fetch of it, may take
    lock_timeout: float = Field(default=30, gt=0)  # seconds to wait for somebody's ALTER TABLE

    @field_validator("sslrootcert")
    @classmethod
    def _anchored(cls, path: Path | None) -> Path | None:
        return path and ROOT / path

    @property
    def warning(self) -> str:
        """What is wrong with it, or ""."""
        weak = {
            "disable": "passwords and rows go over the network unencrypted",
            "require": "encrypted, but to whoever answers: no certificate is checked",
            "verify-ca": "a certificate of the right authority, but for any host",
        }.get(self.sslmode)
        return f"postgres.sslmode = {self.sslmode!r}: {weak}; verify-full is the default" if weak else ""


class Retries(_Strict):
    """How faults that may pass are waited out; all in seconds."""

    landing: tuple[float, ...] = (5, 15, 45)  # before each further try to read a table, in a new snapshot
    http: int = Field(default=5, ge=0)  # further tries of one request (429, 5xx, cut off)
    http_backoff: float = Field(default=1, ge=0)  # doubled at each of them, where the server names no time
    retry_after_max: float = Field(default=120, ge=0)  # of what a server asks for


class EngineChoice(_Strict):
    """From which size on Spark reads deliveries on this machine (a `--master` always does)."""

    spark_above_gb: float = Field(default=64, gt=0)  # GiB to be read by one run


class Environment(_Strict):
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
    retries: Retries = Retries()
    engine: EngineChoice = EngineChoice()
    # A source that comes another way here than its source contract says: its [delivery], by the source's name.
    deliveries: dict[Name, Annotated[Delivery, Field(discriminator="kind")]] = {}
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
        self.__dict__.update(sources=self.reached(self.sources), lake=self.reached(self.lake))
        match self.warehouse:
            case DeltaWarehouse(path=path):
                if isinstance(path, S3Location) != isinstance(self.lake, S3Location):
                    raise ValueError("lake and warehouse.path must both be folders, or both on S3")
                warehouse = self.warehouse.model_copy(update={"path": self.reached(path)})
                self.__dict__.update(warehouse=warehouse)
            case BigQueryWarehouse(secret=secret, dbt_secret=of_dbt):
                for needed in (secret, of_dbt or secret):
                    if needed not in self.secrets:
                        raise ValueError(f"secrets.{needed}: found nothing, but the warehouse needs it")
            case SnowflakeWarehouse():
                if not isinstance(self.lake, S3Location):
                    raise ValueError("lake: Snowflake copies from S3; allowed is s3://bucket/prefix")
            case _ as unknown:
                assert_never(unknown)
        return self

    def reached(self, location: Location) -> Location:
        """A place on S3 that knows how this environment's S3 is reached; any other as it is."""
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
    contracts = {
        name: _delivered_here(_load(SourceContract, path), environment)
        for name, path in paths.items()
        if not only or name in only
    }
    if not contracts:
        raise ConfigurationError(f"{_shown(environment.contracts)}: no source contract (*.toml) in it")
    for contract in contracts.values():
        for table, needed in _needs(contract.delivery).items():
            there_are: dict[str, str] = getattr(environment, table)
            if needed not in there_are:
                raise ConfigurationError(
                    f"conf/env/{environment.name}.toml: {table}.{needed}: found nothing, "
                    f"but {contract.name} needs it; there are {sorted(there_are)}"
                )
    return contracts


def _delivered_here(contract: SourceContract, environment: Environment) -> SourceContract:
    if contract.name not in environment.deliveries:
        return contract
    delivery = environment.deliveries[contract.name]
    try:
        return SourceContract.model_validate(contract.model_dump() | {"delivery": delivery.model_dump()})
    except ValidationError as error:
        mistakes = "\n  ".join(_mistake(detail) for detail in error.errors())
        raise ConfigurationError(f"conf/env/{environment.name}.toml, deliveries.{contract.name}: {mistakes}") from error


def _needs(delivery: Delivery) -> dict[str, str]:
    """Tables of the environment -> the entry that the delivery takes from it."""
    match delivery:
        case CsvDelivery() | JsonDelivery():
            return {}
        case PostgresDelivery():
            return {"secrets": delivery.secret}
        case SheetDelivery():
            return {"secrets": delivery.secret, "spreadsheets": delivery.spreadsheet}
        case RestDelivery():
            secret = {"secrets": delivery.auth.secret} if delivery.auth else {}
            return {"services": delivery.service, **secret}
        case _ as unknown:
            assert_never(unknown)


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
    field = ".".join(str(part) for part in detail["loc"] if part not in (*KINDS, *WAREHOUSES)) or "file"
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
            tag = detail["ctx"]["discriminator"].strip("'")
            return f"{field}.{tag}: found {detail['ctx']['tag']!r}, allowed {detail['ctx']['expected_tags']}"
        case "union_tag_not_found":
            tag = detail["ctx"]["discriminator"].strip("'")
            kinds = WAREHOUSES if field == "warehouse" else KINDS
            allowed = kinds if tag == "kind" else ("link", "cursor", "number", "offset")
            return f"{field}.{tag}: found nothing, allowed {', '.join(map(repr, allowed))}"
        case "value_error":
            return f"{field}: {detail['ctx']['error']}"
        case _:
            return f"{field}: found {detail['input']!r}: {detail['msg']}"


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
