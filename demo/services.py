"""What is on the internet in earnest, on loopback: Google's token endpoint and Sheets v4 API, and an outages API.

    python -m demo.services --sources DIR --secrets DIR -- COMMAND [ARG...]

Serves, writes addresses and credentials below --secrets, runs COMMAND and ends with its exit code.
"""

import argparse
import csv
import json
import secrets
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from types import FrameType
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from demo.outages import outages
from demo.postgres import run
from demo.server import write_private
from demo.web import Reply, Request, answering, json_reply

ACCOUNT = "reader@coretelecoms-demo.iam.gserviceaccount.com"
SPREADSHEET = "demo-agents"
SCOPES = ("https://www.googleapis.com/auth/spreadsheets.readonly", "https://www.googleapis.com/auth/bigquery")
AUDIENCE = "https://oauth2.googleapis.com/token"  # google-auth signs for it, wherever the key's token_uri points
PAGE = 25  # outages a page
FIRST, LAST = date(2025, 11, 20), date(2025, 11, 23)


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Services:
    """The services' state. `agents`: gives the sheet's cells; `faults`: replies that come before any right one."""

    agents: Callable[[], list[list[str]]]
    address: str = ""
    api_token: str = field(default_factory=partial(secrets.token_urlsafe, 24), repr=False)
    access_token: str = field(default_factory=partial(secrets.token_urlsafe, 24), repr=False)
    key: rsa.RSAPrivateKey = field(default_factory=_key, repr=False)
    key_id: str = field(default_factory=partial(secrets.token_hex, 20))
    is_shared: bool = True
    asked: list[Request] = field(default_factory=list, repr=False)
    faults: dict[str, deque[Reply]] = field(default_factory=dict)  # by the path's beginning

    def answer(self, request: Request) -> Reply:
        """As the real service would, unless a fault is due."""
        self.asked.append(request)
        for path, faults in self.faults.items():
            if request.path.startswith(path) and faults:
                return faults.popleft()
        if request.path == "/token":
            return self._token(request)
        if request.path.startswith("/v4/spreadsheets/"):
            return self._sheet(request)
        if request.path == "/v1/outages":
            return self._outages(request)
        return json_reply({"error": "no such path"}, 404)

    def _token(self, request: Request) -> Reply:
        """RFC 7523: a JWT signed with the key of a service account, for an access token."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        public = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        try:
            claims = jwt.decode(form.get("assertion", ""), certs=public.decode(), audience=AUDIENCE)  # type: ignore[no-untyped-call]
        except ValueError:
            return json_reply({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
        if claims.get("iss") != ACCOUNT or claims.get("scope") not in SCOPES:
            return json_reply({"error": "invalid_scope"}, 400)
        return json_reply({"access_token": self.access_token, "expires_in": 3599, "token_type": "Bearer"})

    def _sheet(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.access_token}":
            return _google_error(401, "UNAUTHENTICATED")
        _, _, _, spreadsheet, _, cells = request.path.split("/", 5)
        if spreadsheet != SPREADSHEET:
            return _google_error(404, "NOT_FOUND")
        if not self.is_shared:
            return _google_error(403, "PERMISSION_DENIED")
        if cells != "'agents'":
            return _google_error(400, "INVALID_ARGUMENT")
        content = {"range": "agents!A1:Z1000", "majorDimension": "ROWS", "values": _trimmed(self.agents())}
        return json_reply(content if content["values"] else {"range": "agents!A1:Z1000", "majorDimension": "ROWS"})

    def _outages(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.api_token}":
            return json_reply({"error": "unauthorized"}, 401)
        day = date.fromisoformat(request.query["day"])
        if not FIRST <= day <= LAST:
            return json_reply({"error": "no report of that day yet"}, 404)
        day_outages, start = outages(day), int(request.query.get("cursor", 0))
        end = start + PAGE
        return json_reply(
            {
                "total": len(day_outages),
                "data": day_outages[start:end],
                "next": str(end) if end < len(day_outages) else None,
            }
        )

    def write_secrets(self, folder: Path) -> None:
        """Addresses, the API's token and the service account's key; new at every start."""
        folder.mkdir(parents=True, exist_ok=True)
        write_private(folder / "sheets", self.address)
        write_private(folder / "outages", self.address)
        write_private(folder / "outages_token", self.api_token)
        write_private(folder / "sheets_key.json", self.account_key)

    @property
    def account_key(self) -> str:
        """As the file that Google gives out for a service account."""
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        key = {"type": "service_account", "project_id": "coretelecoms-demo", "private_key_id": self.key_id}
        return json.dumps(
            {**key, "private_key": pem.decode(), "client_email": ACCOUNT, "token_uri": f"{self.address}/token"}
        )


def _google_error(status: int, name: str) -> Reply:
    return json_reply({"error": {"code": status, "message": name.lower(), "status": name}}, status)


def _trimmed(cells: list[list[str]]) -> list[list[str]]:
    """As the API gives values: nothing behind a row's last cell, nothing below the last row."""
    rows: list[list[str]] = []
    for row in cells:
        used = max((column + 1 for column, cell in enumerate(row) if cell), default=0)
        rows.append(row[:used])
    while rows and not rows[-1]:
        rows.pop()
    return rows


def agents_of(sources: Path) -> list[list[str]]:
    with (sources / "agents/agents.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@contextmanager
def serving(agents: Callable[[], list[list[str]]]) -> Iterator[Services]:
    """The services; they end with the block."""
    services = Services(agents)
    with answering(services.answer) as address:
        services.address = address
        yield services


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(usage="python -m demo.services --sources DIR --secrets DIR -- COMMAND [ARG...]")
    parser.add_argument("--sources", type=Path, required=True, help="where agents/agents.csv is")
    parser.add_argument("--secrets", type=Path, required=True, help="where addresses and credentials are written")
    at = argv.index("--") if "--" in argv else len(argv)
    arguments, command = parser.parse_args(argv[:at]), list(argv[at + 1 :])
    if not command:
        parser.error("no COMMAND after --")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    with serving(partial(agents_of, arguments.sources)) as services:
        services.write_secrets(arguments.secrets)
        return run(command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
