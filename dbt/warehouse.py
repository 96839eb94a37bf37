"""Where Silver, Gold and Bronze are on this machine, who builds them, and the DuckDB file as a connection."""

import fcntl
import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from errors import CONFIGURATION, TRY_LATER, BuildError
from told import tell

ROOT = Path(__file__).resolve().parents[1]
OLDER = ROOT / ".local/warehouse.duckdb"  # of all environments, before each had its own


class Owner(NamedTuple):
    """Whom a DuckDB file belongs to, as its view `main.environment` says: an environment, and where Bronze is there."""

    name: str
    bronze: str

    def __str__(self) -> str:
        return f"environment {self.name!r} (Bronze: {self.bronze})"


def place(variable: str, default: str) -> Path:
    """A file or folder named by the environment, else below the project's folder; always absolute."""
    return (ROOT / os.environ.get(variable, default)).absolute()


def is_local() -> bool:
    """Are Silver and Gold a DuckDB file here, not in a warehouse of the cloud?"""
    return os.environ.get("CORETELECOMS_TARGET", "local") == "local"


def environment() -> str:
    """The name of the environment that is built or asked."""
    return os.environ.get("CORETELECOMS_ENVIRONMENT", "local")


def warehouse() -> Path:
    """The DuckDB file of this environment."""
    return place("CORETELECOMS_WAREHOUSE", f".local/warehouse/{environment()}/warehouse.duckdb")


def bronze() -> Path | str:
    """The folder of the Delta tables, or s3://bucket/prefix. Raises BuildError where that comes in clear."""
    location = os.environ.get("CORETELECOMS_BRONZE", "")
    if not location.startswith("s3://"):
        return place("CORETELECOMS_BRONZE", ".local/lake/bronze")
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if not re.match(r"https://|http://(127\.0\.0\.1|localhost)(:\d+)?/?$|$", os.environ.get(name, "")):
            message = f"the variable {name}: allowed is https://, and http:// on this machine only (not shown)"
            raise BuildError(message, CONFIGURATION)
    return location


def contracts() -> Path:
    """The folder of the source contracts."""
    return place("CORETELECOMS_CONTRACTS", "conf/sources")


def sources() -> list[str]:
    """Those that this environment has."""
    if named := os.environ.get("CORETELECOMS_SOURCES"):
        return named.split(",")
    return sorted(path.stem for path in contracts().glob("*.toml"))


def artifacts() -> Path:
    """Where dbt writes its artifacts (manifest, run results, parsed project) and its log."""
    return place("DBT_TARGET_PATH", f".local/dbt/{environment()}")


def schema_of(layer: str) -> str:
    """Of silver, gold, gold_private or gold_build, as dbt/macros/generate_schema_name.sql has it."""
    gold = os.environ.get("CORETELECOMS_GOLD", "coretelecoms_gold")
    usual = {"silver": "coretelecoms_silver", "gold_private": f"{gold}_private", "gold_build": f"{gold}_build"}
    return os.environ.get(f"CORETELECOMS_{layer.upper()}", usual.get(layer, gold))


def silver_table(name: str) -> str:
    return f"{schema_of('silver')}.{name}"


def gold_table(name: str) -> str:
    return f"{schema_of('gold')}.{name}"


def shown(path: Path | str) -> str:
    return str(path.relative_to(ROOT)) if isinstance(path, Path) and path.is_relative_to(ROOT) else str(path)


def keep_private() -> None:
    """From now on this process and its children make files that only their user reads: tables hold persons.

    A DuckDB file of an older version, which all could read, becomes such a one.
    """
    os.umask(0o077 | os.umask(0o077))
    for path in (warehouse(), OLDER) if is_local() else ():
        with suppress(PermissionError, FileNotFoundError):  # somebody else's: theirs to say
            path.chmod(path.stat().st_mode & 0o700)


@contextmanager
def alone(days: str) -> Iterator[None]:
    """No other build of this machine meanwhile: of this DuckDB file, or with dbt's artifacts in the same folder.

    Raises BuildError, which names the other one. The lock ends with its process, however that ends.
    """
    path = warehouse()
    at = path.with_name(f"{path.name}.building") if is_local() else artifacts() / "building"
    try:
        at.parent.mkdir(parents=True, exist_ok=True)
        file = at.open("a+", encoding="utf-8")
    except OSError as error:
        raise BuildError(f"{shown(at)}: {error.strerror}", CONFIGURATION) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            target = shown(path) if is_local() else os.environ["CORETELECOMS_PROJECT"]
            message = f"{target} is being built by {file.read() or 'another process'}; run this again once that ended"
            raise BuildError(message, TRY_LATER) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} since {datetime.now(UTC):%H:%M:%S} UTC, {days}")
        file.flush()
        yield


def host() -> str:
    """This machine's name, in what tables may be called."""
    return re.sub("[^a-z0-9]", "_", platform.node().lower())[:60] or "unknown"


def others(own: str) -> list[str]:
    """Builds beside the one with the id `own` that are writing Silver, by their temporary tables: BigQuery shows them.

    None where they have ended by now, or this account may not look.
    """
    if os.environ.get("CORETELECOMS_TARGET") != "bigquery":
        return []
    from google.api_core.exceptions import GoogleAPIError

    try:
        found = {
            (named[1], named[2], table.created)
            for table in _client().list_tables(os.environ["CORETELECOMS_SILVER"])
            if (named := re.search("__dbt_tmp_([0-9a-f]{32})_(.+)", table.table_id)) and named[1] != own
        }
    except GoogleAPIError:
        return []
    return [
        f"build {build} on {machine}, writing since {since:%H:%M:%S} UTC" for build, machine, since in sorted(found)
    ]


def _client() -> Any:
    """As dbt/profiles.yml has it."""
    from google.cloud.bigquery import Client
    from google.oauth2.credentials import Credentials

    credentials = Credentials(
        os.environ["DBT_ENV_SECRET_GOOGLE_TOKEN"],
        refresh_token=os.environ.get("DBT_ENV_SECRET_GOOGLE_RENEWAL"),
        token_uri=os.environ.get("CORETELECOMS_TOKEN_URI"),
        client_id="dbt",
        client_secret="",
    )
    endpoint = os.environ.get("CORETELECOMS_ENDPOINT")
    options = {"api_endpoint": endpoint} if endpoint else None
    return Client(project=os.environ["CORETELECOMS_PROJECT"], credentials=credentials, client_options=options)


def ours() -> Owner:
    """Of the environment that is built or asked; a place below the project's folder as from there."""
    return Owner(environment(), shown(bronze()))


def owner_of(connection: duckdb.DuckDBPyConnection) -> Owner | None:
    """None: a file that is new, or of a version that wrote no name into it."""
    if not connection.execute("FROM duckdb_views() WHERE NOT internal AND view_name = 'environment'").fetchall():
        return None
    ((name, place),) = connection.execute("SELECT name, bronze FROM main.environment").fetchall()
    return Owner(name, place)


def of_another(path: Path, owner: Owner | None) -> BuildError:
    whose = f"is of {owner}" if owner else "is of another Bronze: no run of it is in this one"
    return BuildError(
        f"{shown(path)} {whose}, not of {ours()}. Each environment has a file of its own: name it by --env, and leave "
        "CORETELECOMS_WAREHOUSE unset or let it name another file; one that is not needed any more may be removed, "
        "for a build makes it anew from Bronze.",
        CONFIGURATION,
    )


@contextmanager
def opened(read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """The DuckDB file. Raises BuildError where it is missing, is none, or another process holds it."""
    if not is_local():
        raise BuildError("this looks into the DuckDB file of one machine; here ask the warehouse itself", CONFIGURATION)
    path = warehouse()
    if read_only and not path.exists():
        raise BuildError(f"{shown(path)}: no such file; build it first: ./dbt.sh build", CONFIGURATION)
    with connected(path, read_only) as connection:
        if (owner := owner_of(connection)) not in (None, ours()):
            raise of_another(path, owner)
        yield connection


@contextmanager
def connected(path: Path, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Any DuckDB file, whoever made it. Raises BuildError where it is none, or another process holds it."""
    try:
        connection = duckdb.connect(path, read_only=read_only)
    except duckdb.IOException as error:
        raise _not_opened(path, error) from error
    with connection:
        yield connection


def _not_opened(path: Path, error: duckdb.IOException) -> BuildError:
    if "lock" not in str(error):
        return BuildError(f"{shown(path)}: {tell(str(error))}", CONFIGURATION)
    holder = re.search(r"held in (.+?) \(PID (\d+)\)", str(error))
    owner = f"process {holder[2]} ({holder[1]})" if holder else "another process"
    return BuildError(
        f"{shown(path)} is held by {owner}. While one process writes a DuckDB file no other can open it, and none can "
        "write while others read: close it there (a shell, a notebook, another build) and run this again, "
        "or look at a copy of the file.",
        TRY_LATER,
    )
