"""Reads every table of a warehouse without Spark and says how two warehouses differ."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from deltalake import DeltaTable

from skucast.tables import TABLES

Row = dict[str, Any]
QUANTITIES = {
    "quantity", "sales", "returns", "demand", "on_hand", "on_order", "overdue", "on_order_later", "backorders",
    "reserved", "inventory_position", "final_quantity",
}  # fmt: skip
"""Columns of whole pieces, which two equal runs must agree on to the last digit."""
TOLERANCE = 1e-9


def table_names(warehouse: Path) -> list[str]:
    """Names of the tables that were written."""
    return sorted(log.parent.name for log in warehouse.glob("*/_delta_log"))


def rows_of(warehouse: Path, name: str, *, volatile: bool = False) -> list[Row]:
    """The rows of a table, sorted by its keys, less the columns that may differ between equal runs."""
    table = TABLES[name]
    columns = table.names if volatile else table.stable_names
    keys = [key for key in table.keys if key in columns] if name != "run" else ["stage", "decision_date", "outcome"]
    rows = DeltaTable(str(warehouse / name)).to_pyarrow_table(columns=columns).to_pylist()
    plain = [{column: _plain(row[column]) for column in columns} for row in rows]
    return sorted(plain, key=lambda row: [str(row[key]) for key in keys])


def frame_of(warehouse: Path, name: str) -> pd.DataFrame:
    """A table as a frame, volatile columns included."""
    return pd.DataFrame(rows_of(warehouse, name, volatile=True), columns=TABLES[name].names)


def contents(warehouse: Path, names: Iterable[str] | None = None) -> dict[str, list[Row]]:
    """Every table (or the named ones) by name."""
    return {name: rows_of(warehouse, name) for name in (table_names(warehouse) if names is None else names)}


def differences(left: Mapping[str, list[Row]], right: Mapping[str, list[Row]]) -> list[str]:
    """How two warehouses differ: one line per table that does, with its first difference. Empty if equal."""
    if left.keys() != right.keys():
        return [f"tables {sorted(left)} beside {sorted(right)}"]
    found = (_difference(name, left[name], right[name]) for name in left)
    return [each for each in found if each]


def _difference(name: str, left: list[Row], right: list[Row]) -> str | None:
    if left == right:
        return None
    if len(left) != len(right):
        return f"{name}: {len(left)} rows beside {len(right)}"
    for one, other in zip(left, right, strict=True):
        for column in one:
            if not _same(one[column], other[column], exact=column in QUANTITIES):
                return f"{name}.{column}: {one[column]!r} beside {other[column]!r} in {one}"
    return None


def _same(one: Any, other: Any, *, exact: bool) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key], exact=exact) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(a, b, exact=exact) for a, b in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float) and not exact:
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE * 1e-3)
    return bool(one == other)


def _plain(value: Any) -> Any:
    """Maps, which Arrow gives as lists of pairs, as dictionaries."""
    is_map = isinstance(value, list) and value and all(isinstance(pair, tuple) for pair in value)
    return dict(value) if is_map else value
