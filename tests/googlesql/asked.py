"""The judge as a process: a script a line comes in, its verdicts go out, both as JSON, until the input ends.

    python -m tests.googlesql.asked PROJECT http://127.0.0.1:PORT

Schemas come from the REST interface at that address, on loopback. What asks has an environment of its own, with another
protobuf.
"""

import http.client
import json
import sys
from typing import Any
from urllib.parse import quote, urlsplit

from tests.googlesql.judge import Find, Judge, Schema, Table, Verdict
from tests.googlesql.reads import Read
from tests.googlesql.scripts import UnknownControlError

# What the REST interface calls GoogleSQL's types.
_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}


def schema(fields: list[dict[str, Any]]) -> Schema:
    return {field["name"]: _type(field) for field in fields}


def _type(field: dict[str, Any]) -> str:
    name = _TYPES.get(field["type"], field["type"])
    if name in ("RECORD", "STRUCT"):
        name = f"STRUCT<{', '.join(f'`{one}` {of}' for one, of in schema(field['fields']).items())}>"
    return f"ARRAY<{name}>" if field.get("mode") == "REPEATED" else name


def finder(project: str, address: str) -> Find:
    """Asks for one table after the other; what is no table of the project has no schema."""
    place = urlsplit(address)
    assert place.hostname == "127.0.0.1"

    def find(dataset: str, table: str) -> Table | None:
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        try:
            connection.request(
                "GET", f"/bigquery/v2/projects/{project}/datasets/{quote(dataset)}/tables/{quote(table)}"
            )
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status == 404:
            return None
        assert answer.status == 200, body
        found = json.loads(body)
        columns = schema(found.get("schema", {}).get("fields", []))
        partitioned = found.get("timePartitioning", {})
        is_guarded = bool(partitioned.get("requirePartitionFilter"))
        return Table(columns, str(found.get("creationTime", "")), partitioned.get("field", ""), is_guarded)

    return find


def _said(verdict: Verdict) -> dict[str, Any]:
    reads, changed = verdict.touched.reads, verdict.touched.changed
    return {
        "kind": verdict.kind,
        "refused": verdict.refused,
        "reads": [_read(read) for read in reads],
        "changed": _read(changed) if changed else None,
    }


def _read(read: Read) -> list[Any]:
    """Table, columns, first and last day, or null for all."""
    return [read.table, sorted(read.columns), read.days and [str(day) for day in read.days]]


def main(project: str, address: str) -> None:
    judge = Judge(project, finder(project, address))
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            verdicts = judge.judge(asked["script"], asked["parameters"])
        except UnknownControlError as error:
            verdicts = [Verdict("unknown", str(error))]
        print(json.dumps([_said(verdict) for verdict in verdicts]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
