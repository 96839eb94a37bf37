"""Further tokens for a command that outlasts its first one: given out on loopback by a process that ends with it.

What may mint them, an account's key or a federation, never leaves that process; the command has a word that is good for
nothing else, and only as long as the command runs. It asks as OAuth's refresh has it (RFC 6749, section 6).
"""

import hmac
import json
import os
import secrets
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qs

from jobs.masking import describe

Mint = Callable[[], tuple[str, datetime]]  # a token, and until when it is good (UTC, without zone, as Google's have it)
_MOST_BYTES = 65536  # of a request


def serve(mint: Mint) -> tuple[str, str]:
    """Begin, beside this process and whatever it becomes by exec. Returns the address and the word to ask with."""
    word = secrets.token_urlsafe(32)
    server = HTTPServer(("127.0.0.1", 0), _answering(mint, word))
    ends, lives = os.pipe()
    os.set_inheritable(lives, True)
    if os.fork() == 0:
        os.close(lives)
        _serve(server, ends)
    os.close(ends)
    server.server_close()
    return f"http://127.0.0.1:{server.server_port}/token", word


def _serve(server: HTTPServer, ends: int) -> None:
    """Until nobody holds the other end of the pipe: the kernel closes it, however the command ended."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the command may still need a token to cancel what it runs
        signal.signal(number, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # who reads the command's output waits until all who hold it have ended
        os.dup2(nowhere, stream)
    Thread(target=server.serve_forever, daemon=True).start()
    os.read(ends, 1)
    os._exit(0)


def _answering(mint: Mint, word: str) -> type[BaseHTTPRequestHandler]:
    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length") or 0), _MOST_BYTES)
            asked = parse_qs(self.rfile.read(length).decode(errors="replace"))
            self._reply(*_answer(mint, word, asked.get("refresh_token", [""])[0]))

        def _reply(self, status: int, content: dict[str, object]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Answering


def _answer(mint: Mint, word: str, given: str) -> tuple[int, dict[str, object]]:
    if not hmac.compare_digest(given.encode(), word.encode()):
        return 400, {"error": "invalid_grant"}
    try:
        token, expires = mint()
    except Exception as error:  # noqa: BLE001 - all of them are for the command to tell, and none ends this process
        return 503, {"error": "temporarily_unavailable", "error_description": describe(error)}
    seconds = (expires - datetime.now(UTC).replace(tzinfo=None)).total_seconds()
    return 200, {"access_token": token, "token_type": "Bearer", "expires_in": max(0, int(seconds))}
