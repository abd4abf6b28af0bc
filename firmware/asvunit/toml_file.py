"""Reads a TOML file into a pydantic model; whatever is wrong becomes one line with file, key and the mend."""

import re
import tomllib
import types
import typing
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from asvunit.errors import UsageError, nearest

Model = TypeVar("Model", bound=BaseModel)

_BOUNDS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")

_MOST_BYTES = 4 << 20  # a device may go on for ever


def read_toml(path: Path, model: type[Model], parse_float: Callable[[str], Any] = float) -> Model:
    """The file as a model; UsageError with file, key and reason of the first fault otherwise."""
    try:
        return model.model_validate(_tables(path, parse_float))
    except ValidationError as errors:
        raise UsageError(f"{path}: {_told(errors, model)[0]}") from errors


def faults(path: Path, model: type[BaseModel]) -> list[str]:
    """Every fault of a file, `key: reason` each; UsageError where it is no TOML at all."""
    try:
        model.model_validate(_tables(path, float))
    except ValidationError as errors:
        return _told(errors, model)
    return []


def _tables(path: Path, parse_float: Callable[[str], Any]) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise UsageError(f"{path}: more than {_MOST_BYTES >> 20} MiB: no file of this kind; TOML is expected")
        return tomllib.loads(content.decode("utf-8-sig"), parse_float=parse_float)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not a text file in UTF-8; TOML is expected") from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise UsageError(f"{path}: not TOML: {str(error) or 'nested too deep'}") from error


def _told(errors: ValidationError, model: type[BaseModel]) -> list[str]:
    # A misspelt required key is unknown and missing at once: the first tells the mend
    each = sorted(errors.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
    return [_fault(one, model) for one in each]


def _fault(error: ErrorDetails, model: type[BaseModel]) -> str:
    """`key: reason`, with the nearest name for an unknown key."""
    key = ".".join(str(part) for part in error["loc"] if part != "[key]") or "file"  # pydantic's mark of a dict's key
    if error["type"] == "extra_forbidden":
        place = model_at(model, error["loc"][:-1])
        names = [info.alias or name for name, info in place.model_fields.items()]
        return f"{key}: unknown key{nearest(str(error['loc'][-1]), names) or '; known: ' + ', '.join(names)}"
    if error["type"] in ("model_type", "dict_type"):
        return f"{key}: a table is needed, as [{key}]"
    message = error["msg"]
    clause = _clause(model, error["loc"]) if error["type"] in _BOUNDS else ""
    return f"{key}: {message[:1].lower()}{message[1:]}{clause}"


def _clause(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """The clause that sets a key's bounds, if its description cites one."""
    info = model_at(model, location[:-1]).model_fields.get(str(location[-1]))
    cited = re.search(r" \[[^\]]+\]", (info.description or "") if info else "")
    return cited.group() if cited else ""


def model_at(model: type[BaseModel], location: Iterable[int | str]) -> type[BaseModel]:
    """The model that stands at a location of a model: tables in tables, dicts and lists of them."""
    current: Any = model
    for part in location:
        inner = _inner_model(current)
        if inner is not None:
            current = inner  # a dict's or list's entry: the part is its key
            continue
        fields = getattr(current, "model_fields", {})  # a list or dict of numbers has none
        named = {info.alias or name: info for name, info in fields.items()}
        if str(part) not in named:
            break
        current = named[str(part)].annotation
        if isinstance(current, type) and issubclass(current, BaseModel):
            continue
    found = current if isinstance(current, type) and issubclass(current, BaseModel) else _inner_model(current)
    return found or model


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    """The model inside dict[str, M], list[M] or M | None; None for a model itself."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return None
    for argument in typing.get_args(annotation):
        if isinstance(argument, type) and issubclass(argument, BaseModel):
            return argument
    return None
