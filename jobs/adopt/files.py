"""Files of a feed, in a folder or on S3 -> how they are written, and a sample of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs.adopt.dialects import find_dialect
from jobs.adopt.found import Found
from jobs.adopt.heads import Head, read_head
from jobs.adopt.objects import is_json, read_objects
from jobs.adopt.places import find_template
from jobs.adopt.questions import Answers
from jobs.adopt.sample import MAX_DELIVERIES, Samples, require_rows
from jobs.adopt.separated import read_separated
from jobs.adopt.typed import read_typed, tell_kind
from jobs.clients import store
from jobs.clients.location import Location, S3Location, parse_location
from jobs.clients.store import Input
from jobs.config.environment import Environment
from jobs.errors import ConfigurationError

_DEEPEST = 4  # folders below the one that is named


def find_files(places: Sequence[str], environment: Environment, answers: Answers) -> Found:
    """`places`: files or folders below the environment's `sources`. Raises ConfigurationError, ContractError."""
    files = {path: file for place in places for path, file in _list_files(place, environment)}
    template, days = find_template([*files], answers)
    looked_at = [*files.values()][-MAX_DELIVERIES:]
    delivery, samples = _read(looked_at, environment.sources, answers)
    left = len(files) - len(looked_at)
    notes = (f"{len(looked_at)} of {len(files)} deliveries were looked at, the last ones",) if left else ()
    return Found(
        "s3", {"kind": delivery.pop("kind"), "paths": [template], **delivery}, samples, tuple(days), not days, notes
    )


def _read(files: Sequence[Input], root: Location, answers: Answers) -> tuple[dict[str, Any], Samples]:
    """How all the files are written, as [delivery] says it, and what is in them."""
    kinds = {tell_kind(root, file) for file in files}
    if len(kinds) > 1:
        raise ConfigurationError(
            f"the deliveries are of more than one format: {sorted(kind or 'text' for kind in kinds)}"
        )
    if kind := kinds.pop():
        return read_typed(kind, root, files, answers)
    return _read_texts([(file.uri, read_head(root, file, answers)) for file in files], answers)


def _list_files(place: str, environment: Environment) -> list[tuple[str, Input]]:
    """Path below `sources` -> the file there, of a file or of all files of a folder."""
    root = environment.sources
    at = environment.locate(parse_location(place if place.startswith("s3://") else str(Path(place).absolute())))
    below = _cut_root(at, root, place, environment.name)
    found = store.look(root, below) if below else ()
    for pattern in (f"{below}/{'*/' * depth}*".lstrip("/") for depth in range(_DEEPEST)):
        found = found or store.look(root, pattern)
    if not found:
        raise ConfigurationError(f"{place}: nothing is there; allowed are a file, or a folder with files of one feed")
    prefix = f"{root}/" if isinstance(root, Path) or root.key else str(root)
    return [(file.uri.removeprefix(prefix), file) for file in found]


def _cut_root(at: Location, root: Location, place: str, environment: str) -> str:
    """The path below `sources`, which is where a run will look."""
    if isinstance(at, Path) and isinstance(root, Path) and at.resolve().is_relative_to(root.resolve()):
        below = str(at.resolve().relative_to(root.resolve()))
        return "" if below == "." else below
    if isinstance(at, S3Location) and isinstance(root, S3Location) and f"{at}/".startswith(f"{str(root).rstrip('/')}/"):
        return at.key.removeprefix(root.key).strip("/")
    raise ConfigurationError(
        f"{place}: not below {root}, the `sources` of environment {environment!r}, where a run looks for deliveries; "
        "put it there in the folder and under the name that its supplier will use"
    )


def _read_texts(heads: Sequence[tuple[str, Head]], answers: Answers) -> tuple[dict[str, Any], Samples]:
    compressions = {head.compression for _, head in heads}
    kinds = {"csv" if not is_json(head.text) else "json" for _, head in heads}
    encodings = {head.encoding for _, head in heads if not head.is_ascii} or {"utf-8"}
    for what, found in (("compression", compressions), ("format", kinds), ("encoding", encodings)):
        if len(found) > 1:
            raise ConfigurationError(f"the deliveries are of more than one {what}: {sorted(map(str, found))}")
    compression = compressions.pop()
    if kinds == {"json"}:
        samples = [read_objects(head, uri) for uri, head in heads]
        return {"kind": "json", "compression": compression}, Samples(tuple(samples))
    dialect = find_dialect(heads[0][1], answers)
    samples = [require_rows(read_separated(head, dialect, uri), uri) for uri, head in heads]
    written = {"kind": "csv", "encoding": encodings.pop(), "compression": compression, **dialect.options}
    return written, Samples(tuple(samples))
