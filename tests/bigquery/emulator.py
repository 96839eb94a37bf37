"""Starts the emulator (its own arguments), with tokens that end: python tests/bigquery/emulator.py LIFE start ...

LIFE: a file that says for how many appended bytes a token lives: time passes by them here. Without it, tokens
live for ever. As at Google, a token is looked at when a call begins, not within it.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from bqemulator.cli import main
from bqemulator.grpc_api.write_servicer import BigQueryWriteHandler

LIFE = Path(sys.argv.pop(1))
_service = BigQueryWriteHandler.service
_appended: Counter[str] = Counter()


def service(self: Any, details: Any) -> Any:
    """The call's handler, or one that refuses a token whose life is over."""
    handler = _service(self, details)
    if handler is None or not LIFE.exists():
        return handler
    token = dict(details.invocation_metadata).get("authorization", "")
    is_over = _appended[token] > int(LIFE.read_text())

    def counted(requests: Iterator[bytes]) -> Iterator[bytes]:
        for request in requests:
            _appended[token] += len(request)
            yield request

    def appended(requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
        if is_over:
            _refuse(context)
        else:
            yield from handler.stream_stream(counted(requests), context)

    if handler.request_streaming:
        return grpc.stream_stream_rpc_method_handler(appended)
    return grpc.unary_unary_rpc_method_handler(lambda _, context: _refuse(context)) if is_over else handler


def _refuse(context: Any) -> bytes:
    context.set_code(grpc.StatusCode.UNAUTHENTICATED)
    context.set_details("Request had invalid authentication credentials.")
    return b""


BigQueryWriteHandler.service = service
sys.exit(main())
