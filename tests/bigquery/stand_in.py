"""A stand-in for BigQuery on loopback: an emulator, TLS before its write channel, and before its REST interface a front
that gives out tokens and wants them, records every request, refuses what Google's own analyzer refuses, aborts one of
two transactions as BigQuery does, and breaks when told to. The emulator alone translates, and so takes what BigQuery
does not.
"""

import asyncio
import http.client
import json
import os
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import google.auth.credentials
import google.oauth2.credentials
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore
from google.cloud import bigquery

from demo.server import HOST, die_with_parent
from demo.services import Services
from demo.tls import authority
from demo.web import Reply, Request, answering, json_reply
from jobs.config.environment import ROOT
from tests.bigquery.analyst import Analyst, analyzing
from tests.bigquery.tags import PolicyTags

PROJECT, LOCATION = "coretelecoms-test", "EU"
LAYERS = ("bronze", "silver", "gold", "gold_private", "gold_build", "staging")
DATASETS = {name: f"coretelecoms_{name}" for name in LAYERS}
TRUST = "stand-in"  # the trust store's password, which protects nothing
READY_SECONDS = 120.0
_KEPT = {"content-type", "accept", "content-encoding", "content-range"}
Fault = Callable[[Request], Reply | None]


@dataclass
class StandIn:
    """`asked`: every request, oldest first; `aborted`: transactions answered as BigQuery answers the later of two."""

    folder: Path
    rest_port: int
    services: Services
    analyst: Analyst
    address: str = ""
    storage: str = ""
    faults: list[Fault] = field(default_factory=list)
    aborted: list[str] = field(default_factory=list)
    while_publishing: Callable[[], object] = lambda: None  # called inside every transaction
    tokens: set[str] = field(default_factory=set, repr=False)  # that were given out, beside the first
    policy_tags: PolicyTags = field(default_factory=PolicyTags)
    _publishing: dict[str, threading.Lock] = field(default_factory=dict)

    @property
    def asked(self) -> list[Request]:
        return self.services.asked

    @property
    def life(self) -> Path:
        """Says for how many appended bytes a token lives (emulator.py); while it is there none is given out twice."""
        return self.folder / "life"

    @property
    def client(self) -> bigquery.Client:
        """The tests' own, past the front."""
        return bigquery.Client(
            project=PROJECT,
            credentials=google.auth.credentials.AnonymousCredentials(),
            client_options={"api_endpoint": f"http://{HOST}:{self.rest_port}"},
        )

    def through_the_front(self) -> bigquery.Client:
        """As the product's own."""
        return bigquery.Client(
            project=PROJECT,
            credentials=google.oauth2.credentials.Credentials(self.services.access_token),
            client_options={"api_endpoint": self.address},
        )

    @property
    def java_options(self) -> str:
        """The stand-in is trusted, and no other host's name is known."""
        return (
            f"-Djavax.net.ssl.trustStore={self.folder}/trust.p12 -Djavax.net.ssl.trustStorePassword={TRUST} "
            f"-Djavax.net.ssl.trustStoreType=PKCS12 -Djdk.net.hosts.file={self.folder}/hosts"
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.client.query(sql).result()]

    def configurations(self) -> list[dict[str, Any]]:
        """Of the jobs that were asked for; a seed's rows, which are uploaded to the same path, are none."""
        bodies = [asked.body for asked in self.asked if asked.path.endswith("/jobs") and asked.body.startswith(b"{")]
        return [json.loads(body)["configuration"] for body in bodies]

    def sent(self) -> list[str]:
        """The SQL that was asked for, oldest first."""
        return [text for asked in self.asked if (text := sql(asked))]

    @contextmanager
    def broken(self, fault: Fault) -> Iterator[None]:
        """`fault`: what is answered instead; None: go on. It may also wait, or do something behind everybody's back."""
        self.faults.append(fault)
        try:
            yield
        finally:
            self.faults.remove(fault)

    def reset(self) -> None:
        """No table is left."""
        for name in DATASETS.values():
            self.client.delete_dataset(name, delete_contents=True, not_found_ok=True)
            dataset = bigquery.Dataset(f"{PROJECT}.{name}")
            dataset.location = LOCATION
            self.client.create_dataset(dataset)
        self.asked.clear()
        self.analyst.said.clear()
        self.aborted.clear()
        self.policy_tags.of.clear()

    def answer(self, asked: Request) -> Reply:
        if asked.path == "/token":
            if self.life.exists():
                self.services.access_token = secrets.token_urlsafe(24)
                self.tokens.add(self.services.access_token)
            return self.services.answer(asked)
        self.asked.append(asked)
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token != self.services.access_token and token not in self.tokens:
            return _error(401, "authError", "Invalid Credentials")
        if (text := sql(asked)) and (refusal := self.analyst.refusal(text, parameters(asked))):
            return _refused(refusal)
        for fault in list(self.faults):
            if (reply := fault(asked)) is not None:
                return reply
        guard = re.search(r"BEGIN TRANSACTION.*?UPDATE (\S+)", sql(asked), re.DOTALL)
        if guard is None:
            return self._passed_on(asked)
        lock = self._publishing.setdefault(guard[1], threading.Lock())
        if not lock.acquire(blocking=False):
            self.aborted.append(guard[1])
            return self.abortion(asked)
        try:
            self.while_publishing()
            return self._passed_on(asked)
        finally:
            lock.release()

    def abortion(self, _asked: Request) -> Reply:
        """In BigQuery's words, to the later of two transactions that change a table."""
        where = f"{PROJECT}:{DATASETS['bronze']}.x. Transaction ID: 0"
        return _error(400, "invalidQuery", f"Transaction is aborted due to concurrent update against table {where}")

    def _passed_on(self, asked: Request) -> Reply:
        connection = http.client.HTTPConnection(HOST, self.rest_port, timeout=120)
        headers = {name: value for name, value in asked.headers.items() if name in _KEPT or name[:2] == "x-"}
        query = f"?{urlencode(asked.query)}" if asked.query else ""
        try:
            body = _with_its_filter(asked) if asked.path.endswith("/tables") else _without_columns(asked)
            connection.request(asked.method, quote(asked.path) + query, body, headers)
            found = connection.getresponse()
            body = found.read()
        finally:
            connection.close()
        if found.status < 400:
            self.policy_tags.heed(asked, sql(asked))
            body = self.policy_tags.told(asked, body)
        answered = {
            name: found.headers[name] for name in ("Content-Type", "Location", "Range") if name in found.headers
        }
        if "Location" in answered:  # of an upload: past the front
            answered["Location"] = answered["Location"].replace(f"http://{HOST}:{self.rest_port}", self.address)
        return Reply(found.status, body, answered)


def _with_its_filter(asked: Request) -> bytes:
    """That a table wants a filter is said twice over at BigQuery; the emulator knows the older place of the two."""
    table = json.loads(asked.body or b"{}")
    if table.get("requirePartitionFilter"):
        table["timePartitioning"]["requirePartitionFilter"] = True
        return json.dumps(table).encode()
    return asked.body


def _without_columns(asked: Request) -> bytes:
    """The emulator cannot make a table of named columns and fill it in one statement, as dbt's contracts want it.

    dbt has compared names and types before it asks.
    """
    text = sql(asked)
    found = re.search(r"create or replace table `[^(]+?`\s*(?=\()", text)
    if found is None or not re.search(r"\bas \(\s*select", text):
        return asked.body
    depth, end = 0, found.end()
    for end in range(found.end(), len(text)):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if depth == 0:
            break
    shorter = text[: found.end()] + text[end + 1 :]
    return asked.body.replace(json.dumps(text).encode(), json.dumps(shorter).encode())


def sql(asked: Request) -> str:
    """Of a query, however it was asked; "" of anything else."""
    if asked.method != "POST" or not asked.path.endswith(("/jobs", "/queries")):
        return ""
    content = json.loads(asked.body)
    return str(content.get("query") or content.get("configuration", {}).get("query", {}).get("query", ""))


def parameters(asked: Request) -> dict[str, str]:
    """Names and types of a query's."""
    content = json.loads(asked.body)
    given = content.get("queryParameters") or content.get("configuration", {}).get("query", {}).get(
        "queryParameters", []
    )
    return {one["name"]: one["parameterType"]["type"] for one in given}


def _refused(by_analyzer: str) -> Reply:
    if by_analyzer.startswith("Table not found"):
        return _error(404, "notFound", f"Not found: {by_analyzer}")
    return _error(400, "invalidQuery", re.sub(r"\[at (\d+:\d+)\]$", r"at [\1]", by_analyzer))


def _error(status: int, reason: str, message: str) -> Reply:
    errors = [{"reason": reason, "message": message}]
    return json_reply({"error": {"code": status, "message": message, "errors": errors}}, status)


@contextmanager
def serving(folder: Path) -> Iterator[StandIn]:
    """The stand-in; it ends with the block."""
    made = authority(folder / "tls", "localhost")
    ca = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    trust = serialize_java_truststore([PKCS12Certificate(ca, b"ca")], BestAvailableEncryption(TRUST.encode()))
    (folder / "trust.p12").write_bytes(trust)
    (folder / "hosts").write_text(f"{HOST} localhost {os.uname().nodename}\n")
    services = Services(list)
    with (
        _emulator(folder) as (rest, grpc),
        _tls(grpc, made.server) as port,
        analyzing(PROJECT, f"http://{HOST}:{rest}") as analyst,
    ):
        stand_in = StandIn(folder, rest, services, analyst, storage=f"localhost:{port}")
        with answering(stand_in.answer) as address:
            stand_in.address = services.address = address
            (folder / "key.json").write_text(services.account_key)
            stand_in.reset()
            yield stand_in


@contextmanager
def _emulator(folder: Path) -> Iterator[tuple[int, int]]:
    """Its REST and gRPC ports, once it answers."""
    lock = "requirements/bigquery-emulator.txt"
    python = Path(subprocess.run([ROOT / "setup.sh", lock], check=True, capture_output=True, text=True).stdout.strip())
    (extension,) = python.parents[1].glob("lib/*/site-packages/**/spatial.duckdb_extension")
    version = extension.parent.name
    home = folder / "home"
    installed = home / ".duckdb/extensions" / version / "linux_amd64"
    installed.mkdir(parents=True)
    shutil.copy(extension, installed)
    log = folder / "emulator.log"
    command = [python, Path(__file__).with_name("emulator.py"), folder / "life", "start"]
    command += ["--rest-port", "0", "--grpc-port", "0", "--ephemeral"]
    command += ["--project", PROJECT, "--log-format", "json"]
    with log.open("wb") as out:
        environment = os.environ | {"HOME": str(home), "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment,
            preexec_fn=partial(die_with_parent, signal.SIGKILL),
        )
    try:
        yield _port(process, log, "rest"), _port(process, log, "grpc")
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def _port(process: "subprocess.Popen[bytes]", log: Path, kind: str) -> int:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text().splitlines():
            with suppress(ValueError):
                said = json.loads(line)
                if said.get("event") == f"{kind}.listen" and _answers(int(said["port"])):
                    return int(said["port"])
        time.sleep(0.05)
    raise TimeoutError(f"the emulator did not start:\n{log.read_text()[-2000:]}")


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), 1):
        return True
    return False


@contextmanager
def _tls(backend: int, certificate: Path) -> Iterator[int]:
    """A port that speaks TLS and HTTP/2's name for itself, before one that speaks HTTP/2 in clear."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["h2"])
    loop = asyncio.new_event_loop()

    async def relay(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(1 << 16):
                target.write(data)
                await target.drain()
        target.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(HOST, backend)
        await asyncio.gather(relay(reader, there_writer), relay(there_reader, writer))

    server = loop.run_until_complete(asyncio.start_server(connected, HOST, 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_all_ended(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


async def _all_ended() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
