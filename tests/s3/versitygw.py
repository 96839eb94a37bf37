"""versitygw, an S3 server by others, built from its source and put behind the same record and policy as moto.

Its back end is a folder. Requests are handed on as they came: it checks their signatures.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from demo.server import HOST, READY_SECONDS, die_with_parent
from tests.s3.server import KEYS, Server, serving

MODULE, VERSION = "github.com/versity/versitygw/cmd/versitygw", "v1.8.0"
_HOP_BY_HOP = {"connection", "expect", "keep-alive", "transfer-encoding"}


def _binary() -> Path:
    """The server, built once a version; Go's own sums tell that the source is the released one."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = Path(os.environ.get("CORETELECOMS_CACHE") or caches / "coretelecoms")
    made = cache / f"versitygw-{VERSION}"
    if not made.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            command = ["go", "install", f"{MODULE}@{VERSION}"]
            subprocess.run(command, env=os.environ | {"GOBIN": folder, "CGO_ENABLED": "0"}, cwd=folder, check=True)
            Path(folder, "versitygw").rename(made)
    return made


def why_not() -> str:
    """Why it cannot be built here, or ""."""
    return "" if shutil.which("go") else "no Go here: versitygw, the second S3 server, is built with it"


@contextmanager
def forwarded_to(folder: Path) -> Iterator[Server]:
    """A server of its own on an empty folder, until the block ends."""
    data, versions = folder / "data", folder / "versions"
    for place in (data, versions):
        place.mkdir()
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    options = ["--port", f"{HOST}:{port}", "--access", KEYS["AWS_ACCESS_KEY_ID"]]
    options += ["--secret", KEYS["AWS_SECRET_ACCESS_KEY"], "--region", KEYS["AWS_REGION"], "--quiet"]
    command = [_binary(), *options, "posix", "--versioning-dir", versions, data]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=partial(die_with_parent, 15))
    try:
        _wait_for(port, process, folder / "log")
        with serving(partial(_forward, port)) as server:
            yield server
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            return socket.create_connection((HOST, port), 1).close()
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"versitygw does not answer: {log.read_text(errors='replace')[-2000:]}")


def _forward(port: int, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    names = {name: name[5:].replace("_", "-").lower() for name in environ if name.startswith("HTTP_")}
    names |= {"CONTENT_TYPE": "content-type", "CONTENT_LENGTH": "content-length"}
    headers = {name: environ[key] for key, name in names.items() if environ.get(key) and name not in _HOP_BY_HOP}
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    connection = HTTPConnection(HOST, port, timeout=60)
    try:
        connection.request(environ["REQUEST_METHOD"], environ["RAW_URI"], body, headers)
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    given = [(name, value) for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP]
    if not any(name.lower() == "content-length" for name, _ in given):
        given.append(("Content-Length", str(len(content))))
    start_response(f"{response.status} {response.reason}", given)
    return [content]
