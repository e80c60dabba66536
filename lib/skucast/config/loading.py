"""Reading the configuration: files that extend each other, overrides, and errors in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from skucast.config.root import Config
from skucast.errors import ConfigError


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read the file (and the ones it extends), apply ``key.path=value`` overrides, check everything.

    Raises:
        ConfigError: naming every violation with its path, what was found and what is allowed.
    """
    tree = _read(Path(path))
    for override in overrides:
        _apply(tree, override)
    try:
        # Strict validation takes lists for tuples and text for dates from JSON only.
        return Config.model_validate_json(json.dumps(tree, default=str))
    except ValidationError as problem:
        raise ConfigError(_worded(str(path), problem)) from None


def _read(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    if path.resolve() in above:
        raise ConfigError(f"configuration {path} extends itself by way of {above[-1]}: remove one `extends`")
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ConfigError(f"configuration {path}: {problem.strerror}; give an existing file with --config") from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise ConfigError(f"configuration {path} is not valid YAML in UTF-8: {problem}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"configuration {path}: found {type(tree).__name__}, expected keys and values")
    merged: dict[str, Any] = {}
    for name in _names(path, tree.pop("extends", [])):
        merged = _overlay(merged, _read(path.parent / name, (*above, path.resolve())))
    return _overlay(merged, tree)


def _names(path: Path, extends: Any) -> list[str]:
    names = [extends] if isinstance(extends, str) else extends
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"configuration {path}: extends: found {extends!r}; expected a file name or a list of them")
    return names


def _overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _overlay(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _apply(tree: dict[str, Any], override: str) -> None:
    key, found, value = override.partition("=")
    if not found or not all(key.split(".")):
        raise ConfigError(f"--set {override}: expected key.path=value, such as --set forecast.horizon=8")
    *parents, last = key.split(".") if not key.startswith("spark.") else ["spark", key.removeprefix("spark.")]
    for parent in parents:
        tree = tree.setdefault(parent, {})
        if not isinstance(tree, dict):
            raise ConfigError(f"--set {override}: {parent} holds a value, not keys; check the path")
    try:
        tree[last] = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"--set {override}: {value!r} is not valid YAML; quote it if it is text") from None


def _worded(path: str, problem: ValidationError) -> str:
    lines = []
    for error in problem.errors():
        where = ".".join(str(part) for part in error["loc"] if part != "[key]") or "(whole file)"
        allowed = error["msg"].removeprefix("Value error, ").replace("Input should", "must")
        found = "" if error["type"] == "missing" or isinstance(error["input"], dict) else f"found {error['input']!r}; "
        lines.append(f"  - {where}: {found}{_KINDS.get(error['type'], allowed)}")
    return f"configuration {path} cannot be used:\n" + "\n".join(lines)


_KINDS = {
    "missing": "missing, and it is never guessed: add it",
    "extra_forbidden": "unknown key: remove it or correct its spelling",
}
