"""The three warehouses that Bronze may be in, as the environment's file describes each."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from jobs.clients.credentials import Address, Reference
from jobs.clients.location import Location
from jobs.config.model import Name, Strict

LabelKey = Annotated[str, Field(pattern="^[a-z][a-z0-9_-]{0,62}$")]
LabelValue = Annotated[str, Field(pattern="^[a-z0-9_-]{0,63}$")]
Dataset = Annotated[str, Field(pattern="^[A-Za-z0-9_]+$")]
PolicyTag = Annotated[str, Field(pattern=r"^projects/[^/\s]+/locations/[^/\s]+/taxonomies/[^/\s]+/policyTags/[^/\s]+$")]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_$]*$")]


class DeltaWarehouse(Strict):
    """Bronze as Delta tables below `path`: the embedded default."""

    kind: Literal["delta"]
    path: Location


class BigQueryWarehouse(Strict):
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
    gold_private: Dataset | None = None  # who customers and agents are, granted apart; None: Gold's name and `_private`
    gold_build: Dataset | None = None  # Gold until it has passed its tests, for nobody else; None: ... and `_build`
    policy_tags: dict[Name, PolicyTag] = {}  # kind of personal column -> the tag that it gets; none: no column gets one
    staging: Dataset | None = None  # where loads stage, with an expiry for all that lies there; None: beside Bronze
    secret: Name = "bigquery"  # noqa: S105 - an entry's name
    dbt_secret: Name | None = None
    labels: dict[LabelKey, LabelValue] = {"application": "coretelecoms"}  # of tables and jobs; jobs have more
    maximum_bytes_billed: int = Field(default=300 * 2**30, gt=0)  # of a statement; BigQuery refuses one that needs more
    staging_hours: float = Field(default=24, gt=0)  # until BigQuery removes what a killed run left
    endpoint: Address | None = None  # else Google's own
    storage_endpoint: str | None = None  # host:port of the Storage Write API, always TLS

    @property
    def private(self) -> str:
        """The dataset of what identifies persons."""
        return self.gold_private or f"{self.gold}_private"

    @property
    def build(self) -> str:
        """The dataset of Gold until it has passed its tests."""
        return self.gold_build or f"{self.gold}_build"

    @model_validator(mode="after")
    def _check_apart(self) -> Self:
        _check_apart(self.gold, self.private, self.build)
        return self


class Host(Strict):
    """Where a stand-in for Snowflake listens; Snowflake itself is found by its account."""

    host: Literal["127.0.0.1", "localhost"]
    port: int
    protocol: Literal["http", "https"] = "http"


class SnowflakeWarehouse(Strict):
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
    gold_private: Identifier | None = None  # who customers and agents are, granted apart; None: as in BigQuery
    gold_build: Identifier | None = None  # Gold until it has passed its tests, for nobody else; None: as in BigQuery
    masking_policies: Identifier | None = None  # the schema of KIND_TEXT and KIND_DATE; None: nothing is masked
    stage: Annotated[str, Field(pattern=r"^[A-Za-z_][\w$]*\.[A-Za-z_][\w$]*$")] = "coretelecoms_bronze.lake"
    private_key: Reference | None = None  # PKCS#8 in PEM
    passphrase: Reference | None = None
    oauth_token: Reference | None = None
    login_timeout: int = Field(default=60, gt=0)
    statement_timeout: int = Field(default=600, gt=0)  # seconds, also until a lost connection is given up
    host: Host | None = None

    @property
    def private(self) -> str:
        """The schema of what identifies persons."""
        return self.gold_private or f"{self.gold}_private"

    @property
    def build(self) -> str:
        """The schema of Gold until it has passed its tests."""
        return self.gold_build or f"{self.gold}_build"

    @property
    def qualified_policies(self) -> str:
        """The schema of the masking policies as it stands in a statement; "" where there are none."""
        return f"{self.database}.{self.masking_policies}" if self.masking_policies else ""

    @model_validator(mode="after")
    def _check_apart(self) -> Self:
        _check_apart(self.gold.lower(), self.private.lower(), self.build.lower())
        return self

    @model_validator(mode="after")
    def _check_login(self) -> Self:
        if bool(self.private_key) == bool(self.oauth_token):
            raise ValueError("private_key or oauth_token: exactly one must name a secret; passwords are not taken")
        return self


def _check_apart(gold: str, private: str, build: str) -> None:
    if gold == private:
        raise ValueError(f"gold_private: found {private!r}, which is gold, whose readers would see persons")
    if build in (gold, private):
        raise ValueError(f"gold_build: found {build!r}, whose readers would see what has not passed its tests")


Warehouse = Annotated[DeltaWarehouse | BigQueryWarehouse | SnowflakeWarehouse, Field(discriminator="kind")]
