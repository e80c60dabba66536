"""The published and re-derived numbers of ``../shared/oracles``: which test checks which, and how many are checked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import pytest

from tests.places import SHARED

FILE = SHARED / "oracles" / "inventory_vectors.json"

NOT_APPLICABLE = {
    "FAIR-1": "fair shares between locations come with transfers",
    "GSM-6.5": "safety stock placed over several echelons comes with transfers",
    "VN2-bench": "needs data of a competition that may not be kept here",
    "LOKAD-MOQ": "under no reading of its costs is the published answer the best: the money left buys one B",
}
"""Vectors that no test checks, and why."""


class Vector(NamedTuple):
    """What is given, and what should come out."""

    inputs: Any
    expected: Any


@cache
def all_vectors() -> dict[str, Vector]:
    """Every vector by its name; none where the file is not there."""
    if not FILE.exists():
        return {}
    rows = json.loads(FILE.read_text(encoding="utf-8"))
    return {row["id"]: Vector(row["inputs"], row["expected"]) for row in rows}


def names(*starts: str) -> list[str]:
    """Vectors whose names start so."""
    return [name for name in all_vectors() if name.startswith(starts)]


def checks(*vectors: str) -> pytest.MarkDecorator:
    """Run a test once for each of the named vectors, as its argument ``vector``."""
    return pytest.mark.parametrize("vector", vectors, indirect=True)


def checked_by(items: Iterable[pytest.Item]) -> set[str]:
    """Vectors that the tests ask for."""
    calls = (getattr(item, "callspec", None) for item in items)
    return {call.params["vector"] for call in calls if call is not None and "vector" in call.params}


def summary(passed: Iterable[pytest.TestReport]) -> str:
    """One line: how many vectors were checked, and which are not, with the reason."""
    checked = {name for report in passed for key, name in report.user_properties if key == "oracle"}
    if not checked:
        return ""
    reasons = ", ".join(f"{name} ({reason})" for name, reason in NOT_APPLICABLE.items() if name not in checked)
    missing = set(all_vectors()) - checked - set(NOT_APPLICABLE)
    line = f"oracle: {len(checked)} of {len(all_vectors())} vectors checked; not applicable: {reasons}"
    return f"{line}; not run or failed: {len(missing)}" if missing else line
