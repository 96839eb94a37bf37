"""Channels of complaints that source contracts describe in `[complaint]`, as macros/complaints.sql takes them."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from errors import CONFIGURATION, BuildError
from warehouse import contracts, shown

MODELS = Path(__file__).resolve().parent / "models/silver"


def write_channels() -> str:
    """JSON, a channel a source; "" where there is none."""
    channels = [
        _describe(path.stem, contract["complaint"], contract["key"])
        for path in sorted(contracts().glob("*.toml"))
        if "complaint" in (contract := tomllib.loads(path.read_text(encoding="utf-8")))
    ]
    return json.dumps(channels) if channels else ""


def _describe(feed: str, complaint: dict[str, Any], key: list[str]) -> dict[str, Any]:
    """`texts`: the column with what was delivered, which a column that is read as something else has beside it."""
    model = MODELS / f"stg_{feed}.sql"
    if not model.exists():
        message = f"{feed}.toml: complaint: found, but there is no model {shown(model)} that its rows would come of"
        raise BuildError(message, CONFIGURATION)
    words = {*re.findall(r"\w+", model.read_text(encoding="utf-8"))}
    columns = {name: complaint.get(name) for name in ("opened", "resolved", "status", "category", "customer", "agent")}
    as_delivered = {name: f"{column}_as_delivered" for name, column in columns.items() if column}
    return {
        "feed": feed,
        "channel": complaint["channel"],
        "key": complaint["channel"].lower().replace(" ", "_"),
        "ids": [complaint["id"]] if "id" in complaint else key,
        **columns,
        "texts": {name: text if text in words else columns[name] for name, text in as_delivered.items()},
        "has_unreadable_date": "has_unreadable_date" in words,
        "statuses": complaint.get("statuses", {}),
        "categories": complaint.get("categories", {}),
    }
