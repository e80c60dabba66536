"""A handful of hand-written order lines and a configuration that reads nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from tests.jobs.sample import SETTINGS

COLUMNS = ("order_id", "line_id", "item_id", "location_id", "ordered_at", "quantity", "unit_price", "customer_id")

PLAIN = {
    "methods": ["mean", "naive"], "min_buckets": 1, "origins": 3, "accuracy": "none",
    "methods_by_class": {name: ["mean", "naive"] for name in ("smooth", "erratic", "intermittent", "lumpy")},
    "groups": {"reconciliation": "none"},
}  # fmt: skip
"""Forecasts by two methods, and no table that only reports."""


def line(order: str, number: int, item: str, ordered_at: str, quantity: float, **others: Any) -> dict[str, Any]:
    """One order line."""
    given = {"order_id": order, "line_id": str(number), "item_id": item, "ordered_at": ordered_at, "quantity": quantity}
    return {"location_id": "L1", "unit_price": 2.5, "customer_id": None, **given, **others}


def weekly_lines(item: str, quantities: Sequence[float], first: str) -> list[dict[str, Any]]:
    """One order a week."""
    days = pd.date_range(first, periods=len(quantities), freq="7D")
    return [
        line(f"{item}-{n}", 1, item, f"{day:%Y-%m-%d} 10:00:00", quantity)
        for n, (day, quantity) in enumerate(zip(days, quantities, strict=True))
        if quantity
    ]


def write_csv(path: Path, lines: Sequence[Mapping[str, Any]]) -> Path:
    """Write lines as a file that an order system might deliver."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(lines, columns=list(COLUMNS)).to_csv(path, index=False)
    return path


def lines_config(warehouse: Path, source: Path, format: str = "csv", **sections: Any) -> Path:  # noqa: A002
    """Write a configuration whose one source is a file or folder of order lines."""
    columns = {name: name for name in COLUMNS} | sections.pop("columns", {})
    tree = {
        "warehouse": str(warehouse),
        "frequency": "W",
        "timezone": "Europe/London",
        "currency": "GBP",
        "sources": {"sales_line": {"format": format, "path": str(source), "columns": columns}},
        "spark": SETTINGS,
        **sections,
    }
    path = warehouse.with_suffix(".yaml")
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path
