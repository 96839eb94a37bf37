"""A worksheet of a Google spreadsheet in one request, by a service account; every cell as the text it shows."""

from datetime import date
from functools import partial
from string import ascii_uppercase
from typing import Any

import google.auth.exceptions
import gspread
import requests
from google.oauth2.service_account import Credentials

from jobs.clients.credentials import (
    describe_refusal,
    make_bearer,
    read_service_account,
    resolve_address,
    resolve_identifier,
)
from jobs.clients.http import CONNECT, confine, may_pass, mount_retries, retry_request
from jobs.clients.options import Retries
from jobs.clients.url import host_of
from jobs.config.environment import Environment
from jobs.contracts.deliveries import SheetDelivery
from jobs.errors import ConfigurationError, ContractError, PlatformError, ServiceError
from jobs.sources.tally import Keep, Tally

GOOGLE = "https://sheets.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/spreadsheets.readonly"
_READ = 60.0  # seconds without a byte


class _RefusedError(Exception):
    """An answer without the cells; gspread's own error fails on one that is not as the API has them."""

    def __init__(self, response: requests.Response) -> None:
        self.response = response


class _Client(gspread.HTTPClient):
    """gspread's own, that waits as long as Retry-After says, and asks whom the environment names, nobody else."""

    def __init__(self, auth: Any, session: Any = None, *, endpoint: str, retries: Retries) -> None:
        super().__init__(auth, session)
        self._endpoint = endpoint
        self.set_timeout((CONNECT, _READ))
        mount_retries(self.session, retries)
        confine(self.session)

    def request(self, method: str, endpoint: str, *_: Any, **kwargs: Any) -> requests.Response:
        url, params = endpoint.replace(GOOGLE, self._endpoint, 1), kwargs.get("params")
        try:
            response = self.session.request(method, url, params=params, timeout=self.timeout)
        except requests.TooManyRedirects as error:
            to = host_of(error.response.headers.get("Location", "") if error.response is not None else "")
            raise ConfigurationError(f"services.sheets: moved to {to}; no token is sent there by itself") from None
        if not response.ok:
            raise _RefusedError(response)
        return response


def fetch(delivery: SheetDelivery, environment: Environment, day: date, keep: Keep | None = None) -> Tally:
    """All rows below the header that are not blank. Raises ConfigurationError, ContractError, ServiceError."""
    worksheet = delivery.worksheet.format(date=day)
    spreadsheet = resolve_identifier(environment.spreadsheets[delivery.spreadsheet])
    key = read_service_account(environment.secrets[delivery.secret])
    where = f"spreadsheet {spreadsheet}, worksheet {worksheet!r}"
    values = _read_values(key, environment, spreadsheet, worksheet, where)
    header, rows = parse_table(values, where)
    tally = Tally(f"sheet:{spreadsheet}/{worksheet}", keep)
    for row in rows:
        tally.add(row)
    tally.columns = dict.fromkeys(header)
    return tally


def parse_table(values: list[list[str]], where: str) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """Rows as the API gives them (ragged, [] where blank) -> the header, and the rows that hold anything, by it.

    Columns without header and without values are none; values without a header keep their column's letter.
    """
    if not any(any(row) for row in values):
        raise ContractError(f"{where}: it is empty, not even a header")
    if not any(cell.strip() for cell in values[0]):
        raise ContractError(f"{where}: row 1 is blank; the header is expected there")
    width = max(map(len, values))
    padded = [[*row, *[""] * (width - len(row))] for row in values]
    used = [column for column in range(width) if any(row[column].strip() for row in padded)]
    header = [padded[0][column] if padded[0][column].strip() else f"column {name_column(column)}" for column in used]
    if twice := [name_column(column) for column, name in zip(used, header, strict=True) if header.count(name) > 1]:
        raise ContractError(f"{where}: row 1 has a name more than once, in columns {', '.join(twice)}; one must go")
    rows = [dict(zip(header, (row[column] for column in used), strict=True)) for row in padded[1:]]
    return tuple(header), [row for row in rows if any(cell.strip() for cell in row.values())]


def name_column(column: int) -> str:
    """0 -> A, 25 -> Z, 26 -> AA, as the sheet shows it."""
    first, last = divmod(column, 26)
    return (name_column(first - 1) if first else "") + ascii_uppercase[last]


def _read_values(
    key: dict[str, str], environment: Environment, spreadsheet: str, worksheet: str, where: str
) -> list[list[str]]:
    """One request: the cells as they are shown, so that 007 stays 007."""
    endpoint = resolve_address(environment.services.get("sheets", GOOGLE))
    whole = "'{}'".format(worksheet.replace("'", "''"))
    shown: dict[str, Any] = {"majorDimension": "ROWS", "valueRenderOption": "FORMATTED_VALUE"}
    factory = partial(_Client, endpoint=endpoint, retries=environment.retries)
    try:
        account = Credentials.from_service_account_info(key, scopes=[SCOPE])  # type: ignore[no-untyped-call]
    except ValueError:
        raise ConfigurationError(f"{where}: the service account's key has no private_key that can be used") from None
    client = gspread.Client(auth=make_bearer(account, environment.retries), http_client=factory)  # type: ignore[arg-type]
    try:
        answer = retry_request(
            lambda: client.http_client.values_get(spreadsheet, whole, params=shown), environment.retries, where
        )
    except _RefusedError as error:
        raise _explain_refusal(error.response, key["client_email"], where) from None
    except google.auth.exceptions.RefreshError as error:
        if error.retryable:
            raise ServiceError(f"{where}: {key['token_uri']} gives no token now; run again later") from None
        raise ConfigurationError(
            f"{where}: the key of {key['client_email']} is refused ({describe_refusal(error)}); is it deleted, "
            "disabled, or this machine's clock wrong? Make a new key and put it where the secret's reference points"
        ) from None
    except google.auth.exceptions.TransportError as error:
        raise ServiceError(f"{where}: {key['token_uri']} cannot be reached: {type(error).__name__}") from None
    return _read_cells(answer, where)


def _read_cells(answer: Any, where: str) -> list[list[str]]:
    """The cells of a ValueRange, whose `values` are left out where the sheet is blank. Raises ServiceError."""
    rows = answer.get("values", []) if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise ServiceError(f"{where}: 200, but no cells as the Sheets API gives them; what stands in between?")
    if any(isinstance(cell, dict | list | None) for row in rows for cell in row):
        raise ServiceError(f"{where}: 200, but a cell that is no text; what stands in between?")
    return [[str(cell) for cell in row] for row in rows]


def _explain_refusal(response: requests.Response, account: str, where: str) -> PlatformError:
    """What to do about Google's answer."""
    status = response.status_code
    if may_pass(response):
        return ServiceError(f"{where}: still {status} after all tries; run again later")
    if status == 403:
        return ConfigurationError(f"{where}: 403; share the spreadsheet with {account} (Viewer), and enable its API")
    if status == 404:
        return ConfigurationError(
            f"{where}: 404, no such spreadsheet; check its id under [spreadsheets] in conf/env (the part between /d/ "
            f"and /edit of its address), and that it is shared with {account}"
        )
    if status == 400 and _read_status(response) == "FAILED_PRECONDITION":
        return ConfigurationError(
            f"{where}: 400, a file in Drive that is no Google Sheet (.xlsx?); save it as one, and put its id under "
            "[spreadsheets] in conf/env"
        )
    if status == 400:
        return ContractError(f"{where}: 400, there is no such worksheet; is it renamed?")
    return ConfigurationError(f"{where}: {status} for {account}")


def _read_status(response: requests.Response) -> str:
    """Google's own name of an error, or ""."""
    try:
        return str(response.json()["error"]["status"])
    except (ValueError, TypeError, LookupError):
        return ""
