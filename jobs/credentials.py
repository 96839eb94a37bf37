"""Secret references resolved where they are used; values are never logged, never arguments."""

import os

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from jobs.errors import ConfigurationError
from jobs.location import ROOT


class Database(BaseModel):
    """The six parameters of a Postgres source, named as the supplier's parameter store names them."""

    model_config = ConfigDict(frozen=True)

    db_host: str
    db_port: int
    db_username: str
    db_password: SecretStr
    db_name: str
    table_schema_name: str

    @property
    def jdbc_url(self) -> str:
        """Without the password: inside a URL it would show in error messages."""
        return f"jdbc:postgresql://{self.db_host}:{self.db_port}/{self.db_name}"


def database(reference: str) -> Database:
    """Of `env:PREFIX` (variables PREFIX_DB_HOST, ...) or `file:FOLDER` (a file per parameter)."""
    scheme, _, place = reference.partition(":")
    names = tuple(Database.model_fields)
    if scheme == "env":
        found = {name: os.environ.get(f"{place}_{name}".upper()) for name in names}
    else:
        folder = ROOT / place
        found = {name: (folder / name).read_text().strip() for name in names if (folder / name).is_file()}
    given = {name: value for name, value in found.items() if value}
    if missing := [name for name in names if name not in given]:
        raise ConfigurationError(f"secret {reference}: found {sorted(given)}, missing {missing}")
    try:
        return Database.model_validate(given)
    except ValidationError as error:
        wrong = [str(detail["loc"][0]) for detail in error.errors()]
        raise ConfigurationError(f"secret {reference}: {wrong} cannot be used (values are not shown)") from None
