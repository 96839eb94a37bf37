"""A small HTTP server on loopback that answers as a function says, well or badly."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from demo.server import HOST


@dataclass(frozen=True)
class Request:
    """A request: its path decoded, its headers by lower-case name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """An answer; `length`, where it is not that of the body, and `endless`, for a server that keeps sending, lie.

    `pause`: seconds before each of the body's bytes.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    endless: bool = False
    pause: float = 0


def json_reply(content: Any, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(content).encode(), {"Content-Type": "application/json", **named})


@contextmanager
def answering(answer: Callable[[Request], Reply]) -> Iterator[str]:
    """Serve until the block ends; gives the server's address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            reply = answer(Request(self.command, unquote(parts.path), dict(parse_qsl(parts.query)), headers, body))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the client has seen enough
                self._send(reply)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            length = len(reply.body) if reply.length is None else reply.length
            for name, value in {"Content-Length": str(length), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            for part in (bytes([byte]) for byte in reply.body) if reply.pause else (reply.body,):
                time.sleep(reply.pause)
                self.wfile.write(part)
            while reply.endless:
                self.wfile.write(b" " * 65536)
            self.close_connection = self.close_connection or length != len(reply.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            """Nothing: requests carry tokens."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
