"""A source contract as a document of the Open Data Contract Standard, v3.1, and back; the TOML file stays the source.

What the standard has a place for stands there; whatever else the source contract says, in custom properties named as
its fields. Of documents that others wrote, what a delivery needs is taken, and the rest told.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from jobs.config import toml
from jobs.contracts.mapping import to_snake_case
from jobs.contracts.source import Personal, SourceContract
from jobs.errors import ConfigurationError

VERSION = "v3.1.0"
_SLA = {"due": "timeOfAvailability", "since": "generalAvailability", "until": "endOfSupport"}
_IN_COLUMNS = ("columns", "key", "optional", "personal", "aliases")
_KINDS = get_args(Personal)
_SYSTEMS = {"postgres": "postgres", "mysql": "mysql", "sheet": "google_sheets", "rest": "rest"}
# Of a document that others wrote, what is told by being there.
_TAKEN = {"apiVersion", "kind", "id", "name", "version", "status", "description", "schema", "customProperties"}


def make_document(contract: SourceContract) -> dict[str, Any]:
    """In the standard's order."""
    fields = json.loads(contract.model_dump_json(exclude_defaults=True))
    terms = [{"property": name, "value": fields.pop(field)} for field, name in _SLA.items() if field in fields]
    others = {name: value for name, value in fields.items() if name not in ("name", "description", *_IN_COLUMNS)}
    others["delivery"] = {"kind": contract.delivery.kind} | fields["delivery"]
    document = {
        "apiVersion": VERSION,
        "kind": "DataContract",
        "id": f"urn:coretelecoms:{contract.name}",
        "name": contract.name,
        "version": contract.fingerprint[:12],
        "status": "deprecated" if contract.until else "active",
        "description": {"purpose": contract.description},
        "schema": [_make_table(contract)],
        "slaProperties": terms,
        "customProperties": _make_custom(others),
    }
    return {name: value for name, value in document.items() if value}


def _make_table(contract: SourceContract) -> dict[str, Any]:
    properties = [_make_column(contract, header, name) for header, name in contract.columns.items()]
    kinds = {"postgres": "table", "mysql": "table", "sheet": "sheet", "rest": "resource"}
    kind = kinds.get(contract.delivery.kind, "file")
    return {"name": contract.name, "logicalType": "object", "physicalType": kind, "properties": properties}


def _make_column(contract: SourceContract, header: str, name: str) -> dict[str, Any]:
    """That it is `required` is not said: a column that must come may be null in any row."""
    column: dict[str, Any] = {"name": name, "physicalName": header, "logicalType": "string", "physicalType": "text"}
    if name in contract.key:
        column |= {"primaryKey": True, "primaryKeyPosition": contract.key.index(name) + 1}
    if name in contract.personal:
        column["classification"] = contract.personal[name]
    others = {"aliases": [*contract.aliases.get(name, ())], "optional": name in contract.optional}
    if custom := _make_custom({field: value for field, value in others.items() if value}):
        column["customProperties"] = custom
    return column


def _make_custom(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"property": _to_camel_case(name), "value": value} for name, value in values.items()]


def _to_camel_case(name: str) -> str:
    return re.sub("_([a-z])", lambda found: found[1].upper(), name)


def parse_document(document: object, name: str = "") -> tuple[SourceContract, list[str]]:
    """The source contract, and what of the document has no place in one. `name`: of the table that is meant.

    Raises ConfigurationError.
    """
    try:
        return _parse(document, name)
    except (TypeError, AttributeError, LookupError, ValueError):
        raise ConfigurationError(
            f"not as the standard has it; is it one of {VERSION}? Its published JSON schema says where"
        ) from None


def _parse(document: Any, name: str) -> tuple[SourceContract, list[str]]:
    if document["kind"] != "DataContract" or not str(document["apiVersion"]).startswith("v3."):
        raise ConfigurationError("no data contract of v3 of the Open Data Contract Standard (kind, apiVersion)")
    table = _choose_table(document["schema"], name)
    properties = table["properties"]
    custom = _read_custom(document)
    landed = {one["name"]: _name_landed(one) for one in properties}
    terms = {one["property"]: one["value"] for one in document.get("slaProperties", [])}
    fields = {
        **{field: terms[property_] for field, property_ in _SLA.items() if property_ in terms},
        **{to_field: value for to_field, value in custom.items() if to_field in SourceContract.model_fields},
        "name": name or to_snake_case(table["name"]),
        "description": _describe(document, table),
        "columns": {one.get("physicalName", one["name"]): landed[one["name"]] for one in properties},
        "key": [landed[one["name"]] for one in _sort_key(properties)],
        "optional": [landed[one["name"]] for one in properties if _read_custom(one).get("optional")],
        "personal": {landed[one["name"]]: kind for one in properties if (kind := one.get("classification")) in _KINDS},
        "aliases": {landed[one["name"]]: found for one in properties if (found := _read_custom(one).get("aliases"))},
    }
    if "delivery" not in fields:
        raise ConfigurationError(
            "nothing says how it is delivered: customProperties, delivery; or ./spark-submit.sh adopt a delivery"
        )
    fields.setdefault("system", _SYSTEMS.get(fields["delivery"]["kind"], "s3"))
    contract = toml.validate(SourceContract, fields, "as a source contract:")
    return contract, sorted(_list_untaken(document, properties, custom, terms))


def _choose_table(tables: list[dict[str, Any]], name: str) -> dict[str, Any]:
    found = [table for table in tables if name in ("", table["name"])] if len(tables) > 1 else tables
    if len(found) != 1:
        raise ConfigurationError(f"schema: {len(tables)} objects in it; --name says which")
    return found[0]


def _read_custom(element: Mapping[str, Any]) -> dict[str, Any]:
    return {to_snake_case(_split_camel(one["property"])): one["value"] for one in element.get("customProperties", [])}


def _split_camel(name: str) -> str:
    return re.sub("([A-Z])", r"_\1", name)


def _name_landed(column: Mapping[str, Any]) -> str:
    return to_snake_case(column["name"])


def _describe(document: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    told = document.get("description") or {}
    return str(told.get("purpose") or table.get("description") or told.get("usage") or document.get("name") or "")


def _sort_key(properties: list[dict[str, Any]]) -> list[dict[str, Any]]:
    of_key = [one for one in properties if one.get("primaryKey")]
    return sorted(of_key, key=lambda one: int(one.get("primaryKeyPosition", 0)))


def _list_untaken(
    document: Mapping[str, Any],
    properties: list[dict[str, Any]],
    custom: Mapping[str, Any],
    terms: Mapping[str, Any],
) -> Iterator[str]:
    """By the names that the standard has."""
    yield from (name for name in document if name not in _TAKEN | {"slaProperties"})
    yield from (f"customProperties: {name}" for name in custom if name not in SourceContract.model_fields)
    yield from (f"slaProperties: {name}" for name in terms if name not in _SLA.values())
    for one in properties:
        if (found := one.get("classification")) and found not in _KINDS:
            yield f"{one['name']}: classification {found}; there are {', '.join(_KINDS)}"
        yield from (f"{one['name']}: {rule}" for rule in ("quality", "relationships") if rule in one)
