"""Who is spoken to: Google's client with one of two accounts, and its errors as ours."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jobs.clients import credentials
from jobs.config.environment import Environment
from jobs.config.warehouses import BigQueryWarehouse
from jobs.errors import ConfigurationError, PlatformError, ServiceError
from jobs.masking import describe

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

PATIENCE = 120.0  # seconds that a request is repeated for
_SCOPE = "https://www.googleapis.com/auth/bigquery"


def get_load_credentials(warehouse: BigQueryWarehouse, environment: Environment) -> Any:
    """Credentials of the account that loads Bronze."""
    return credentials.get_google_credentials(environment.secrets[warehouse.secret], _SCOPE)


def get_dbt_credentials(warehouse: BigQueryWarehouse, environment: Environment) -> Any:
    """Credentials of the account that builds Silver and Gold, and asks for what is there."""
    return credentials.get_google_credentials(environment.secrets[warehouse.dbt_secret or warehouse.secret], _SCOPE)


def make_client(warehouse: BigQueryWarehouse, found: Any) -> "Client":
    """With the credentials `found`."""
    from google.cloud.bigquery import Client

    options = {"api_endpoint": credentials.resolve_address(warehouse.endpoint)} if warehouse.endpoint else None
    return Client(project=warehouse.project, location=warehouse.location, credentials=found, client_options=options)


def query(client: "Client", warehouse: BigQueryWarehouse, sql: str, **labels: object) -> tuple[list[Any], int]:
    """The rows of a query, and the bytes that BigQuery processed for it. `labels`: of the job, any text."""
    from google.cloud.bigquery import QueryJobConfig

    all_labels = {**warehouse.labels, **{name: _label(text) for name, text in labels.items()}}
    options = QueryJobConfig(maximum_bytes_billed=warehouse.maximum_bytes_billed, labels=all_labels)
    job = client.query(sql, job_config=options, retry=make_retry(), job_retry=None)
    rows = list(job.result(retry=make_retry(), job_retry=None))
    return rows, int(job.total_bytes_processed or 0)


def _label(text: object) -> str:
    """As BigQuery takes it: small letters, digits, _ and -, at most 63."""
    return re.sub("[^a-z0-9_-]", "-", str(text).lower())[:63]


def make_retry() -> Any:
    from google.cloud.bigquery import DEFAULT_RETRY

    return DEFAULT_RETRY.with_timeout(PATIENCE)


def check_dataset(warehouse: BigQueryWarehouse, client: "Client", dataset: str) -> None:
    """It is there, and in the warehouse's location. Raises ConfigurationError."""
    from google.api_core.exceptions import NotFound

    name = f"{warehouse.project}.{dataset}"
    try:
        found = str(client.get_dataset(name, retry=make_retry()).location)
    except NotFound:
        raise ConfigurationError(f"dataset {name}: not there; make it in {warehouse.location}") from None
    if found.lower() != warehouse.location.lower():
        raise ConfigurationError(f"dataset {name}: is in {found}, warehouse.location says {warehouse.location}")


@contextmanager
def explain_errors(where: str) -> Iterator[None]:
    """Google's errors as ours."""
    from google.api_core.exceptions import Forbidden, GoogleAPIError, RetryError, ServerError, Unauthorized
    from requests.exceptions import ConnectionError as Unreachable

    try:
        yield
    except (Forbidden, Unauthorized) as error:
        raise ConfigurationError(f"{where}: {describe(error)}") from error
    except (ServerError, RetryError, Unreachable) as error:
        raise ServiceError(f"{where}: {describe(error)}") from error
    except GoogleAPIError as error:
        raise PlatformError(f"{where}: {describe(error)}") from error
