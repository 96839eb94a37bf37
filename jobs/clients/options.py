"""How a kind of service is spoken to: each a table of the environment's file (docs/deploy.md)."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from jobs.clients.location import ROOT


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class PostgresAccess(_Options):
    """How databases are spoken to. Weaker than verify-full is for servers that have nothing better, and warned of."""

    sslmode: Literal["verify-full", "verify-ca", "require", "disable"] = "verify-full"
    sslrootcert: Path | None = None  # PEM, on every machine that reads; None: ~/.postgresql/root.crt
    statement_timeout: float = Field(default=600, gt=0)  # seconds a statement, or a fetch of it, may take
    lock_timeout: float = Field(default=30, gt=0)  # seconds to wait for somebody's ALTER TABLE

    @field_validator("sslrootcert")
    @classmethod
    def _anchor(cls, path: Path | None) -> Path | None:
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


class MysqlAccess(_Options):
    """How MySQL and MariaDB are spoken to; weaker than verify-full is warned of."""

    sslmode: Literal["verify-full", "verify-ca", "disable"] = "verify-full"
    sslrootcert: Path | None = None  # PEM; None: the authorities that this machine trusts
    read_timeout: float = Field(default=600, gt=0)  # seconds that the server may keep silent

    @field_validator("sslrootcert")
    @classmethod
    def _anchor(cls, path: Path | None) -> Path | None:
        return path and ROOT / path

    @property
    def warning(self) -> str:
        """What is wrong with it, or ""."""
        return "" if self.sslmode == "verify-full" else f"mysql.sslmode = {self.sslmode!r}; verify-full is the default"


class Retries(_Options):
    """How faults that may pass are waited out; all in seconds."""

    landing: tuple[float, ...] = (5, 15, 45)  # before each further try to read a table, in a new snapshot
    http: int = Field(default=5, ge=0)  # further tries of one request (429, 5xx, cut off)
    http_backoff: float = Field(default=1, ge=0)  # doubled at each of them, where the server names no time
    retry_after_max: float = Field(default=120, ge=0)  # of what a server asks for
