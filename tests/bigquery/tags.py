"""Policy tags of the stand-in's columns, which the emulator does not keep: from what is asked into what is answered."""

import json
import re
from collections.abc import Iterator
from typing import Any

from demo.web import Request

Tags = dict[str, list[str]]  # column -> names of its tags
_TABLE = re.compile(r"/datasets/(\w+)/tables(?:/(\w+))?$")
_MADE_ANEW = re.compile(r"(?i)\b(?:create or replace|drop) table (?:if exists )?`[^`]+`\.`?(\w+)`?\.`(\w+)`")


class PolicyTags:
    """As BigQuery keeps them: a table that is made anew by a statement has none."""

    def __init__(self) -> None:
        self.of: dict[tuple[str, str], Tags] = {}

    def heed(self, asked: Request, sql: str) -> None:
        """What a request that succeeded changed."""
        for dataset, table in _MADE_ANEW.findall(sql):
            self.of.pop((dataset, table), None)
        found = _TABLE.search(asked.path)
        if found and asked.method in ("POST", "PUT", "PATCH"):
            body = json.loads(asked.body)
            name = found[2] or body["tableReference"]["tableId"]
            if "schema" in body:
                self.of[found[1], name] = dict(_tags(body["schema"]["fields"]))
        elif found and asked.method == "DELETE":
            self.of.pop((found[1], found[2]), None)

    def told(self, asked: Request, body: bytes) -> bytes:
        """The answer about a table, with the tags of its columns."""
        found = _TABLE.search(asked.path)
        tags = self.of.get((found[1], found[2] or ""), {}) if found and asked.method == "GET" else {}
        if not tags:
            return body
        table = json.loads(body)
        for field in table.get("schema", {}).get("fields", []):
            if field["name"] in tags:
                field["policyTags"] = {"names": tags[field["name"]]}
        return json.dumps(table).encode()


def _tags(fields: list[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    for field in fields:
        if names := field.get("policyTags", {}).get("names"):
            yield field["name"], names
