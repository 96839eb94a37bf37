"""The source contract: one feed as `conf/sources/<name>.toml` describes it, and as its environment delivers it."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Literal, Self, assert_never

from pydantic import Field, model_validator

from jobs.config import toml
from jobs.config.environment import Environment
from jobs.config.model import Name, Strict
from jobs.config.warehouses import BigQueryWarehouse
from jobs.contracts.complaint import Complaint
from jobs.contracts.deliveries import (
    Delivery,
    PathsDelivery,
    RestDelivery,
    SheetDelivery,
    TableDelivery,
)
from jobs.contracts.due import DueTime
from jobs.errors import ConfigurationError
from jobs.metadata import METADATA_COLUMNS

# Who someone is; where to reach her; her date of birth; what tells of her without naming her; what somebody wrote.
Personal = Literal["identity", "contact", "birth", "attribute", "free_text"]
UNDECIDED = "undecided"  # of `_rescued`, which may hold anything until someone decides
LOOK_BACK, LONGEST_LOOK_BACK = 7, 92  # days before a day asked for

# What does not decide how it lands: who may see it, which days it delivers for, and when they are looked at.
_BESIDE = {"subject", "personal", "since", "until", "look_back", "due", "on_correction", "hold_above", "complaint"}
# Options of deliveries that the first manifests knew nothing of.
_LATER = {"where", "delimiter", "encoding", "compression"}
_LATER |= {"quote", "escape", "comment", "header", "skip_rows", "footer", "max_ratio"}


class SourceContract(Strict):
    """One feed: where it is, its columns as delivered and as landed, whom they tell of, and how much may be wrong."""

    name: Name
    description: str
    system: Literal["s3", "postgres", "mysql", "google_sheets", "rest"]
    static: bool = False
    since: date | None = None  # the first day that it delivers for, where that is known
    until: date | None = None  # the last day that it delivers for; then it is retired
    due: DueTime | None = None  # when a day's delivery is late
    look_back: int | None = Field(default=None, ge=0, le=LONGEST_LOOK_BACK)  # see `days_looked_back`
    key: tuple[Name, ...] = Field(min_length=1)
    max_rejected: float = Field(default=0.01, ge=0, le=1)
    on_correction: Literal["publish", "hold"] = "publish"
    hold_above: float = Field(default=0, ge=0, le=100)  # per cent of rows that may be other ones, and are published
    odd_volume: Literal["report", "refuse"] = "report"
    delivery: Delivery = Field(discriminator="kind")
    columns: dict[str, Name]
    aliases: dict[Name, tuple[str, ...]] = {}  # column as landed -> other headers that it may come under
    optional: tuple[Name, ...] = ()
    subject: Name | None = None  # the landed column by which all rows of one person are found
    personal: dict[Name, Personal] = {}  # landed column -> what it tells of a person
    complaint: Complaint | None = None  # its rows as a channel of complaints

    @model_validator(mode="after")
    def _check_columns(self) -> Self:
        landed = list(self.columns.values())
        if twice := sorted({name for name in landed if landed.count(name) > 1}):
            raise ValueError(f"columns: several headers land as {twice}")
        if reserved := sorted(set(landed) & set(METADATA_COLUMNS)):
            raise ValueError(f"columns: {reserved} are reserved for ingestion metadata")
        if unknown := sorted({*self.key, *self.optional} - set(landed)):
            raise ValueError(f"key, optional: {unknown} are not among the landed columns {landed}")
        if unknown := sorted({*self.personal, self.subject or self.key[0]} - set(landed)):
            raise ValueError(f"personal, subject: {unknown} are not among the landed columns {landed}")
        if {*self.personal.values()} - {"free_text"} and not self.subject:
            raise ValueError("subject: found nothing, but personal columns need the key of whom they tell of")
        if self.on_correction == "hold" and self.static:
            raise ValueError("on_correction: a static source lands once per content, and none of it is held")
        if self.due and self.static:
            raise ValueError("due: a static source has no days on which it is late")
        if self.since and self.until and self.until < self.since:
            raise ValueError(f"until: found {self.until}, which is before since, {self.since}")
        return self

    @model_validator(mode="after")
    def _check_aliases(self) -> Self:
        landed, others = [*self.columns.values()], [header for headers in self.aliases.values() for header in headers]
        if unknown := sorted({*self.aliases} - {*landed}):
            raise ValueError(f"aliases: {unknown} are not among the landed columns {landed}")
        if twice := sorted({header for header in others if header in self.columns or others.count(header) > 1}):
            raise ValueError(f"aliases: the headers {twice} stand more than once")
        return self

    @property
    def headers(self) -> dict[str, str]:
        """Every header that the source contract knows -> the column that it lands as."""
        return self.columns | {header: name for name, headers in self.aliases.items() for header in headers}

    @model_validator(mode="after")
    def _check_complaint(self) -> Self:
        columns, landed = [*self.complaint.list_columns()] if self.complaint else [], [*self.columns.values()]
        if unknown := sorted({*columns} - {*landed}):
            raise ValueError(f"complaint: {unknown} are not among the landed columns {landed}")
        return self

    def is_retired(self, day: date) -> bool:
        """Whether nothing is delivered for it any more."""
        return self.until is not None and day > self.until

    @property
    def days_looked_back(self) -> int:
        """How many days before each one that is asked for are looked at again; of a static source none.

        Where a look reads everything, only what its source contract says.
        """
        back = LOOK_BACK if self.look_back is None else self.look_back
        return back if self.is_looked_at_again else 0

    @property
    def is_looked_at_again(self) -> bool:
        """Whether a day that has landed is looked at though nobody asks for it to land."""
        is_fetched = isinstance(self.delivery, SheetDelivery | RestDelivery)
        return not self.static and (self.look_back is not None or not is_fetched)

    @property
    def personal_columns(self) -> dict[str, str]:
        """Columns as landed that tell of persons -> how: a kind of `personal`, or that nobody has decided."""
        return {**self.personal, "_rescued": UNDECIDED}

    @property
    def fingerprint(self) -> str:
        """Of what decides how it lands; an option that came later does not where it is not used."""
        fields = type(self.delivery).model_fields
        unused = {name for name in _LATER & {*fields} if getattr(self.delivery, name) == fields[name].default}
        untold = _BESIDE | ({"aliases"} if not self.aliases else set())
        known = self.model_dump_json(exclude={**dict.fromkeys(untold, True), "delivery": unused})
        return hashlib.sha256(known.encode()).hexdigest()

    @model_validator(mode="after")
    def _check_day(self) -> Self:
        undated = [template for template in self.delivery.templates if "{date" not in template]
        if undated and not self.static:
            raise ValueError(f"delivery: {undated} has no {{date}}, and the source is not static")
        return self


def load_contracts(environment: Environment, only: tuple[str, ...] = ()) -> dict[str, SourceContract]:
    """All source contracts by name, or `only` those named. Raises ConfigurationError, which names every broken one."""
    contracts, broken = read_contracts(environment, only)
    if broken:
        raise ConfigurationError("\n".join(str(error) for error in broken.values()))
    return contracts


def read_contract_file(environment: Environment, name: str) -> SourceContract:
    """One as its file has it, whatever the environment says of its delivery. Raises ConfigurationError."""
    paths = _find_contracts(environment)
    if name not in paths:
        raise ConfigurationError(f"{name}: not in {toml.show_path(environment.contracts)}; there are {sorted(paths)}")
    return toml.load(SourceContract, paths[name])


def read_contracts(
    environment: Environment, only: tuple[str, ...] = ()
) -> tuple[dict[str, SourceContract], dict[str, ConfigurationError]]:
    """The same, the broken ones apart: what is wrong with one stops no other. Raises where there is none at all."""
    paths = _find_contracts(environment)
    if unknown := sorted(set(only) - set(paths)):
        where = toml.show_path(environment.contracts)
        left_out = f", or left out by environment {environment.name!r}" if environment.without else ""
        raise ConfigurationError(f"--source {unknown}: not in {where}{left_out}; there are {sorted(paths)}")
    contracts, broken = {}, {}
    for name in only or paths:
        try:
            contracts[name] = _check(
                _override_delivery(toml.load(SourceContract, paths[name]), environment), environment
            )
        except ConfigurationError as error:
            broken[name] = error
    return contracts, broken


def _find_contracts(environment: Environment) -> dict[str, Path]:
    """Of the sources that the environment has, by name."""
    paths = {path.stem: path for path in sorted(environment.contracts.glob("*.toml"))}
    folder = toml.show_path(environment.contracts)
    if unknown := sorted({*environment.without} - {*paths}):
        where = f"conf/env/{environment.name}.toml: without"
        raise ConfigurationError(f"{where}: found {unknown}, not in {folder}; there are {sorted(paths)}")
    there = {name: path for name, path in paths.items() if name not in environment.without}
    if not there:
        left_out = ", but those left out" if paths else ""
        raise ConfigurationError(f"{folder}: no source contract (*.toml) in it{left_out}")
    return there


def _override_delivery(contract: SourceContract, environment: Environment) -> SourceContract:
    """The source contract with the environment's own `[deliveries]` in the place of its delivery."""
    if contract.name not in environment.deliveries:
        return contract
    content = contract.model_dump() | {"delivery": environment.deliveries[contract.name]}
    return toml.validate(SourceContract, content, f"conf/env/{environment.name}.toml, deliveries.{contract.name}:")


def _check(contract: SourceContract, environment: Environment) -> SourceContract:
    """The environment has what the delivery takes from it, and a policy tag for what is personal where it has any."""
    tags = environment.warehouse.policy_tags if isinstance(environment.warehouse, BigQueryWarehouse) else {}
    if tags and (untagged := sorted({*contract.personal_columns.values()} - {*tags})):
        raise ConfigurationError(
            f"conf/env/{environment.name}.toml: warehouse.policy_tags: found nothing for {untagged}, "
            f"but {contract.name} has such columns; there are {sorted(tags)}"
        )
    for table, needed in _list_needs(contract.delivery).items():
        there_are: dict[str, str] = getattr(environment, table)
        if needed not in there_are:
            raise ConfigurationError(
                f"conf/env/{environment.name}.toml: {table}.{needed}: found nothing, "
                f"but {contract.name} needs it; there are {sorted(there_are)}"
            )
    return contract


def _list_needs(delivery: Delivery) -> dict[str, str]:
    """Tables of the environment -> the entry that the delivery takes from it."""
    match delivery:
        case PathsDelivery():
            return {}
        case TableDelivery():
            return {"secrets": delivery.secret}
        case SheetDelivery():
            return {"secrets": delivery.secret, "spreadsheets": delivery.spreadsheet}
        case RestDelivery():
            secret = {"secrets": delivery.auth.secret} if delivery.auth else {}
            return {"services": delivery.service, **secret}
        case _ as unknown:
            assert_never(unknown)
