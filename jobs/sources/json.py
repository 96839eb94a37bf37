"""JSON files (RFC 8259, strict): lines, an array of records, or an object; told apart by content, file by file.

`lines`: an object a line, read in splits (jobs/sources/json_lines.py); an array, `[{...}, ...]`, is streamed
(json_array.py); an object, of columns or a single record, is read as a whole (json_object.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jobs.clients import store
from jobs.clients.location import Location
from jobs.clients.store import Input
from jobs.contracts.deliveries import JsonDelivery
from jobs.contracts.source import SourceContract
from jobs.errors import ContractError
from jobs.landing.split import Split
from jobs.sources.files import TextFiles
from jobs.sources.json_array import ArraySplit
from jobs.sources.json_lines import cut_lines
from jobs.sources.json_object import ObjectSplit
from jobs.sources.json_record import may_be_record
from jobs.sources.json_structure import BLANK, BrokenError, StructureError, find_value_end, skip_mark
from jobs.sources.reading import MAX_RECORD, Reading, Request, refuse_if_packed

HEAD = 2**20  # bytes that tell what a file is; more where its first line is longer


@dataclass(frozen=True)
class JsonFiles(TextFiles):
    """A delivery's files, each in its own shape; one that is a single object is no larger than `max_value_mb`."""

    delivery: JsonDelivery

    @contextmanager
    def read(self, request: Request, inputs: tuple[Input, ...]) -> Iterator[Reading]:
        """Raises ContractError."""
        splits = [
            split
            for file in inputs
            for split in cut_splits(*self.open(request, file), file.uri, request.contract, self.delivery.max_value_mb)
        ]
        yield Reading(inputs=inputs, splits=splits)


def cut_splits(root: Location, file: Input, uri: str, contract: SourceContract, max_value_mb: int) -> list[Split]:
    """Lines: the first line is an object and others follow, or it is broken and one of those that follow is one.

    `uri`: as which the file was delivered.
    """
    head = _read_head(root, file, uri)
    first, _, rest = head.partition(b"\n")
    if not head:
        raise ContractError(f"{uri}: the file is empty; ask for it to be sent again")
    if head.startswith(b"["):
        return [ArraySplit(root, file, uri, contract)]
    if head.startswith(b"{") and not (rest.strip(BLANK) and may_be_record(first)):
        if file.size <= max_value_mb * 2**20:
            return [ObjectSplit(root, file, uri, contract)]
        if not _is_broken(head):
            raise ContractError(
                f"{uri}: {file.size} bytes as a single object, allowed are {max_value_mb} MB (max_value_mb); "
                "ask for JSON lines or an array, or raise it"
            )
    if not any(map(may_be_record, head.split(b"\n"))):
        found = f"{file.size} bytes of {'HTML or XML' if head.startswith(b'<') else 'something else'}"
        raise ContractError(f"{uri}: not JSON; allowed is an object or an array, found {found}")
    return cut_lines(root, file, uri, contract)


def _read_head(root: Location, file: Input, uri: str) -> bytes:
    """The file's first HEAD bytes that are not blank, and the rest of the first line if it is no longer than a record.

    The same however the bytes come. Raises ContractError where they are gzip or UTF-16.
    """
    head = b""
    for chunk in skip_mark(store.stream(root, file)):
        head = (head + chunk).lstrip(BLANK)
        if (len(head) >= HEAD and b"\n" in head) or len(head) > MAX_RECORD:
            break
    refuse_if_packed(head, uri)
    end = head.find(b"\n", 0, MAX_RECORD) + 1
    return head[: max(HEAD, end)]


def _is_broken(head: bytes) -> bool:
    """Whether the whole lines of a head cannot be the beginning of an object."""
    try:
        find_value_end(head[: head.rfind(b"\n") + 1], 0)
    except StructureError as error:
        return isinstance(error, BrokenError)
    return True
