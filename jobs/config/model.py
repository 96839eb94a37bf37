"""What all configuration is made of: strict, frozen models, and names that the warehouses take as they are."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

SNAKE_CASE = r"[a-z][a-z0-9_]*"

Name = Annotated[str, Field(pattern=f"^{SNAKE_CASE}$")]


class Strict(BaseModel):
    """A field that nobody knows is a mistake; nothing is changed once it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, defer_build=True)
