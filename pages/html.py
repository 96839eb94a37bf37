"""Templates, filled: escaped, in one file, with a policy that lets nothing be fetched."""

import json
import os
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from jobs.clients.location import Location

_FOLDER = Path(__file__).parent / "templates"


def render(template: str, **values: Any) -> str:
    return _templates().get_template(template).render(**values)


def link(file: Path, out: Location) -> str | None:
    """From a page in the folder `out`; None where page or file is not on this machine."""
    if not isinstance(out, Path) or not file.exists():
        return None
    return Path(os.path.relpath(file, out.absolute())).as_posix()


@cache
def charts() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, out of the wheel: no network."""
    return Markup(_inlined(vl_convert.javascript_bundle()))  # noqa: S704 - out of the wheel


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters |= {"count": _count, "moment": _moment, "as_json": _as_json}
    templates.globals |= {"inlined": _own}
    return templates


def _own(name: str) -> Markup:
    return Markup(_inlined((_FOLDER / name).read_text(encoding="utf-8")))  # noqa: S704 - the project's own file


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _moment(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def _as_json(data: Any) -> Markup:
    """For a script element: no text in it can end the element, nor open a comment."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - escaped


def _inlined(script: str) -> str:
    if "</script" in script or "<!--" in script:
        raise ValueError("a script or style that would end its own element cannot be inlined")
    return script
