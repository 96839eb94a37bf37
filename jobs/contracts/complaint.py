"""How a feed's rows are complaints: `[complaint]` of a source contract, read by dbt for complaints_clean."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_validator

from jobs.config.model import Name, Strict

Status = Literal["Resolved", "In-Progress", "Backlog", "Blocked"]
_WITH_MODELS = ("call", "web form", "social media")
# They stand in SQL as they are.
_Text = Annotated[str, Field(pattern=r"^[^'\\{}\r\n]{1,60}$")]


class Complaint(Strict):
    """Columns as landed -> what they are of a complaint; those that are left out are unknown.

    `channel`: as readers see it. `id`: the source contract's key where it is left out. `statuses`, `categories`: texts
    of the supplier's, in any case -> ours; a category that is not in it stays as it came.
    """

    channel: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9 -]{0,39}$")]
    opened: Name
    id: Name | None = None
    resolved: Name | None = None
    status: Name | None = None
    category: Name | None = None
    customer: Name | None = None
    agent: Name | None = None
    statuses: dict[_Text, Status] = {}
    categories: dict[_Text, _Text] = {}

    @field_validator("channel")
    @classmethod
    def _check_channel(cls, channel: str) -> str:
        if channel.lower() in _WITH_MODELS:
            raise ValueError(f"{channel!r} is a channel with a model of its own; allowed is another name")
        return channel

    def list_columns(self) -> Iterator[str]:
        """Those that it names."""
        for name in ("opened", "id", "resolved", "status", "category", "customer", "agent"):
            if column := getattr(self, name):
                yield column
