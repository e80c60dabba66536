"""A tiny shop: CSV files, a configuration, and the command line run in this process."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from skucast.cli import main
from skucast.store.delta import Warehouse
from skucast.tables import TABLES

FIRST = date(2011, 1, 3)
"""A Monday: the first day of sales."""
N_WEEKS = 20
D = FIRST + timedelta(days=7 * N_WEEKS)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shop:
    """A folder with input files and, unless told otherwise, a warehouse beside them."""

    spark: SparkSession
    folder: Path
    capture: pytest.CaptureFixture[str]

    @property
    def warehouse(self) -> Path:
        """Where tables go."""
        return self.folder / "warehouse"

    def write(self, name: str, rows: Iterable[Row]) -> Path:
        """Write a CSV file."""
        rows = list(rows)
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def config(self, sections: Mapping[str, Any] | None = None, *, without: Sequence[str] = ()) -> Path:
        """Write a configuration; ``sections`` are laid over the shop's own."""
        tree: dict[str, Any] = {
            "warehouse": str(self.warehouse),
            "frequency": "W",
            "timezone": "Europe/London",
            "currency": "GBP",
            "sources": {"sales_line": {"format": "csv", "path": str(self.folder / "lines.csv")}},
            "forecast": {"methods": ["naive", "mean", "ses"], "origins": 3, "min_buckets": 2, "min_periods": 4},
            "inventory": {"defaults": {"lead_time_days": 7, "review_period_days": 7}},
            "spark": {"spark.sql.shuffle.partitions": 2},
        }
        tree = {key: value for key, value in {**tree, **(sections or {})}.items() if key not in without}
        path = self.folder / "config.yaml"
        path.write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
        return path

    def run(self, *words: str, config: Path | None = None) -> Outcome:
        """Run a command as a user types it."""
        self.capture.readouterr()
        command, *options = words
        code = main([command, "--config", str(config or self.folder / "config.yaml"), *options])
        printed = self.capture.readouterr()
        return Outcome(code, printed.out, printed.err)

    def refused(self, *words: str, code: int = 2, config: Path | None = None) -> str:
        """The message of a command that must fail: one clear statement, no stack trace."""
        outcome = self.run(*words, config=config)
        assert code == outcome.code, outcome
        assert outcome.err.startswith("skucast: "), outcome.err
        for trace in ("Traceback", "\tat ", "Py4JJavaError", "org.apache.spark"):
            assert trace not in outcome.err
        return outcome.err

    def rows(self, table: str, where: str = "true") -> list[dict[str, Any]]:
        """Rows of a table as a fresh reader sees them."""
        warehouse = Warehouse(self.spark, str(self.warehouse), "skucast")
        return [row.asDict() for row in warehouse.read(TABLES[table]).where(where).collect()]

    def tables(self) -> set[str]:
        """Names of the tables that were written."""
        warehouse = Warehouse(self.spark, str(self.warehouse), "skucast")
        return {name for name, table in TABLES.items() if warehouse.exists(table)}


def sale(item: str, day: date, quantity: object = 1, **changes: object) -> dict[str, Any]:
    """An order line."""
    order = f"{item}-{day:%y%m%d}"
    row = {
        "order_id": order, "item_id": item, "location_id": "GB-1", "quantity": quantity, "unit_price": 2.5,
        "ordered_at": datetime(day.year, day.month, day.day, 12).isoformat(sep=" "), "customer_id": "7",
    }  # fmt: skip
    return row | changes


def weekly(item: str, *, weeks: int = N_WEEKS) -> list[dict[str, Any]]:
    """A sale every Tuesday, and a last one in the week of D, which is not over."""
    days = [FIRST + timedelta(days=1 + 7 * week) for week in range(weeks)]
    return [sale(item, day, 5 + number % 4) for number, day in enumerate([*days, D + timedelta(days=1)])]


class _Nothing:
    """In place of pytest's capture, which lives for one test only."""

    def readouterr(self) -> Any:
        return Outcome(0, "", "")


def lasting(spark: SparkSession, folder: Path) -> Shop:
    """A shop for all tests of a module; it shows nothing of what is printed."""
    return Shop(spark, folder, _Nothing())  # type: ignore[arg-type]


def row(shop: Shop, table: str, item: str) -> dict[str, Any]:
    """The only row of an item."""
    (found,) = [each for each in shop.rows(table) if each["item_id"] == item]
    return found
