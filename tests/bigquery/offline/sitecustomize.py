"""Python imports this at start when its folder is on PYTHONPATH: no connection but on loopback.

OFFLINE_RECORD: the file in which whatever was refused is written down.
"""

import os
import sys
from pathlib import Path

LOOPBACK = ("localhost", "127.", "::1", "::ffff:127.", "0.0.0.0")


def watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if not name.startswith((*LOOPBACK, os.uname().nodename)):
        with Path(os.environ["OFFLINE_RECORD"]).open("a") as record:
            record.write(f"{name} {sys.argv[0]}\n")
        raise OSError(f"{name}: only loopback in tests")


if "OFFLINE_RECORD" in os.environ:
    sys.addaudithook(watch)
