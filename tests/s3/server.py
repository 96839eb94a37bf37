"""An S3 server on loopback, moto or another, that keeps a record of every request, forbids what the lake's policy
forbids (docs/s3.md), and breaks when told to."""

import io
import json
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import boto3
from botocore.config import Config
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

ACCOUNT = "123456789012"  # moto's own; versitygw's accounts are called as their access keys
KEYS = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "dummy-secret-canary", "AWS_REGION": "eu-north-1"}


@dataclass
class Request:
    """One request as the server saw it; `status` 0: the connection was cut."""

    method: str
    bucket: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]
    deleted: tuple[str, ...] = ()
    names: tuple[str, ...] = ()  # parameters asked of SSM
    status: int = 0

    @property
    def completes(self) -> bool:
        """Makes an object appear, or replaces it."""
        is_put = self.method == "PUT" and not {"partNumber", "tagging"} & self.query.keys()
        return is_put or (self.method == "POST" and "uploadId" in self.query)


@dataclass
class Server:
    """Where it listens, and what it was asked."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    denied: list[Request] = field(default_factory=list)
    faults: list[Callable[[Request], int | None]] = field(default_factory=list)

    @property
    def client(self) -> Any:
        config = Config(region_name="eu-north-1", s3={"addressing_style": "path"})
        names = {
            "aws_access_key_id": KEYS["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": KEYS["AWS_SECRET_ACCESS_KEY"],
        }
        return boto3.client("s3", endpoint_url=self.url, config=config, **names)

    def keys(self, bucket: str, prefix: str = "") -> set[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {found["Key"] for page in pages for found in page.get("Contents", ()) if found["Key"][-1] != "/"}

    @contextmanager
    def broken(self, fault: Callable[[Request], int | None]) -> Iterator[None]:
        """`fault`: a status to answer with instead, 0 to cut the connection, None to go on."""
        self.faults.append(fault)
        try:
            yield
        finally:
            self.faults.remove(fault)

    def forbids(self, request: Request) -> bool:
        """The policy: below raw/ nothing is deleted, and nothing is put but by If-None-Match, there or not."""
        gone = [request.key] if request.method == "DELETE" and "uploadId" not in request.query else request.deleted
        if any(_is_raw(key) for key in gone):
            return True
        if not request.completes or not _is_raw(request.key):
            return False
        return request.headers.get("if-none-match") != "*"


def _is_raw(key: str) -> bool:
    """Below a lake's raw/; a lake below another's scratch/ is another matter."""
    folders = key.split("/")
    return "raw" in folders and "scratch" not in folders[: folders.index("raw")]


class _Application:
    def __init__(self, server: Server, answer: Callable[..., Iterable[bytes]]) -> None:
        self._server, self._answer = server, answer

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = _seen(environ)
        self._server.requests.append(request)
        for fault in list(self._server.faults):
            status = fault(request)
            if status == 0:
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                raise ConnectionError("cut, as asked for")
            if status:
                return _answer(request, status, "AccessDenied" if status == 403 else "SlowDown", start_response)
        if self._server.forbids(request):
            self._server.denied.append(request)
            return _answer(request, 403, "AccessDenied", start_response)

        def started(status: str, *rest: Any) -> Any:
            request.status = int(status[:3])
            return start_response(status, *rest)

        return self._answer(environ, started)


def _seen(environ: dict[str, Any]) -> Request:
    path = environ["PATH_INFO"].encode("latin-1").decode()
    _, bucket, key = [*path.split("/", 2), ""][:3]
    query = dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
    headers = {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name[:5] == "HTTP_"}
    deleted: tuple[str, ...] = ()
    if environ["REQUEST_METHOD"] == "POST" and "delete" in query:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = io.BytesIO(body)
        deleted = tuple(re.findall(r"<Key>([^<]*)</Key>", body.decode()))
    names: tuple[str, ...] = ()
    if headers.get("x-amz-target", "").startswith("AmazonSSM.Get"):
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = io.BytesIO(body)
        asked = json.loads(body)
        names = tuple(asked.get("Names") or [asked.get("Name") or asked["Path"]])
    return Request(environ["REQUEST_METHOD"], bucket, key, query, headers, deleted, names)


def _answer(request: Request, status: int, code: str, start_response: Callable[..., Any]) -> list[bytes]:
    request.status = status
    body = f"<Error><Code>{code}</Code><Message>as the test asked for</Message></Error>".encode()
    start_response(f"{status} x", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [] if request.method == "HEAD" else [body]


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept, as on the real one

    def log(self, *_: Any) -> None:
        pass


@contextmanager
def serving(answer: Callable[..., Iterable[bytes]] | None = None) -> Iterator[Server]:
    """Until the block ends; `answer`: a WSGI application, else moto."""
    server = Server()
    application = _Application(server, answer or DomainDispatcherApplication(create_backend_app))
    http = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
    server.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
