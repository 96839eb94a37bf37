"""A TOML file read into a model: every mistake in it in one error, and no value in that error that may be a secret."""

import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from jobs.clients.location import ROOT
from jobs.config.model import SNAKE_CASE
from jobs.errors import ConfigurationError

Model = TypeVar("Model", bound=BaseModel)

# Of an environment: what a person may write a secret into, a reference being wanted there.
_SECRET_TABLES = ("secrets", "services", "spreadsheets")
_SECRET_FIELDS = ("account", "private_key", "passphrase", "oauth_token", "endpoint", "secret", "dbt_secret", "service")


def load(model: type[Model], path: Path, **fields: Any) -> Model:
    """The file as `model`, `fields` in the place of its own. Raises ConfigurationError."""
    content = parse(path) | fields
    content.setdefault("name", path.stem)
    if content["name"] != path.stem:
        raise ConfigurationError(
            f"{show_path(path)}: name: found {content['name']!r}, allowed {path.stem!r}, as the file"
        )
    return validate(model, content, f"{show_path(path)}:")


def validate(model: type[Model], content: Any, where: str) -> Model:
    """Raises ConfigurationError: `where`, and a line a mistake: field, what was found, what is allowed."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError("\n  ".join([where, *_describe_mistakes(error)])) from None


def parse(path: Path) -> dict[str, Any]:
    """Raises ConfigurationError where the file cannot be read, or is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{show_path(path)}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{show_path(path)}: not TOML: not UTF-8 at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        fault = re.sub("^(Cannot|Duplicate).*(?=[(]at )", "a key stands twice ", str(error))  # it is quoted there
        raise ConfigurationError(f"{show_path(path)}: not TOML: {fault}") from None


def show_path(path: Path) -> str:
    """A path as messages name it: the project's own from its folder on."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def _describe_mistakes(error: ValidationError) -> list[str]:
    return [_describe_mistake(detail) for detail in error.errors()]


def _describe_mistake(detail: Any) -> str:
    keys = [str(part) for part in detail["loc"] if part != "[key]"]
    if keys and keys[0] in ("warehouse", "delivery"):
        keys[1:2] = []  # the kind, which pydantic puts there
    field, value = ".".join(_key(key, keys[0]) for key in keys) or "file", _show_value(keys, detail["input"])
    match detail["type"]:
        case "missing":
            return f"{field}: found nothing, but it is required"
        case "extra_forbidden":
            return f"{field}: found, but there is no such field"
        case "string_pattern_mismatch":
            return f"{field}: found {value}, allowed {detail['ctx']['pattern']}"
        case "literal_error":
            return f"{field}: found {value}, allowed {detail['ctx']['expected']}"
        case "union_tag_invalid":
            tag = detail["ctx"]["discriminator"].strip("'")
            return f"{field}.{tag}: found {detail['ctx']['tag']!r}, allowed {detail['ctx']['expected_tags']}"
        case "union_tag_not_found":
            return f"{field}.{detail['ctx']['discriminator'].strip(chr(39))}: found nothing, but it is required"
        case "value_error":
            return f"{field}: {detail['ctx']['error']}"
        case _:
            return f"{field}: found {value}: {detail['msg']}"


def _show_value(keys: list[str], value: object) -> str:
    """A value for a message; of what may be a secret its length only."""
    may_be_secret = {*keys[:1]} & {*_SECRET_TABLES} or {*keys[-1:]} & {*_SECRET_FIELDS} or "@" in str(value)
    may_be_secret = may_be_secret or bool(re.search("secret|password", keys[-1] if keys else "", re.IGNORECASE))
    return f"a text of {len(str(value))} characters (not shown)" if may_be_secret else repr(value)


def _key(key: str, table: str) -> str:
    """A field's name; one that is none may be a secret at the wrong side of the equals sign."""
    is_name = re.fullmatch(SNAKE_CASE, key) if table in _SECRET_TABLES else "@" not in key
    return key if is_name else f"(a key of {len(key)} characters, not shown)"
