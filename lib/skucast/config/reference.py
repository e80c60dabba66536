"""The reference of the configuration, from its sections."""

from __future__ import annotations

import types
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Union, get_args, get_origin

from annotated_types import BaseMetadata, Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from skucast.config.fields import Section
from skucast.config.root import Config

_WORDS = {str: "text", float: "number", int: "whole number", bool: "`true`, `false`", date: "date"}
_BOUNDS = {Ge: "≥ {0.ge}", Gt: "> {0.gt}", Le: "≤ {0.le}", Lt: "< {0.lt}", MinLen: "at least {0.min_length}"}


def configuration_reference() -> str:
    """Every key with its type, bounds, default and meaning, as Markdown; one table per section."""
    return "\n".join(line for path, section in _sections("", Config) for line in _table(path, section))


def _sections(path: str, section: type[Section]) -> Iterator[tuple[str, type[Section]]]:
    yield path, section
    for name, field in section.model_fields.items():
        of_name = f"{path}.{name}" if path else name
        for inner, is_list in _inner(field.annotation):
            yield from _sections(f"{of_name}.…" if is_list else of_name, inner)


def _inner(annotation: Any) -> Iterator[tuple[type[Section], bool]]:
    """Sections that a value holds, and whether it may hold several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, False  # type: ignore[misc]
    elif get_origin(annotation) in (tuple, dict):
        yield from ((inner, True) for part in get_args(annotation) for inner, _ in _inner(part))
    else:
        yield from (found for part in get_args(annotation) for found in _inner(part))


def _table(path: str, section: type[Section]) -> Iterator[str]:
    yield from (f"## `{path}`" if path else "## Top level", "", (section.__doc__ or "").strip().split("\n")[0], "")
    yield from ("| key | value | default | meaning |", "|---|---|---|---|")
    for name, field in section.model_fields.items():
        meaning = " ".join((field.description or "").split())
        yield f"| `{name}` | {_value(field)} | {_default(field)} | {meaning} |"
    yield ""


def _value(field: FieldInfo) -> str:
    bounds = [_BOUNDS[type(each)].format(each) for each in field.metadata if type(each) in _BOUNDS]
    return ", ".join([_named(field.annotation), *bounds])


def _named(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        bounds = [_BOUNDS[type(each)].format(each) for each in _flat(parts[1:]) if type(each) in _BOUNDS]
        return ", ".join([_named(parts[0]), *bounds])
    if origin in (Union, types.UnionType):
        return " or ".join("null" if each is type(None) else _named(each) for each in parts)
    if origin in (dict, tuple):
        return _several(origin, parts)
    return "section" if _holds_section(annotation) else _WORDS.get(annotation) or _choices(annotation)


def _several(origin: Any, parts: tuple[Any, ...]) -> str:
    word, of = ("keys and values", parts[1]) if origin is dict else ("list", parts[0])
    return f"{word} of sections" if _holds_section(of) else f"{word} of {_named(of)}"


def _choices(annotation: Any) -> str:
    """Allowed values of a literal or an enumeration."""
    allowed = get_args(annotation) or [each.value for each in annotation]
    return ", ".join(f"`{each}`" for each in allowed)


def _flat(metadata: tuple[Any, ...]) -> Iterator[BaseMetadata]:
    for each in metadata:
        yield from each.metadata if isinstance(each, FieldInfo) else (each,)


def _holds_section(annotation: Any) -> bool:
    return next(_inner(annotation), None) is not None


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    if _holds_section(field.annotation) or field.default is None:
        return "" if field.default is not None else "null"
    shown = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{shown}`"
